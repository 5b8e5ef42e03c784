#!/usr/bin/env python3
"""The Debian package under a real systemd: installed, killed, hung, drained, started by its sockets, upgraded, removed
and purged, also under load."""

import contextlib
import json
import unittest

from boot_support import packaged, text_of
from service_support import CLIENT, ServiceTest


LOAD = text_of("tests", "boot", "load.py")
HUNG_THREAD = text_of("tests", "system", "hung_thread.py")

DROP_INS = "/etc/systemd/system/millraced.service.d/"
SETTINGS_FILE = "/etc/millrace/millrace.yaml"
SECRET = "/etc/millrace/jobs"
SETTINGS = """
daemon: { data_dir: "${STATE_DIRECTORY}", beanstalk: 127.0.0.1:11300, http: 127.0.0.1:9464 }
queues: { numbers: {}, secrets: {} }
producers: { loaded: { kind: lines, queue: secrets, file: "${CREDENTIALS_DIRECTORY}/jobs" } }
consumers: { primality: { queue: numbers, handler: prime, run_on: threads } }
"""
LOW_PORT = 'daemon: { data_dir: "${STATE_DIRECTORY}", beanstalk: 127.0.0.1:113, http: off }\n'
INSTANCE = 'daemon: { data_dir: "${STATE_DIRECTORY}", beanstalk: 127.0.0.1:11301, http: off }\n'
FILES = {
    # The unit's own watchdog and restarts, in less time. A hung loop does not answer SIGABRT.
    DROP_INS + "quicker.conf":
        "[Unit]\nStartLimitBurst=100\n[Service]\nWatchdogSec=4\nTimeoutAbortSec=1\nRestartSec=100ms\n",
    DROP_INS + "credentials.conf": text_of("deploy", "systemd", "drop-ins", "credentials.conf"),
    SECRET: "hidden\n",
    "/root/settings.yaml": SETTINGS,
    "/root/instance.yaml": INSTANCE,
    "/root/low-port.yaml": LOW_PORT,
    "/root/low-port.conf": text_of("deploy", "systemd", "drop-ins", "low-port.conf"),
    "/root/user.conf": text_of("deploy", "systemd", "drop-ins", "user.conf").replace("User=worker", "User=daemon"),
}

READYZ = "http://127.0.0.1:9464/readyz"

# Puts each argument with the client library beaneater, and prints the numbers of the jobs.
PUT = r"""
require 'beaneater'
client = Beaneater.new('127.0.0.1:11300')
ARGV.each { |body| puts client.tubes['letters'].put(body)[:id] }
"""

# Reserves and deletes so many jobs, and prints their bodies.
TAKE = r"""
require 'beaneater'
client = Beaneater.new('127.0.0.1:11300')
client.tubes.watch!('letters')
Integer(ARGV[0]).times do
  job = client.tubes.reserve(60)
  puts job.body
  job.delete
end
"""

# All jobs of the tube of the load, one body a line. They are reserved, and ready again afterwards.
LEFT = """
import socket
peer = socket.create_connection(("127.0.0.1", 11300), timeout=60)
file = peer.makefile("rb")
def ask(command):
    peer.sendall(command)
    return file.readline().split()
ask(b"watch load\\r\\n"), ask(b"ignore default\\r\\n")
while ask(b"reserve-with-timeout 0\\r\\n")[0] == b"RESERVED":
    print(file.readline().decode().strip())
"""


