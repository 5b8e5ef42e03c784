#!/usr/bin/env python3
"""The Debian package under a real systemd: installed, killed, hung, drained, upgraded, removed, purged; and what the
unit takes away from the daemon."""

import functools
import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest

from booted import PATIENCE, Machine, NotBooted, missing

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MILLRACED = os.environ.get("MILLRACED", os.path.join(ROOT, "build", "release", "millraced"))
UNIT = os.path.join(ROOT, "deploy", "systemd", "millraced.service")
MAKER = "Queue Keepers & Sons / Mill"  # with what has a meaning to shells and to sed
EXPOSURE_MAX = 20  # tenths; redis-server's own unit has 12, beanstalkd's 92

# The unit's own watchdog and restarts, in less time.
QUICKER = """
[Unit]
StartLimitBurst=100
[Service]
WatchdogSec=5
RestartSec=100ms
"""

# deploy/README.md: a user that exists.
DROP_IN_OF_USER = "/etc/systemd/system/millraced.service.d/user.conf"
OTHER_USER = """
[Service]
DynamicUser=no
User=daemon
"""

# Sends each argument as a command and prints the reply; a reply may have a body.
CLIENT = r"""
import socket, sys
peer = socket.create_connection(("127.0.0.1", 11300), timeout=60)
file = peer.makefile("rb")
for command in sys.argv[1:]:
    if command == "wait":
        print("ready", flush=True)
        sys.stdin.readline()
        continue
    peer.sendall(command.encode().decode("unicode_escape").encode())
    reply = file.readline().decode().strip()
    print(reply, flush=True)
    if reply.startswith("RESERVED"):
        file.read(int(reply.split()[2]) + 2)
"""

READYZ = """
import urllib.request
print(urllib.request.urlopen("http://127.0.0.1:9464/readyz", timeout=60).read().decode(), end="")
"""


@functools.cache
def packaged():
    """The path of a package of the build under test."""
    folder = tempfile.mkdtemp()
    unittest.addModuleCleanup(shutil.rmtree, folder)
    maker = dict(os.environ, DEBFULLNAME=MAKER, DEBEMAIL="keeper@debian.org")
    program = os.path.join(ROOT, "deploy", "package")
    made = subprocess.run([program, "--build", os.path.dirname(os.path.abspath(MILLRACED)), "--to", "a folder"],
                          capture_output=True, text=True, env=maker, cwd=folder)
    if made.returncode != 0:
        raise AssertionError(made.stdout + made.stderr)
    return made.stdout.strip()


def newer(package, folder):
    """The same package with a higher version."""
    contents = os.path.join(folder, "contents")
    subprocess.run(["dpkg-deb", "--raw-extract", package, contents], check=True)
    subprocess.run(["sed", "-i", "s/^Version: .*/&.1/", os.path.join(contents, "DEBIAN", "control")], check=True)
    path = os.path.join(folder, "newer.deb")
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", contents, path], check=True, stdout=subprocess.DEVNULL)
    return path


def booted(folder):
    """A machine with two versions of the package at /root, not installed yet."""
    drop_in = os.path.join(folder, "quicker.conf")
    with open(drop_in, "w") as file:
        file.write(QUICKER)
    try:
        return Machine({"/root/old.deb": packaged(), "/root/new.deb": newer(packaged(), folder),
                        "/etc/systemd/system/millraced.service.d/quicker.conf": drop_in})
    except NotBooted as failure:
        raise unittest.SkipTest(str(failure)) from failure


