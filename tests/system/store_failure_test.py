"""After the disk has failed for good, and after files of the data directory were deleted, replaced or cut under the
daemon: nothing is acknowledged any more, and the daemon ends with 1 and says how much is not on disk.
"""

import errno
import os
import shutil
import subprocess
import time
import unittest

from beanstalk_support import Server
from beanstalk_wire import put
from crash_client import Mortal
from crash_support import Crash, looked_at
from fault_control import Faults
from support import MILLRACED, PATIENCE, parsed

DONE = (b"INSERTED", b"DELETED", b"PAUSED")
QUEUES = "queues: { m: { durability: memory }, r: { durability: relaxed }, s: { durability: sync } }\n"


class Failing(Crash):
    def setUp(self):
        super().setUp()
        self.faults = Faults(self.folder, self.data_dir)

    def begin(self, store="", faults=True):
        server = Server(config=self.settings_of(QUEUES, store=store), env=self.faults.environment() if faults else None)
        self.addCleanup(server.kill)
        return server

    def use(self, server, tube):
        wire = Mortal(server.address)
        self.addCleanup(wire.close)
        wire.ask(b"use %b\r\nwatch %b\r\n" % (tube, tube), b"USING %b\r\nWATCHING 2\r\n" % tube)
        return wire

    def ends_with_1(self, server):
        self.assertEqual(server.stop(), 1, "\n".join(server.log.rest()[-20:]))
        lines = [parsed(line) for line in server.log.rest()]
        self.assertTrue([line for line in lines if line and line["event"] == "store_failed"])
        return lines

    def refused(self, server, tube, request):
        """A new client that brings this change gets no reply that it is done."""
        with Mortal(server.address) as wire:
            wire.ask(b"use %b\r\n" % tube, b"USING %b\r\n" % tube)
            try:
                wire.send(request)
                answer = wire.line()
            except Exception as ended:
                self.assertNotIsInstance(ended, TimeoutError, f"{tube} {request}: neither an answer nor an end")
                return
            self.assertNotIn(answer.split(b" ")[0], DONE, f"{tube} {request}")


class DiskFails(Failing):
    def test_no_durable_command_is_acknowledged_after_a_write_or_a_sync_has_failed(self):
        for call in ("write", "sync"):
            with self.subTest(call=call):
                self.faults.renew()
                server = self.begin("relaxed_interval: 10ms")
                wire, relaxed, memory = (self.use(server, tube) for tube in (b"s", b"r", b"m"))
                kept, soon = wire.put(b"kept"), relaxed.put(b"soon")
                self.faults.fail(call)
                wire.send(put(b"lost"))
                self.assertEqual(wire.socket.recv(100), b"")
                server.wait_for("store_failed")
                for tube, number in ((b"s", kept), (b"r", soon)):
                    for request in (put(b"x"), b"delete %d\r\n" % number, b"pause-tube %b 1\r\n" % tube):
                        self.refused(server, tube, request)
                number = memory.put(b"memory")
                memory.ask(b"reserve\r\ndelete %d\r\n" % number, b"RESERVED %d 6\r\nmemory\r\nDELETED\r\n" % number)
                self.ends_with_1(server)
                with self.begin(faults=False).connect() as looking:
                    self.assertIn(kept, looked_at(looking, [kept]))
                shutil.rmtree(self.data_dir)

    def test_what_a_relaxed_queue_acknowledged_and_the_disk_did_not_take_is_counted(self):
        server = self.begin("relaxed_interval: 10ms")
        wire, acknowledged = self.use(server, b"r"), 0
        wire.put(b"0")
        acknowledged += 1
        self.faults.fail("sync", errno.EIO)
        try:
            while acknowledged < 1_000_000:
                wire.put(b"x")
                acknowledged += 1
        except Exception as ended:
            self.assertNotIsInstance(ended, TimeoutError)
        lines = self.ends_with_1(server)
        with self.begin(faults=False).connect() as looking:
            there = int(looking.stats()["current-jobs-ready"])
        lost = acknowledged - there
        counted = [line["acknowledged"] for line in lines if line and line["event"] == "not_on_disk"]
        self.assertTrue(counted and counted[0] >= lost, f"{lost} are lost: {lines[-5:]}")


class ThreadMissing(Failing):
    def test_a_start_that_has_changes_to_write_ends_with_a_message_when_a_thread_cannot_be_started(self):
        settings = self.settings_of(QUEUES)
        server = self.begin()
        with server.connect() as wire:
            # A queue without jobs whose pause is over: the start deletes its row.
            wire.ask(b"use empty\r\npause-tube empty 1\r\n", b"USING empty\r\nPAUSED\r\n")
        self.assertEqual(server.stop(), 0)
        threads = self.faults.counts()["thread_create"]
        self.faults.move_wall_clock(2)
        messages = []
        for nth in range(1, threads + 1):
            self.faults.renew()
            self.faults.fail("thread_create", errno.EAGAIN, nth)
            ended = subprocess.run([MILLRACED, "--config", settings], env=self.faults.environment(), timeout=PATIENCE,
                                   capture_output=True, text=True)
            self.assertEqual(ended.returncode, 3, ended.stderr)
            messages.append(ended.stderr)
        self.assertTrue([text for text in messages if "thread 'store' cannot be started" in text], messages)


class FilesLost(Failing):
    """What happens to a file is noticed with the next commits: only those few may have been acknowledged in vain."""

    NAMES = ("millrace.db", "millrace.db-wal", "millrace.db-shm", "millrace.lock")

    def deleted(self, path):
        os.unlink(path)

    def replaced(self, path):
        shutil.copy(path, path + ".copy")
        os.rename(path + ".copy", path)

    def cut(self, path):
        os.truncate(path, 0)

    def lose(self, name, damage):
        server = self.begin()
        wire = self.use(server, b"s")
        for _ in range(50):
            wire.put(b"x" * 500)
        damage(os.path.join(self.data_dir, name))
        ends, puts = time.monotonic() + PATIENCE, 0
        try:
            while time.monotonic() < ends:
                wire.put(b"y" * 500)
                puts += 1
        except AssertionError:
            raise
        except Exception as ended:
            self.assertNotIsInstance(ended, TimeoutError)
        self.assertLess(time.monotonic(), ends, f"{puts} puts are acknowledged, and nobody notices")
        self.refused(server, b"s", put(b"z"))
        self.ends_with_1(server)
        return puts

    def test_a_file_that_is_deleted_replaced_or_cut_stops_all_acknowledgements(self):
        for name in self.NAMES:
            for damage in (self.deleted, self.replaced, self.cut):
                if name == "millrace.lock" and damage == self.cut:
                    continue  # it is empty
                with self.subTest(file=name, damage=damage.__name__):
                    self.faults.renew()
                    self.lose(name, damage)
                shutil.rmtree(self.data_dir)

    def test_a_second_daemon_does_not_start_though_the_lock_file_is_gone(self):
        server = self.begin()
        self.use(server, b"s").put(b"x")
        os.unlink(os.path.join(self.data_dir, "millrace.lock"))
        with self.assertRaises(AssertionError) as refused:
            Server(config=self.settings_of(name="second.yaml"))
        self.assertIn("in use", str(refused.exception))


del Failing, Crash

if __name__ == "__main__":
    unittest.main(verbosity=2)
