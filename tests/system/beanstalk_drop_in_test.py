"""millraced in beanstalkd's place: its options, its addresses, its signals."""

import os
import pwd
import signal
import socket
import subprocess
import unittest

from beanstalk_support import BEANSTALKD, MILLRACED, BeanstalkTest, free_port, not_beanstalkd
from beanstalk_wire import Wire, put
from support import PATIENCE, http_get, run

PROGRAM = BEANSTALKD or MILLRACED


class Options(BeanstalkTest):
    def ended(self, *words):
        return subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=PATIENCE)

    def refused(self, *words):
        """The first line of what it says, when it ends with 2."""
        ended = self.ended(*words)
        self.assertEqual((ended.returncode, ended.stdout), (2, ""), ended)
        return ended.stderr.splitlines()[0]

    @not_beanstalkd("ends with 5")
    def test_help_goes_to_standard_output_and_lists_the_options(self):
        for word in ("-h", "--help"):
            ended = self.ended(word)
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))
            for option in ("-l", "-p", "-z", "-u", "-V", "-v", "--http"):
                self.assertIn(option, ended.stdout)

    def test_v_prints_the_version(self):
        ended = self.ended("-v")
        self.assertEqual(ended.returncode, 0)
        self.assertRegex(ended.stdout, r"^(millraced|beanstalkd) \d+\.\d+")

    @not_beanstalkd("takes any port for what it can read of it")
    def test_p_refuses_what_is_no_port(self):
        for port in ("x", "-1", "65536", "99999999999", "1 2", "", "11300x", "+5"):
            self.assertRegex(self.refused("-p", port), r"^millraced: -p", port)

    @not_beanstalkd("takes them")
    def test_how_soon_is_of_no_use_without_where(self):
        for words in (["-f", "50"], ["-f0"], ["-F"]):
            self.assertRegex(self.refused("-p", "0", *words), r"^millraced: -f and -F .* -b")
        self.assertRegex(self.refused("-p", "0", "-b", self.folder, "-f", "soon"), r"^millraced: -f: 'soon'")

    def test_jobs_are_kept_in_a_directory(self):
        for words in (["-b"], ["-f0", "-b"], ["-f", "50", "-s", "10485760", "-b"], ["-F", "-b"]):
            with self.subTest(words):
                folder = os.path.join(self.folder, str(len(os.listdir(self.folder))))
                os.mkdir(folder)
                server = self.start(*words, folder)
                self.connect().ask(put(b"kept"), b"INSERTED 1\r\n")
                self.end(server)
                server = self.start(*words, folder)
                self.connect().ask(b"reserve\r\ndelete 1\r\n", b"RESERVED 1 4\r\nkept\r\nDELETED\r\n")
                self.end(server)

    @not_beanstalkd("takes any size")
    def test_z_and_b_refuse_values_out_of_range(self):
        for size in ("x", "-1", "1073741825", "99999999999999999999", ""):
            self.assertRegex(self.refused("-p", "0", "-z", size), r"^millraced: -z", size)
        self.assertRegex(self.refused("-p", "0", "-b", ""), r"^millraced: -b: '' .*the path of a directory")
        data = os.path.join(self.folder, "data")
        self.assertRegex(self.refused("-p", "0", "-z", "999997953", "-b", data),
                         r"^millraced: -z.*with -b at most 999997952 bytes")

    @not_beanstalkd("cannot be asked")
    def test_l_refuses_what_is_no_address(self):
        for address in ("nowhere.invalid", "1.2.3.4.5", "127.0.0.1:11300"):
            ended = self.ended("-l", address, "-p", "0")
            self.assertIn(ended.returncode, (2, 3), ended)
            self.assertIn(address, ended.stderr)

    @not_beanstalkd("ends otherwise")
    def test_u_refuses_an_unknown_user(self):
        ended = self.ended("-p", "0", "-u", "nobody-of-that-name")
        self.assertIn(ended.returncode, (2, 3), ended)
        self.assertIn("nobody-of-that-name", ended.stderr)

    @not_beanstalkd("has no settings file")
    def test_a_settings_file_is_instead_of_options(self):
        settings = self.write("daemon: { http: 127.0.0.1:0 }\n")
        self.assertIn("--config", self.refused("--config", settings, "-p", "0"))

    def test_z_limits_the_size_of_jobs(self):
        self.start("-z", "10")
        wire = self.connect()
        wire.ask(put(b"x" * 10) + put(b"x" * 11), b"INSERTED 1\r\nJOB_TOO_BIG\r\n")
        self.assertEqual(wire.stats()["max-job-size"], "10")

    def test_z_may_be_a_gibibyte(self):
        self.start("-z", str(1 << 30))
        wire = self.connect()
        body = os.urandom(1 << 20) * 5
        number = wire.put(body)
        wire.send(b"reserve\r\n")
        self.assertEqual(wire.chunk()[1], body)
        self.assertEqual(wire.stats()["max-job-size"], str(1 << 30))
        wire.ask(b"delete %d\r\n" % number, b"DELETED\r\n")
        wire.send(b"put 0 0 60 1073741825\r\nx")
        self.assert_silent(wire)

    @unittest.skipIf(BEANSTALKD, "a setting")
    def test_a_size_limit_in_the_settings(self):
        self.start_on("", daemon="max_job_size: 1KiB")
        self.connect().ask(put(b"x" * 1024) + put(b"x" * 1025), b"INSERTED 1\r\nJOB_TOO_BIG\r\n")

    def test_options_of_verbosity_are_accepted(self):
        self.start("-V", "-V")
        self.connect().put(b"x")

    @unittest.skipIf(os.getuid() != 0, "only root can become another")
    def test_with_u_the_daemon_runs_as_that_user(self):
        self.start("-u", "nobody")
        self.connect().put(b"x")
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as file:
            users = next(line for line in file if line.startswith("Uid:")).split()[1:]
        self.assertEqual(set(users), {str(pwd.getpwnam("nobody").pw_uid)})

    @unittest.skipIf(BEANSTALKD, "beanstalkd has no http")
    def test_with_http_the_health_page_is_served_beside_the_protocol(self):
        self.start(http=True)
        self.assertIsNotNone(self.server.http_port)
        with socket.create_connection(("127.0.0.1", self.server.http_port), PATIENCE) as http:
            http.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            self.assertTrue(http.recv(100).startswith(b"HTTP/1.1 200"))


