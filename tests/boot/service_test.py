#!/usr/bin/env python3
"""The unit of deploy/systemd under a real systemd: start, status, kill, hang, drain, journal, and what the unit takes
away from the daemon."""

import json
import os
import subprocess
import tempfile
import time
import unittest

from booted import PATIENCE, Machine, NotBooted, missing

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MILLRACED = os.environ.get("MILLRACED", os.path.join(ROOT, "build", "release", "millraced"))
UNIT = os.path.join(ROOT, "deploy", "systemd", "millraced.service")
EXPOSURE_MAX = 20  # tenths; redis-server's own unit has 12, beanstalkd's 92

# The unit's own watchdog and restarts, in less time.
QUICKER = """
[Unit]
StartLimitBurst=100
[Service]
WatchdogSec=2
RestartSec=100ms
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


def installed(folder):
    """What `cmake --install` puts on a machine: paths there, with the paths of copies in this folder."""
    subprocess.run(["cmake", "--install", os.path.dirname(MILLRACED), "--prefix", "/usr"], check=True,
                   stdout=subprocess.DEVNULL, env=dict(os.environ, DESTDIR=folder))
    found = [os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names]
    return {path.removeprefix(folder): path for path in found}


class Service(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if reason := missing():
            raise unittest.SkipTest(reason)
        with tempfile.TemporaryDirectory() as folder:
            files = installed(folder)
            drop_in = os.path.join(folder, "quicker.conf")
            with open(drop_in, "w") as file:
                file.write(QUICKER)
            files["/etc/systemd/system/millraced.service.d/quicker.conf"] = drop_in
            files["/etc/millrace/millrace.yaml"] = files["/usr/share/millrace/millrace.yaml"]
            try:
                cls.machine = Machine(files)
            except NotBooted as failure:
                raise unittest.SkipTest(str(failure)) from failure
        cls.addClassCleanup(cls.machine.stop)

    def setUp(self):
        self.machine.run("systemctl", "start", "millraced", check=True)
        self.addCleanup(self.machine.run, "systemctl", "stop", "millraced")

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