class Service(ServiceTest):
    FILES = FILES

    @classmethod
    def packages(cls):
        return {"/root/old.deb": packaged(), "/root/new.deb": packaged("--version", "999")}

    @classmethod
    def prepare(cls):
        cls.machine.run("chmod", "600", SECRET, check=True)
        super().prepare()
        cls.machine.run("cp", "/root/settings.yaml", SETTINGS_FILE, check=True)

    @contextlib.contextmanager
    def restarted(self):
        """The service is started again by itself because of what happens inside."""
        before = self.property("MainPID")
        yield
        self.until("MainPID", lambda pid: pid not in ("0", before))
        self.until("ActiveState", lambda state: state == "active")

    def hang(self, thread, then=lambda: None):
        """One thread hangs, and something is done for which it is needed; the watchdog restarts the daemon."""
        job = self.put("kept")
        aborted = len(self.watchdog_timeouts())
        with self.restarted():
            holder = self.begin(HUNG_THREAD, self.property("MainPID"), thread)
            self.assertEqual(holder.stdout.readline(), "hung\n")
            then()
        self.assertEqual(len(self.watchdog_timeouts()), aborted + 1)
        self.assertEqual(self.client(rf"delete {job}\r\n"), ["DELETED"])

    def watchdog_timeouts(self):
        entries = self.journal("UNIT=millraced.service")
        return [entry for entry in entries if "Watchdog timeout" in entry["MESSAGE"]]

    def send(self, command):
        """A command whose reply is not waited for."""
        self.begin(CLIENT, "11300", command)

    def test_active_means_that_clients_are_served(self):
        self.assertEqual(self.property("ActiveState"), "active")
        self.put("x")
        self.until("StatusText", lambda text: "jobs/s" in text and " ready" in text)
        self.client("reserve\\r\\n")
        self.assertEqual(self.get(READYZ), "ready\n")

    def test_a_loop_that_hangs_is_started_again_with_its_jobs(self):
        self.hang("millraced")

    def test_a_writer_that_hangs_is_started_again_with_its_jobs(self):
        self.hang("store", lambda: self.send(r"put 0 0 60 1\r\nx\r\n"))

    def test_a_worker_of_the_pool_that_hangs_is_started_again_with_its_jobs(self):
        self.hang("offload 1", lambda: self.put("157", "numbers"))

    def test_stop_waits_until_a_client_has_finished_its_job(self):
        number = self.put("held")
        holder = self.begin(CLIENT, "11300", rf"reserve-job {number}\r\n", "wait", rf"delete {number}\r\n")
        for expected in (f"RESERVED {number} 4", "ready"):
            self.assertEqual(holder.stdout.readline().strip(), expected)
        self.systemctl("stop", "--no-block", "millraced")
        self.until("StatusText", lambda text: text.startswith("draining"))
        holder.stdin.write("\n")
        holder.stdin.flush()
        self.assertEqual(holder.stdout.readline().strip(), "DELETED")
        self.until("ActiveState", lambda state: state == "inactive")
        self.assertEqual(self.property("Result"), "success")
        self.assertEqual(self.events("ended")[-1]["MILLRACE_FINISHED"], "1")

    def test_the_journal_finds_entries_by_field(self):
        self.assertTrue(self.events("started", "MILLRACE_BEANSTALK=127.0.0.1:11300"))
        self.put("many", "numbers")
        fields = ("MILLRACE_QUEUE=numbers", "MILLRACE_CONSUMER=primality")
        failed = self.wait_for(lambda: self.events("job_failed", *fields))
        self.assertIn("is not a number", failed[0]["MESSAGE"])

    def test_files_belong_to_a_user_that_exists_only_while_it_runs(self):
        # Names of such users are known to programs only where libnss-systemd is installed; busctl asks systemd itself.
        user = self.machine.run("busctl", "call", "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                                "org.freedesktop.systemd1.Manager", "LookupDynamicUserByName", "s", "millraced",
                                check=True).stdout.split()[1]
        owner = self.machine.run("stat", "-c", "%u %a", "/var/lib/private/millrace/millrace.db", check=True).stdout
        self.assertEqual(owner.strip(), f"{user} 600")

    def test_a_credential_that_only_root_may_read_is_named_in_the_settings(self):
        self.assertEqual(self.client("watch secrets\\r\\n", "ignore default\\r\\n", "reserve\\r\\n")[2].split()[2], "6")

    def test_the_first_client_starts_the_service_and_the_next_daemon_serves_those_who_wait(self):
        self.systemctl("stop", "millraced")
        self.addCleanup(self.systemctl, "stop", "millraced.socket", "millraced-http.socket", "millraced")
        self.systemctl("start", "millraced.socket", "millraced-http.socket")
        self.assertEqual(self.property("ActiveState"), "inactive")
        number = self.put("first")
        self.assertEqual(self.get(READYZ), "ready\n")
        daemon = f"_PID={self.property('MainPID')}"
        passed = {entry["MILLRACE_LISTENER"] for entry in self.events("socket_passed", daemon)}
        self.assertEqual(passed, {"beanstalk", "http"})
        self.systemctl("restart", "--no-block", "millraced")
        self.assertEqual(self.client(rf"delete {number}\r\n"), ["DELETED"])

    def test_an_instance_has_settings_and_jobs_of_its_own(self):
        self.machine.run("cp", "/root/instance.yaml", "/etc/millrace/mail.yaml", check=True)
        self.systemctl("start", "millraced@mail")
        self.addCleanup(self.systemctl, "stop", "millraced@mail")
        self.assertRegex(self.client(r"put 0 0 60 4\r\nmail\r\n", port=11301)[0], "^INSERTED ")
        self.machine.run("test", "-e", "/var/lib/millraced/mail/millrace.db", check=True)
        self.assertEqual(self.property("User", "millraced@mail"), "millraced-mail")
        self.assertEqual(self.property("ActiveState"), "active")

    def ruby(self, program, *words):
        return self.machine.run("ruby", "-e", program, *words, check=True).stdout.split()

    def test_jobs_of_a_client_library_survive_a_reload_a_restart_and_a_kill(self):
        numbers = self.ruby(PUT, "reloaded")
        self.systemctl("reload", "millraced")
        numbers += self.ruby(PUT, "restarted")
        self.systemctl("restart", "millraced")
        numbers += self.ruby(PUT, "killed")
        with self.restarted():
            self.systemctl("kill", "--signal", "SIGKILL", "millraced")
        self.assertEqual(self.ruby(TAKE, "3"), ["reloaded", "restarted", "killed"])
        self.systemctl("restart", "millraced")
        self.assertEqual(self.client(*(rf"stats-job {number}\r\n" for number in numbers)), ["NOT_FOUND"] * 3)

    def test_with_a_drop_in_the_service_listens_on_a_port_below_1024(self):
        self.machine.run("cp", "/root/low-port.yaml", SETTINGS_FILE, check=True)
        self.addCleanup(self.machine.run, "sh", "-c", f"rm -f {DROP_INS}low-port.conf; systemctl daemon-reload; "
                        f"cp /root/settings.yaml {SETTINGS_FILE}; systemctl restart millraced")
        self.assertNotEqual(self.machine.run("systemctl", "restart", "millraced").returncode, 0)
        self.machine.run("cp", "/root/low-port.conf", DROP_INS, check=True)
        self.systemctl("daemon-reload")
        self.systemctl("restart", "millraced")
        self.assertRegex(self.client(r"put 0 0 60 3\r\nlow\r\n", port=113)[0], "^INSERTED ")

    def test_nothing_acknowledged_is_lost_by_a_stop_a_kill_and_an_upgrade_under_load(self):
        load = self.begin(LOAD)

        def until_busy():
            self.assertEqual(load.stdout.readline(), "busy\n")

        until_busy()
        self.systemctl("stop", "millraced")
        self.assertEqual(self.property("Result"), "success")
        self.systemctl("start", "millraced")
        until_busy()
        with self.restarted():
            self.systemctl("kill", "--signal", "SIGKILL", "millraced")
        until_busy()
        before = self.property("MainPID")
        self.machine.run("dpkg", "--install", "/root/new.deb", check=True)
        self.assertNotIn(self.property("MainPID"), ("0", before))
        until_busy()
        ledger = json.loads(load.communicate("")[0].splitlines()[-1])
        left = [int(body) for body in self.python(LEFT).split()]
        self.assertEqual(len(left), len(set(left)), "a job was delivered twice")
        gone = set(ledger["deleted"])
        self.assertFalse(gone & set(left), "a deleted job came back")
        self.assertFalse(set(ledger["put"]) - gone - set(ledger["doubtful"]) - set(left), "an acknowledged job is lost")
        self.assertGreater(len(gone), 0)

    def test_zz_a_removal_keeps_jobs_and_a_purge_does_not(self):
        number = self.put("kept")
        self.systemctl("start", "millraced@mail")
        before = self.property("MainPID", "millraced@mail")
        self.machine.run("dpkg", "--install", "/root/new.deb", check=True)
        self.assertNotIn(self.property("MainPID", "millraced@mail"), ("0", before))
        self.machine.run("dpkg", "--remove", "millrace", check=True)
        for unit in ("millraced", "millraced@mail"):
            self.assertNotEqual(self.machine.run("systemctl", "is-active", unit).stdout, "active\n")
        self.machine.run("dpkg", "--install", "/root/new.deb", check=True)
        self.systemctl("start", "millraced")
        self.assertEqual(self.client(rf"delete {number}\r\n"), ["DELETED"])
        self.purge()
        self.machine.run("sh", "-c", f"rm {DROP_INS}credentials.conf; cp /root/user.conf {DROP_INS}", check=True)
        self.machine.run("dpkg", "--install", "/root/new.deb", check=True)
        self.put("lost")
        self.purge()

    def purge(self):
        self.machine.run("dpkg", "--purge", "millrace", check=True)
        for path in ("/var/lib/private/millrace", "/var/lib/millrace", "/var/lib/private/millraced",
                     "/var/lib/millraced", "/etc/millrace"):
            self.assertNotEqual(self.machine.run("test", "-e", path).returncode, 0, path)


del ServiceTest

if __name__ == "__main__":
    unittest.main(verbosity=2)