class Addresses(BeanstalkTest):
    def test_a_unix_socket_serves_again_after_an_end_and_after_a_kill(self):
        path = os.path.join(self.folder, "socket")
        self.start(host="unix:" + path)
        wire = self.connect()
        wire.ask(put(b"x") + b"reserve\r\n", b"INSERTED 1\r\nRESERVED 1 1\r\nx\r\n")
        wire.close()
        self.end(self.server)
        self.start(host="unix:" + path)  # what a killed server leaves behind is no obstacle
        self.server.kill()
        self.start(host="unix:" + path)
        self.connect().put(b"x")

    def test_the_listener_is_on_the_given_port(self):
        port = free_port()
        self.start(port=port)
        with Wire(("127.0.0.1", port)) as wire:
            wire.put(b"x")

    @not_beanstalkd("ends with 111")
    def test_a_port_in_use_is_named_and_exit_3(self):
        port = str(self.server.address[1])
        ended = run("-l", "127.0.0.1", "-p", port)
        self.assertEqual(ended.returncode, 3, ended)
        self.assertIn(f"127.0.0.1:{port}: address already in use", ended.stderr.lower())

    @unittest.skipIf(BEANSTALKD, "a setting")
    def test_connections_beyond_the_limit_wait_outside(self):
        self.start_on("", daemon="beanstalk_connections_max: 2")
        one, two, three = self.connections(3)
        one.put(b"x")
        two.put(b"y")
        three.send(b"stats-job 1\r\n")
        for _ in range(5):
            one.ask(b"list-tube-used\r\n", b"USING default\r\n")
        self.assertFalse(three.has_something())
        two.close()
        self.assertIsNotNone(three.chunk()[1])


class Signals(BeanstalkTest):
    def test_sigusr1_refuses_puts_and_nothing_else(self):
        wire, other = self.connections(2)
        wire.put(b"x")
        self.server.signal(signal.SIGUSR1)
        while wire.stats()["draining"] != "true":
            pass
        for request, answer in ((put(b"a"), b"DRAINING"), (b"put 0 0 1 1\r\nabc", b"EXPECTED_CRLF"),
                                (put(b"a" * 65536), b"JOB_TOO_BIG"), (put(b""), b"DRAINING"),
                                (b"use t\r\n", b"USING t"), (b"reserve\r\n", b"RESERVED 1 1\r\nx"),
                                (b"release 1 0 0\r\n", b"RELEASED"), (b"delete 1\r\n", b"DELETED")):
            wire.ask(request, answer + b"\r\n")
        stats = self.connect().stats()
        self.assertEqual((stats["draining"], stats["total-jobs"]), ("true", "1"))
        other.ask(put(b"a"), b"DRAINING\r\n")

    @unittest.skipIf(BEANSTALKD, "beanstalkd has no http")
    def test_sigusr1_is_seen_by_whoever_asks_whether_it_takes_work(self):
        self.end(self.server)
        self.start(http=True)
        self.assertEqual(self.readiness(), (200, "ready\n"))
        self.server.signal(signal.SIGUSR1)
        wire = self.connect()
        while wire.stats()["draining"] != "true":
            pass
        self.assertEqual(self.readiness(), (503, "refusing puts: SIGUSR1\n"))

    def readiness(self):
        return http_get(self.server.http_port, "/readyz")

    def test_sigterm_ends_it_with_0(self):
        wire, waiting, held = self.connections(3)
        held.put(b"x")
        held.ask(b"reserve\r\n", b"RESERVED 1 1\r\nx\r\n")
        waiting.send(b"reserve\r\n")
        self.waiting(1)
        wire.send(b"put 0 0 60 100\r\nhalf")
        self.server.settle()
        code = self.server.stop()
        if not BEANSTALKD:
            self.assertEqual(code, 0)
        for other in (wire, waiting, held):
            try:
                self.assertNotIn(b"RESERVED", other.receive(1000))
            except ConnectionResetError:
                pass
        with self.assertRaises(OSError):
            self.server.connect()

    def test_a_new_server_takes_the_port_at_once(self):
        port = self.server.address[1]
        for wire in self.connections(20):
            wire.put(b"x")
        self.server.stop()
        self.start(port=port)
        with Wire(("127.0.0.1", port)) as wire:
            wire.put(b"x")


if __name__ == "__main__":
    unittest.main(verbosity=2)
