"""Queues on disk on a machine that is switched off, boots again, and whose wall clock jumps.

    tests/system/reboot_test.py          8 rounds of load, as in tests/run
    tests/system/reboot_test.py 500      any number
"""

import os
import subprocess
import sys
import time
import unittest

from beanstalk_support import Server
from crash_ledger import wall
from crash_support import SEED, Crash
from fault_control import Faults
from fault_support import MILLRACE
from support import PATIENCE

ROUNDS = 8
HOUR, DAY = 3_600, 86_400


class Reboot(Crash):
    def setUp(self):
        super().setUp()
        self.faults = Faults(self.folder, self.data_dir)
        self.environment = self.faults.environment()

    def begin(self, *words):
        server = Server(*(words or ("-b", self.data_dir)), env=self.environment)
        self.addCleanup(server.kill)
        return server, server.connect()

    def tool(self, name, text):
        return subprocess.run([MILLRACE, name, self.data_dir], input=text, capture_output=True, timeout=PATIENCE,
                              check=True, env=self.environment)


class OneReboot(Reboot):
    def test_a_delayed_job_that_came_due_while_the_machine_was_off_is_ready_after_the_boot(self):
        for up in (1, 50, 2 * DAY):
            with self.subTest(seconds_since_boot=up):
                server, wire = self.begin()
                due, later = wire.put(b"due", delay=8), wire.put(b"later", delay=2 * HOUR)
                server.stop()
                self.faults.reboot(up=up, away=100)
                server, wire = self.begin()
                wire.ask(b"reserve\r\n", b"RESERVED %d 3\r\ndue\r\n" % due)
                stats = wire.stats(b"stats-job %d" % later)
                self.assertEqual(stats["state"], "delayed")
                self.assertTrue(2 * HOUR - 200 < int(stats["time-left"]) <= 2 * HOUR - 100, stats)
                wire.ask(b"delete %d\r\ndelete %d\r\n" % (due, later), b"DELETED\r\nDELETED\r\n")
                server.stop()

    def test_a_job_that_comes_due_after_the_boot_is_ready_on_time(self):
        server, wire = self.begin()
        number = wire.put(b"soon", delay=101)
        server.stop()
        self.faults.reboot(up=3, away=100)
        server, wire = self.begin()
        wire.ask(b"reserve\r\n", b"RESERVED %d 4\r\nsoon\r\n" % number)
        self.assertGreaterEqual(int(wire.stats(b"stats-job %d" % number)["age"]), 101)

    def test_ages_and_pauses_count_while_the_machine_is_off(self):
        server, wire = self.begin()
        number = wire.put(b"x")
        wire.ask(b"reserve\r\nbury %d 0\r\npause-tube default %d\r\n" % (number, HOUR),
                 b"RESERVED %d 1\r\nx\r\nBURIED\r\nPAUSED\r\n" % number)
        server.stop()
        self.faults.reboot(up=5, away=1_000)
        server, wire = self.begin()
        self.assertTrue(1_000 <= int(wire.stats(b"stats-job %d" % number)["age"]) < 1_000 + PATIENCE)
        left = int(wire.stats(b"stats-tube default")["pause-time-left"])
        self.assertTrue(HOUR - 1_000 - PATIENCE < left <= HOUR - 1_000, left)
        server.stop()
        self.faults.reboot(up=5, away=HOUR)
        server, wire = self.begin()
        wire.ask(b"kick 1\r\nreserve\r\n", b"KICKED 1\r\nRESERVED %d 1\r\nx\r\n" % number)
        self.assertGreaterEqual(int(wire.stats(b"stats-job %d" % number)["age"]), HOUR + 1_000)

    def test_a_restored_job_that_was_put_before_the_boot_is_ready_when_due(self):
        server, wire = self.begin()
        wire.put(b"due", delay=60)
        server.stop()
        dump = self.tool("dump", None).stdout
        self.faults.reboot(up=10, away=100)
        self.data_dir = self.faults.data_dir = os.path.join(self.folder, "restored")
        self.faults.renew()
        self.tool("restore", dump)
        server, wire = self.begin()
        wire.ask(b"reserve\r\n", b"RESERVED 1 3\r\ndue\r\n")


class ClockSteps(Reboot):
    def test_steps_of_the_wall_clock_move_no_live_deadline(self):
        server, wire = self.begin()
        for step in (-DAY, 3 * DAY, -30 * 365 * DAY):
            with self.subTest(step=step):
                soon, later = wire.put(b"soon", delay=1), wire.put(b"later", delay=HOUR)
                began = time.monotonic()
                self.faults.move_wall_clock(step)
                wire.ask(b"reserve\r\n", b"RESERVED %d 4\r\nsoon\r\n" % soon)
                self.assertGreaterEqual(time.monotonic() - began, 0.9)
                stats = wire.stats(b"stats-job %d" % later)
                self.assertEqual(stats["state"], "delayed")
                self.assertGreater(int(stats["time-left"]), HOUR - PATIENCE)
                wire.ask(b"delete %d\r\ndelete %d\r\n" % (soon, later), b"DELETED\r\nDELETED\r\n")

    def test_a_clock_that_was_set_back_delays_jobs_and_loses_none(self):
        server, wire = self.begin()
        ready, later = wire.put(b"ready"), wire.put(b"later", delay=HOUR)
        server.stop()
        self.faults.move_wall_clock(-DAY)
        server, wire = self.begin()
        self.assertEqual(int(wire.stats(b"stats-job %d" % ready)["age"]), 0)
        wire.ask(b"reserve\r\n", b"RESERVED %d 5\r\nready\r\n" % ready)
        stats = wire.stats(b"stats-job %d" % later)
        self.assertTrue(DAY < int(stats["time-left"]) <= DAY + HOUR, stats)
        wire.ask(b"kick-job %d\r\ndelete %d\r\n" % (later, later), b"KICKED\r\nDELETED\r\n")


class UnderLoad(Reboot):
    def test_what_is_acknowledged_before_a_boot_is_there_after_it(self):
        self.addCleanup(setattr, wall, "ahead", 0.0)
        for number in range(1, ROUNDS + 1):
            self.one_round(number)
        print(f"{ROUNDS} boots, {self.ledger.acknowledged} commands acknowledged, "
              f"{len(self.ledger.live)} jobs left, seed {SEED}")

    def between_lives(self):
        away = self.chance.choice((0, 0.3, 10, 2_000, DAY))
        wall.ahead += away
        self.faults.reboot(up=self.chance.choice((1, 30, 5_000, 10 * DAY)), away=away)


del Reboot, Crash

if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1].isdigit():
        ROUNDS = int(sys.argv.pop(1))
    unittest.main(verbosity=2)
