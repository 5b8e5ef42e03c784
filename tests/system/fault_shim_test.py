"""The machinery of the fault tests itself: that calls are counted, fail, wait and kill as fault_control.py says."""

import errno
import time
import unittest

from beanstalk_support import Server
from beanstalk_wire import put
from crash_client import Ended, Mortal
from crash_support import Crash
from fault_control import KILL, TEAR_AND_KILL, Faults
from support import PATIENCE

WEEK = 7 * 86_400


class FaultShim(Crash):
    def setUp(self):
        super().setUp()
        self.faults = Faults(self.folder, self.data_dir)

    def begin(self):
        server = Server(config=self.settings_of(), env=self.faults.environment())
        self.addCleanup(server.kill)
        wire = Mortal(server.address)
        self.addCleanup(wire.close)
        return server, wire

    def test_calls_on_the_data_directory_and_of_the_process_are_counted(self):
        _, wire = self.begin()
        before = self.faults.counts()
        for call in ("open", "write", "sync", "lock", "unlock", "map", "socket", "bind", "listen", "thread_create"):
            self.assertGreater(before[call], 0, call)
        wire.ask(b"use q\r\n", b"USING q\r\n")
        self.assertEqual(self.faults.counts()["write"], before["write"], "what sockets do is not about the disk")
        wire.put(b"x")
        self.assertGreater(self.faults.counts()["write"], before["write"])
        self.assertEqual(self.faults.met(), 0)

    def test_a_call_fails_and_the_one_after_it_does_not(self):
        _, wire = self.begin()
        self.faults.fail("write", errno.ENOSPC, times=1)
        wire.put(b"x")
        self.assertEqual(self.faults.met(), 1)

    def test_a_stalled_call_waits_until_it_may_go_on(self):
        _, wire = self.begin()
        self.faults.stall("sync")
        wire.send(put(b"x"))
        self.faults.until_stalled("sync")
        self.assertFalse(wire.has_something())
        self.faults.resume("sync")
        wire.accepted()

    def test_the_process_is_killed_at_the_chosen_call(self):
        for action in (KILL, TEAR_AND_KILL):
            server, wire = self.begin()
            self.faults.set("write", action)
            wire.send(put(b"x"))
            self.assertRaises(Ended, wire.line)
            self.assertEqual(server.process.wait(), -9)
            self.faults.renew()

    def test_the_disk_is_as_full_as_the_test_says(self):
        _, wire = self.begin()
        wire.put(b"x")
        self.faults.free_bytes(1 << 20)
        ends = time.monotonic() + PATIENCE
        wire.send(put(b"x"))
        while (answer := wire.line()) != b"OUT_OF_MEMORY":
            self.assertTrue(answer.startswith(b"INSERTED"), answer)
            self.assertLess(time.monotonic(), ends)
            wire.send(put(b"x"))

    def test_the_clocks_are_those_of_the_test(self):
        server, wire = self.begin()
        number = wire.put(b"x")
        server.stop()
        self.faults.reboot(up=100_000, away=WEEK)
        _, wire = self.begin()
        self.assertGreaterEqual(int(wire.stats(b"stats-job %d" % number)["age"]), WEEK)


del Crash

if __name__ == "__main__":
    unittest.main(verbosity=2)
