"""What the daemon tells the service manager that started it: ready, status, more time, the watchdog. The test is the
other end of NOTIFY_SOCKET, as systemd is (sd_notify(3)).
"""

import contextlib
import errno
import os
import resource
import signal
import socket
import time
import unittest

from beanstalk_support import Server
from beanstalk_wire import put
from crash_support import Crash
from fault_control import Faults
from hung_thread import hung
from support import PATIENCE

WATCHDOG_SECONDS = 2
PRIMALITY = """
queues: { numbers: {} }
consumers: { primality: { queue: numbers, handler: prime, run_on: threads } }
"""
ENDLESS_WORK = """
queues: { work: {} }
consumers: { spinner: { queue: work, handler: spin, length: 1h, run_on: threads } }
"""
FEEDS_PER_TIMEOUT = 4
JOBS = 50_000  # too many for one slice of recovery


class Manager:
    """Receives what is sent to NOTIFY_SOCKET; a message is a dictionary of its lines."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)

    def environment(self, **more):
        return dict(NOTIFY_SOCKET=self.path, WATCHDOG_USEC=str(WATCHDOG_SECONDS * 1_000_000), **more)

    def next(self, seconds=PATIENCE):
        self.socket.settimeout(seconds)
        return dict(line.split("=", 1) for line in self.socket.recv(4096).decode().splitlines())

    def until(self, key, part=""):
        """The next message with this key whose value contains the part."""
        while part not in (message := self.next()).get(key, "") or key not in message:
            pass
        return message

    def fill(self):
        """Until the next `next`, nothing more can be sent."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    sender.sendto(b"FULL=1", self.path)

    def silent_for(self, key, seconds):
        """Whether no message with this key comes in this time."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            try:
                if key in self.next(left):
                    return False
            except TimeoutError:
                return True
        return True


class ServiceManager(Crash):
    def setUp(self):
        super().setUp()
        self.manager = Manager(self.folder)
        self.addCleanup(self.manager.socket.close)
        self.faults = Faults(self.folder, self.data_dir)

    def begin(self, more="", drain_timeout="30s"):
        environment = dict(self.faults.environment(), **self.manager.environment())
        settings = self.write("daemon: { data_dir: %s, beanstalk: '127.0.0.1:0', http: off, drain_timeout: %s }\n%s" %
                              (self.data_dir, drain_timeout, more))
        server = Server(config=settings, env=environment)
        self.addCleanup(server.kill)
        return server

    def test_ready_is_sent_when_clients_are_served_and_stopping_when_it_drains(self):
        server = self.begin()
        self.assertEqual(self.manager.until("READY"), {"READY": "1", "STATUS": "running"})
        with server.connect() as wire:
            wire.put(b"one")
            wire.ask(b"reserve\r\n", b"RESERVED 1 3\r\none\r\n")
            wire.put(b"two")
            self.assertRegex(self.manager.until("STATUS", "1 ready, 1 reserved")["STATUS"],
                             r"^\d+ jobs/s; 1 ready, 1 reserved, 0 delayed, 0 buried; "
                             r"the oldest ready job has waited for \d+ s$")
            server.signal(signal.SIGTERM)
            self.assertEqual(self.manager.until("STOPPING")["STATUS"], "draining")
            more_time = self.manager.until("EXTEND_TIMEOUT_USEC")
            self.assertGreater(int(more_time["EXTEND_TIMEOUT_USEC"]), 5_000_000)
            # A client that holds a job is waited for, and the manager must not lose its patience meanwhile.
            self.assertIn("1 reserved", self.manager.until("STATUS", "draining: ")["STATUS"])
            wire.ask(b"delete 1\r\n", b"DELETED\r\n")
        self.assertEqual(server.process.wait(PATIENCE), 0)

    def test_a_reload_is_told_from_its_begin_to_its_end_and_one_that_is_refused_too(self):
        server = self.begin()
        self.manager.until("READY")
        for more in ("", "nonsense: 1\n"):
            self.settings_of(more)
            before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000
            server.signal(signal.SIGHUP)
            reloading = self.manager.until("RELOADING")
            self.assertEqual((reloading["RELOADING"], reloading["STATUS"]), ("1", "reloading the settings"))
            self.assertGreaterEqual(int(reloading["MONOTONIC_USEC"]), before)
            self.assertEqual(self.manager.until("READY"), {"READY": "1", "STATUS": "running"})

    def test_more_time_is_asked_for_while_jobs_are_recovered(self):
        server = self.begin()
        with server.connect() as wire:
            wire.send(put(b"x") * JOBS)
            for _ in range(JOBS):
                self.assertTrue(wire.line().startswith(b"INSERTED "))
        self.assertEqual(server.stop(), 0)
        while "closing" not in self.manager.until("EXTEND_TIMEOUT_USEC")["STATUS"]:
            pass
        self.begin()
        more_time = self.manager.next()
        self.assertRegex(more_time["STATUS"], r"^recovering: \d+ jobs$")
        self.assertIn("EXTEND_TIMEOUT_USEC", more_time)
        self.manager.until("READY")

    def test_the_watchdog_is_fed_until_the_thread_that_writes_hangs(self):
        server = self.begin()
        with server.connect() as wire:
            wire.put(b"first")
            for _ in range(3):
                self.manager.until("WATCHDOG")
            self.faults.stall("sync")
            wire.send(put(b"second"))
            self.faults.until_stalled("sync")
            self.assertTrue(self.starved(), "the watchdog is fed while the thread that writes hangs")
            self.faults.resume("sync")
            self.manager.until("WATCHDOG")
            self.assertTrue(wire.line().startswith(b"INSERTED "))

    def starved(self):
        """Whether a whole timeout passes without a feed; one feed may have been on its way."""
        return self.manager.silent_for("WATCHDOG", WATCHDOG_SECONDS) or \
            self.manager.silent_for("WATCHDOG", WATCHDOG_SECONDS)

    def test_a_loop_that_hangs_does_not_feed_the_watchdog(self):
        server = self.begin()
        self.manager.until("WATCHDOG")
        with hung(server.process.pid, "millraced"):
            self.assertTrue(self.starved())
        self.manager.until("WATCHDOG")

    def test_a_worker_of_the_pool_that_hangs_with_a_job_does_not_feed_the_watchdog(self):
        server = self.begin(PRIMALITY)
        self.manager.until("WATCHDOG")
        with server.connect() as wire:
            wire.ask(b"use numbers\r\n", b"USING numbers\r\n")
            with hung(server.process.pid, "offload 1"):
                for _ in range(3):
                    self.manager.until("WATCHDOG")  # it has no job, so nothing waits for it
                wire.put(b"157")
                self.assertTrue(self.starved(), "the watchdog is fed while a worker hangs")
                self.assertEqual(server.wait_for("no_watchdog_feed")["part"], "offload")
            self.manager.until("WATCHDOG")

    def test_a_computation_longer_than_the_watchdog_is_no_hang(self):
        server = self.begin(ENDLESS_WORK)
        with server.connect() as wire:
            wire.ask(b"use work\r\n", b"USING work\r\n")
            wire.put(b"x")
            for _ in range(2 * FEEDS_PER_TIMEOUT):
                self.manager.until("WATCHDOG")

    def test_a_daemon_whose_worker_hangs_ends_after_its_drain_and_requests_no_more_time(self):
        server = self.begin(PRIMALITY, drain_timeout="1s")
        with server.connect() as wire, hung(server.process.pid, "offload 1"):
            wire.ask(b"use numbers\r\n", b"USING numbers\r\n")
            wire.put(b"157")
            server.wait_for("no_watchdog_feed")
            server.signal(signal.SIGTERM)
            self.manager.until("STOPPING")
            # One status line each 5 s; the first says that it drains, the later ones request no time.
            while "draining: " not in (message := self.manager.until("STATUS"))["STATUS"]:
                pass
            self.assertNotIn("EXTEND_TIMEOUT_USEC", message)
            server.log.rest()  # it ends while the worker hangs
        self.assertEqual(server.process.wait(PATIENCE), 1)

    def test_a_manager_that_does_not_read_holds_nobody_and_is_told_that_the_start_is_complete(self):
        self.manager.fill()
        server = self.begin()
        with server.connect() as wire:
            wire.put(b"one")
        self.manager.until("READY")
        self.manager.fill()
        server.signal(signal.SIGTERM)
        self.assertEqual(server.process.wait(PATIENCE), 0)

    def test_the_watchdog_is_fed_while_no_descriptor_is_left(self):
        server = self.begin()
        self.manager.until("WATCHDOG")
        _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (0, hard))
        self.addCleanup(resource.prlimit, server.process.pid, resource.RLIMIT_NOFILE, (hard, hard))
        for _ in range(3):
            self.manager.until("WATCHDOG")

    def test_a_full_disk_is_no_hang(self):
        server = self.begin()
        with server.connect() as wire:
            wire.put(b"first")
            self.faults.fail("write", error=errno.ENOSPC)
            wire.send(put(b"second"))
            server.wait_for("disk_full")
            for _ in range(6):
                self.manager.until("WATCHDOG")


del Crash

if __name__ == "__main__":
    unittest.main(verbosity=2)
