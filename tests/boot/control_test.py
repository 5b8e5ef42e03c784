#!/usr/bin/env python3
"""The packaged service under a real systemd is reloaded, and controlled by those who may open its socket."""

import unittest

from boot_support import text_of
from service_support import ServiceTest

SETTINGS = "/etc/millrace/millrace.yaml"
DAEMON = 'data_dir: "${STATE_DIRECTORY}", beanstalk: 127.0.0.1:11300, http: off'
CONTROL = 'control: "unix:${RUNTIME_DIRECTORY}/control.sock"'
WORK = "queues: { naps: {}, kept: { max_jobs: %d, overflow: reject } }\n%s"
SLEEPER = "consumers: { sleeper: { queue: naps, handler: sleep, concurrency: %d } }\n"
SOCKET_OF_SYSTEMD = "/run/millraced.sock"
SOCKET_OF_DAEMON = "/run/millrace/control.sock"
DROP_IN = "/etc/systemd/system/millraced.service.d/group.conf"
GROUP = "operator"


def settings(daemon=CONTROL, jobs=1000, consumers=SLEEPER % 1):
    return "daemon: { %s }\n" % ", ".join(filter(None, (DAEMON, daemon))) + WORK % (jobs, consumers)


class Control(ServiceTest):
    FILES = {
        "/etc/systemd/system/millraced-control.socket.d/group.conf":
            f"[Socket]\nSocketGroup={GROUP}\nSocketMode=0660\n",
        "/etc/systemd/system/millraced.service.d/starts.conf": "[Unit]\nStartLimitBurst=100\n",
        "/root/group.conf": text_of("deploy", "systemd", "drop-ins", "control-group.conf").replace("operators", GROUP),
    }

    def setUp(self):
        self.write(settings())
        self.systemctl("restart", "millraced")

    def write(self, text):
        self.machine.run("/usr/bin/python3", "-c", "import sys; open(sys.argv[1], 'w').write(sys.argv[2])", SETTINGS,
                         text, check=True)

    def reload(self):
        return self.machine.run("systemctl", "reload", "millraced")

    def events_of_daemon(self, name):
        return self.events(name, f"_PID={self.property('MainPID')}")

    def put_kept(self):
        """The reply to a put into the queue whose limit the tests change."""
        return self.client(r"use kept\r\n", r"put 0 0 60 1\r\nx\r\n")[1].split()[0]

    def running_nap(self):
        """A job that its handler has for two seconds; empty if it ended before it was seen."""
        job = self.put("2s", "naps")
        while "held by" not in (seen := self.machine.run("millrace", "job", job)).stdout:
            if seen.returncode != 0:
                return ""
        return job

    def take(self, group, user="games", words=("status",), address=SOCKET_OF_DAEMON):
        """What `millrace` says to a user who is in this group, besides its own."""
        return self.machine.run("setpriv", f"--reuid={user}", f"--regid={user}", f"--groups={group}", "millrace",
                                *words, "--control", f"unix:{address}")

    def access(self, path):
        return self.machine.run("stat", "-c", "%a %G", path, check=True).stdout.strip()

    def test_a_reload_ends_when_the_new_settings_are_applied(self):
        job = self.wait_for(self.running_nap)
        self.write(settings(jobs=7, consumers=SLEEPER % 2))
        reloaded = self.reload()
        # A consumer that changes finishes the job that it holds.
        self.assertEqual(self.client(rf"stats-job {job}\r\n"), ["NOT_FOUND"])
        self.assertEqual((reloaded.returncode, reloaded.stderr), (0, ""))
        self.assertEqual(self.events_of_daemon("reloaded")[-1]["MILLRACE_CHANGED"], "2")
        self.assertEqual(self.property("ActiveState"), "active")

    def test_a_refused_reload_fails_and_shows_the_place_and_the_old_settings_stay(self):
        daemon = self.property("MainPID")
        for text, shown in ((settings().replace("naps: {}", "naps: { max_job: 1 }"), "queues.naps.max_job"),
                            (settings().replace("queues:", "qeues:"), "qeues"),
                            (settings(CONTROL + ", offload: { threads: 7 }", jobs=7), "daemon.offload.threads")):
            with self.subTest(shown):
                self.write(text)
                reloaded = self.reload()
                self.assertNotEqual(reloaded.returncode, 0)
                self.assertIn("systemctl status millraced", reloaded.stderr)
                state = self.machine.run("systemctl", "status", "millraced").stdout
                self.assertRegex(state, rf"\[\d+\]: \d+:\d+: {shown}: ")
                self.assertIn(shown, self.events_of_daemon("reload_refused")[-1]["MILLRACE_REASON"])
                self.assertEqual((self.property("ActiveState"), self.property("MainPID")), ("active", daemon))
                self.assertEqual(self.put_kept(), "INSERTED")
        self.write(settings(jobs=7))
        self.assertEqual(self.reload().returncode, 0)

    def test_without_a_control_socket_a_reload_is_requested_by_a_signal(self):
        self.write(settings(daemon="control: off"))
        self.systemctl("restart", "millraced")
        self.write(settings(daemon="control: off", jobs=7))
        self.assertEqual(self.reload().returncode, 0)
        reloaded = self.wait_for(lambda: self.events_of_daemon("reloaded"))[-1]
        self.assertIn("queue kept: changed", reloaded["MILLRACE_CHANGES"])

    def test_only_root_controls_the_service_as_it_is_packaged(self):
        self.assertEqual(self.access(SOCKET_OF_DAEMON).split()[0], "600")
        self.assertEqual(self.machine.run("millrace", "status").returncode, 0)
        self.assert_denied(self.take(GROUP))

    def assert_denied(self, ended):
        self.assertEqual((ended.returncode, ended.stdout), (3, ""))
        self.assertIn("ermission denied", ended.stderr)

    def assert_allowed(self, ended):
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertIn("ready", ended.stdout)

    def test_a_group_that_the_socket_of_systemd_names_controls_the_service(self):
        self.systemctl("stop", "millraced")
        self.addCleanup(self.systemctl, "stop", "millraced-control.socket", "millraced")
        self.systemctl("start", "millraced-control.socket")
        self.assertEqual(self.access(SOCKET_OF_SYSTEMD), f"660 {GROUP}")
        self.assertEqual(self.property("ActiveState"), "inactive")
        self.assert_denied(self.take("games", address=SOCKET_OF_SYSTEMD))
        self.assert_allowed(self.take(GROUP, address=SOCKET_OF_SYSTEMD))
        self.assertEqual(self.property("ActiveState"), "active")
        paused = self.take(GROUP, words=("pause", "naps", "--for", "1s"), address=SOCKET_OF_SYSTEMD)
        self.assertEqual(paused.returncode, 0, paused.stderr)

    def test_a_group_of_the_service_controls_it(self):
        self.machine.run("cp", "-T", "/root/group.conf", DROP_IN, check=True)
        self.addCleanup(self.machine.run, "sh", "-c", f"rm {DROP_IN}; systemctl daemon-reload")
        self.systemctl("daemon-reload")
        for more in ("", f", control_group: {GROUP}"):
            with self.subTest(more):
                self.write(settings(CONTROL + ", control_mode: 0660" + more))
                self.systemctl("restart", "millraced")
                self.assertEqual(self.access(SOCKET_OF_DAEMON), f"660 {GROUP}")
                self.assert_allowed(self.take(GROUP))
                self.assert_denied(self.take("games"))
                self.assertEqual(self.access("/var/lib/private/millrace/millrace.db").split()[0], "600")
        self.write(settings(CONTROL + ", control_mode: 0660, control_group: games"))
        self.systemctl("--no-block", "restart", "millraced")
        failed = self.wait_for(lambda: self.events("could_not_start"))[-1]
        self.assertIn("its group cannot be set", failed["MESSAGE"])
        self.systemctl("stop", "millraced")


del ServiceTest

if __name__ == "__main__":
    unittest.main(verbosity=2)