class Service(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if reason := missing():
            raise unittest.SkipTest(reason)
        with tempfile.TemporaryDirectory() as folder:
            cls.machine = booted(folder)
        cls.addClassCleanup(cls.machine.stop)
        cls.machine.run("dpkg", "--install", "/root/old.deb", check=True)
        if cls.machine.run("systemctl", "is-active", "millraced").stdout != "active\n":
            raise AssertionError("the installed service was not started")

    def setUp(self):
        self.machine.run("systemctl", "start", "millraced", check=True)

    def client(self, *commands):
        return self.machine.run("/usr/bin/python3", "-c", CLIENT, *commands, check=True).stdout.splitlines()

    def property(self, name):
        return self.machine.run("systemctl", "show", "--value", "-p", name, "millraced", check=True).stdout.strip()

    def until(self, name, reached):
        ends = time.monotonic() + PATIENCE
        while not reached(value := self.property(name)):
            self.assertLess(time.monotonic(), ends, f"{name} stays at {value}")
            time.sleep(0.1)
        return value

    def events(self, name, *fields):
        """Entries of the journal of the service with this event."""
        found = self.machine.run("journalctl", "-u", "millraced", "-o", "json", f"MILLRACE_EVENT={name}", *fields)
        return [json.loads(line) for line in found.stdout.splitlines()]

    def restarted_after(self, signal):
        """The service is started again by itself, and what was acknowledged is there."""
        (put,) = self.client(r"put 0 0 60 4\r\nkept\r\n")
        number, before = put.split()[1], self.property("MainPID")
        self.machine.run("systemctl", "kill", "--signal", signal, "millraced", check=True)
        self.until("MainPID", lambda pid: pid not in ("0", before))
        self.until("ActiveState", lambda state: state == "active")
        self.assertEqual(self.client(rf"delete {number}\r\n"), ["DELETED"])

    def test_active_means_that_clients_are_served(self):
        self.assertEqual(self.property("ActiveState"), "active")
        self.assertRegex(self.client(r"put 0 0 60 1\r\nx\r\n")[0], r"^INSERTED \d+$")
        self.until("StatusText", lambda text: "jobs/s" in text and " 1 ready" in text)
        self.client("reserve\\r\\n")
        self.assertEqual(self.machine.run("/usr/bin/python3", "-c", READYZ, check=True).stdout, "ready\n")

    def test_a_killed_daemon_is_started_again_with_its_jobs(self):
        self.restarted_after("SIGKILL")

    def test_a_daemon_that_hangs_is_started_again_with_its_jobs(self):
        self.restarted_after("SIGSTOP")

    def test_stop_waits_until_a_client_has_finished_its_job(self):
        (put,) = self.client(r"put 0 0 60 4\r\nheld\r\n")
        words = ["nsenter", "-t", self.machine.leader, "-a", "/usr/bin/python3", "-c", CLIENT]
        number = put.split()[1]
        holder = subprocess.Popen([*words, rf"reserve-job {number}\r\n", "wait", rf"delete {number}\r\n"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(holder.wait)
        for expected in (f"RESERVED {number} 4", "ready"):
            self.assertEqual(holder.stdout.readline().strip(), expected)
        self.machine.run("systemctl", "stop", "--no-block", "millraced", check=True)
        self.until("StatusText", lambda text: text.startswith("draining"))
        printed = holder.communicate("\n", timeout=PATIENCE)[0]
        self.assertEqual(printed.strip(), "DELETED")
        self.until("ActiveState", lambda state: state == "inactive")
        self.assertEqual(self.property("Result"), "success")
        self.assertEqual(self.events("ended")[-1]["MILLRACE_FINISHED"], "1")

    def test_the_journal_finds_entries_by_field(self):
        self.assertTrue(self.events("started", "MILLRACE_BEANSTALK=127.0.0.1:11300"))

    def test_files_belong_to_a_user_that_exists_only_while_it_runs(self):
        owner = self.machine.run("stat", "-c", "%U %a", "/var/lib/private/millrace/millrace.db", check=True).stdout
        self.assertEqual(owner.strip(), "millraced 600")

    def test_zz_an_upgrade_and_a_removal_keep_jobs_and_a_purge_does_not(self):
        (put,) = self.client(r"put 0 0 60 4\r\nkept\r\n")
        number, before = put.split()[1], self.property("MainPID")
        self.machine.run("dpkg", "--install", "/root/new.deb", check=True)
        self.assertNotIn(self.property("MainPID"), ("0", before))
        self.assertEqual(self.client(rf"reserve-job {number}\r\n", rf"release {number} 0 0\r\n"),
                         [f"RESERVED {number} 4", "RELEASED"])
        self.machine.run("dpkg", "--remove", "millrace", check=True)
        self.assertNotEqual(self.machine.run("systemctl", "is-active", "millraced").stdout, "active\n")
        self.machine.run("dpkg", "--install", "/root/new.deb", check=True)
        self.machine.run("systemctl", "start", "millraced", check=True)
        self.assertEqual(self.client(rf"delete {number}\r\n"), ["DELETED"])
        self.purge()
        self.machine.run("sh", "-c", 'printf %s "$1" >"$0"', DROP_IN_OF_USER, OTHER_USER, check=True)
        self.machine.run("dpkg", "--install", "/root/new.deb", check=True)
        self.assertRegex(self.client(r"put 0 0 60 4\r\nlost\r\n")[0], r"^INSERTED \d+$")
        self.purge()

    def purge(self):
        self.machine.run("dpkg", "--purge", "millrace", check=True)
        for path in ("/var/lib/private/millrace", "/var/lib/millrace", "/etc/millrace"):
            self.assertNotEqual(self.machine.run("test", "-e", path).returncode, 0, path)


class Package(unittest.TestCase):
    def test_it_names_who_made_it(self):
        named = subprocess.run(["dpkg-deb", "--field", packaged(), "Maintainer"], capture_output=True, text=True)
        self.assertEqual(named.stdout.strip(), f"{MAKER} <keeper@debian.org>")

    def test_lintian_is_silent(self):
        judge = ["lintian", "--allow-root", "--fail-on", "error,warning", packaged()]
        judged = subprocess.run(judge, capture_output=True, text=True)
        self.assertEqual((judged.returncode, judged.stdout), (0, ""))


class Unit(unittest.TestCase):
    def test_the_unit_is_valid_and_takes_away_what_the_daemon_does_not_need(self):
        with tempfile.TemporaryDirectory() as folder:
            # systemd looks for the program of the unit.
            unit = os.path.join(folder, "millraced.service")
            with open(UNIT) as original, open(unit, "w") as copy:
                copy.write(original.read().replace("/usr/bin/millraced", MILLRACED))
            verified = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
            self.assertEqual((verified.returncode, verified.stderr), (0, ""))
            judge = ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", unit]
            exposed = subprocess.run(judge, capture_output=True, text=True)
            self.assertEqual(exposed.returncode, 0, exposed.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
