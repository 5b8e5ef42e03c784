"""Queues on a disk that others fill: what is refused, what goes on, what comes back."""

import contextlib
import os
import resource
import time
import unittest

from beanstalk_wire import put
from durable_support import Durable, mounted
from support import PATIENCE, http_get, parsed


class FullDisk(Durable):
    """A disk of its own, which other files fill: the log of the database alone takes 16 MiB before it is begun anew."""

    SIZE = "64m"

    def setUp(self):
        super().setUp()
        disk = os.path.join(self.folder, "disk")
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        stack.enter_context(mounted(self, disk, "size=" + self.SIZE))
        self.data_dir, self.other = os.path.join(disk, "data"), os.path.join(disk, "other")

    def fill(self, left):
        """Somebody else's file takes all but so many bytes."""
        facts = os.statvfs(os.path.dirname(self.other))
        with open(self.other, "wb") as file:
            file.write(b"x" * max(0, facts.f_bavail * facts.f_frsize - left))

    def put_until_refused(self, wire, body):
        """Ids of the puts that were accepted."""
        accepted = []
        while True:
            wire.send(put(body))
            answer = wire.line()
            if answer == b"OUT_OF_MEMORY":
                return accepted
            accepted.append(int(answer.removeprefix(b"INSERTED ")))

    def put_until_accepted(self, wire, body):
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            wire.send(put(body))
            answer = wire.line()
            if answer != b"OUT_OF_MEMORY":
                return int(answer.removeprefix(b"INSERTED "))
        self.fail("there is space, and puts are refused")

    def test_puts_are_refused_while_the_rest_goes_on(self):
        wire = self.again(store="disk_reserve: 32MiB")
        accepted = self.put_until_refused(wire, b"x" * 50_000)
        self.assertGreater(len(accepted), 100)
        wire.ask(put(b"small") + put(b"later", delay=9), b"OUT_OF_MEMORY\r\n" * 2)
        # What is there can be worked off.
        wire.ask(b"reserve\r\n", b"RESERVED %d 50000\r\n%b\r\n" % (accepted[0], b"x" * 50_000))
        wire.ask(b"release %d 5 0\r\n" % accepted[0], b"RELEASED\r\n")
        wire.ask(b"reserve-job %d\r\n" % accepted[1], b"RESERVED %d 50000\r\n%b\r\n" % (accepted[1], b"x" * 50_000))
        wire.ask(b"bury %d 5\r\nkick 1\r\n" % accepted[1], b"BURIED\r\nKICKED 1\r\n")
        wire.ask(b"delete %d\r\n" % accepted[2], b"DELETED\r\n")
        left = accepted[:2] + accepted[3:]
        # Deleting makes space.
        gone, left = left[20:], left[:20]
        wire.ask(b"".join(b"delete %d\r\n" % number for number in gone), b"DELETED\r\n" * len(gone))
        left.append(self.put_until_accepted(wire, b"recovered"))
        self.holds(self.again(killed=True), left)

    def test_one_body_that_does_not_fit_is_refused_and_the_rest_goes_on(self):
        wire = self.again(daemon="max_job_size: 60MiB", store="disk_reserve: 2MiB")
        first = wire.put(b"first")
        for mebibytes in (50, 30, 17):
            wire.ask(put(b"x" * (mebibytes << 20)), b"OUT_OF_MEMORY\r\n")
        second = wire.put(b"second")
        wire.ask(b"delete %d\r\n" % first, b"DELETED\r\n")
        self.holds(self.again(killed=True), [second])

    def test_puts_are_accepted_again_when_others_give_space_back(self):
        wire = self.again(store="disk_reserve: 2MiB")
        first = wire.put(b"first")
        self.fill(1 << 20)
        accepted = self.put_until_refused(wire, b"x")
        os.unlink(self.other)
        accepted.append(self.put_until_accepted(wire, b"recovered"))
        self.assertEqual(wire.stats()["current-jobs-ready"], str(1 + len(accepted)))
        self.holds(self.again(), [first, *accepted])

    def test_a_disk_without_a_byte_left_refuses_puts_and_loses_nothing_acknowledged(self):
        wire, other = self.again(store="disk_reserve: 0B"), self.connect()
        first = wire.put(b"first")
        self.fill(0)
        wire.send(put(b"y" * 30_000) * 10)  # what cannot be kept is not acknowledged; what came before it was full is
        self.server.wait_for("disk_full")
        other.ask(put(b"small"), b"OUT_OF_MEMORY\r\n")
        other.ask(b"peek %d\r\n" % first, b"FOUND %d 5\r\nfirst\r\n" % first)
        other.ask(b"reserve-job %d\r\n" % first, b"RESERVED %d 5\r\nfirst\r\n" % first)
        os.unlink(self.other)
        answers = [wire.line() for _ in range(10)]
        accepted = [int(answer.removeprefix(b"INSERTED ")) for answer in answers if answer != b"OUT_OF_MEMORY"]
        self.assertGreater(len(accepted), 0)
        accepted.append(self.put_until_accepted(other, b"recovered"))
        self.holds(self.again(killed=True), [first, *accepted])

    def test_a_relaxed_queue_without_a_byte_left_stops_acknowledging_and_the_daemon_says_what_it_lost(self):
        relaxed = "queues: { r: { durability: relaxed } }\n"
        wire = self.again(relaxed, store="disk_reserve: 0B, relaxed_lag_max: 50ms")
        wire.reply_to(b"use r")
        first = wire.put(b"first")
        wire.reply_to(b"use default")
        wire.put(b"with it, all before is on disk")
        wire.reply_to(b"use r")
        self.fill(0)
        wire.put(b"y" * 60_000)
        self.server.wait_for("disk_full")
        while self.readiness() != "store: changes have waited longer than relaxed_lag_max (50ms) to be written":
            self.assertIsNone(self.server.process.poll())
        wire.send(b"delete %d\r\n" % first)
        self.server.settle()
        self.server.process.terminate()
        self.assertEqual(self.server.wait_for("not_on_disk")["acknowledged"], 1)
        self.assertEqual(self.server.process.wait(PATIENCE), 1)
        self.assertEqual(wire.receive(len(b"DELETED\r\n")), b"")
        self.assertNotIn("kept", [parsed(line)["event"] for line in self.server.log.rest() if parsed(line)])
        self.server_ = None
        os.unlink(self.other)
        self.assertEqual(self.again(relaxed).stats(b"stats-job %d" % first)["state"], "ready")

    def readiness(self):
        return http_get(self.server.http_port, "/readyz")[1].strip()

    def holds(self, wire, numbers):
        """Exactly these jobs are there."""
        self.assertEqual(wire.stats()["current-jobs-ready"], str(len(numbers)))
        for number in numbers:
            self.assertEqual(wire.stats(b"stats-job %d" % number)["state"], "ready")


class SmallDisk(FullDisk):
    """The disk is smaller than the log of a database on a larger disk. Runs the tests of FullDisk that fit, and tests
    of what must go on without space."""

    SIZE = "8m"
    test_puts_are_refused_while_the_rest_goes_on = None

    def test_a_producer_waits_for_space(self):
        self.again(store="disk_reserve: 2MiB")
        self.end(self.server_)
        self.server_ = None
        self.fill(1 << 20)
        producer = "queues: { q: {} }\nproducers: { p: { kind: range, queue: q, from: 1, to: 300 } }\n"
        wire = self.again(producer, store="disk_reserve: 2MiB")
        wire.ask(put(b"small"), b"OUT_OF_MEMORY\r\n")
        os.unlink(self.other)
        ends = time.monotonic() + PATIENCE
        while wire.stats(b"stats-tube q")["current-jobs-ready"] != "300" and time.monotonic() < ends:
            pass
        self.assertEqual(wire.stats(b"stats-tube q")["current-jobs-ready"], "300")

    def test_all_that_is_there_is_worked_off(self):
        for depth in (1, 200):
            with self.subTest(depth=depth):
                wire = self.again(store="disk_reserve: 2MiB")
                accepted = []
                while True:
                    wire.send(put(b"x" * 3000) * depth)
                    answers = [wire.line() for _ in range(depth)]
                    accepted += [
                        int(answer.removeprefix(b"INSERTED ")) for answer in answers if answer != b"OUT_OF_MEMORY"
                    ]
                    if b"OUT_OF_MEMORY" in answers:
                        break
                self.assertGreater(len(accepted), 100)
                for number in accepted[:-10]:
                    wire.ask(b"delete %d\r\n" % number, b"DELETED\r\n")
                left = accepted[-10:]
                left.append(self.put_until_accepted(wire, b"recovered"))
                wire = self.again(killed=True)
                self.holds(wire, left)
                wire.ask(b"".join(b"delete %d\r\n" % number for number in left), b"DELETED\r\n" * len(left))

    def test_jobs_move_and_go_though_others_took_the_last_byte(self):
        wire = self.again(store="disk_reserve: 2MiB")
        accepted = self.put_until_refused(wire, b"x" * 2000)
        self.assertTrue(os.path.exists(self.data_dir + "/millrace.ballast"))
        self.fill(0)
        # Each of them changes a page of its own: more than the disk could ever hold at once.
        wire.ask(b"".join(b"reserve-job %d\r\nrelease %d 7 0\r\n" % (number, number) for number in accepted),
                 b"".join(b"RESERVED %d 2000\r\n%b\r\nRELEASED\r\n" % (number, b"x" * 2000) for number in accepted))
        wire.ask(b"".join(b"delete %d\r\n" % number for number in accepted[5:]), b"DELETED\r\n" * len(accepted[5:]))
        self.server.wait_for("ballast_given_up")
        wire = self.again(store="disk_reserve: 2MiB", killed=True)
        self.holds(wire, accepted[:5])
        self.assertEqual(wire.stats(b"stats-job %d" % accepted[0])["pri"], "7")
        os.unlink(self.other)
        self.put_until_accepted(wire, b"recovered")


class LimitedFiles(Durable):
    def test_a_write_beyond_the_largest_size_of_a_file_is_an_error_and_not_the_end_of_the_daemon(self):
        line = os.path.join(self.folder, "lines")
        queues = ("queue_defaults: { durability: memory }\nqueues: { kept: { durability: sync }, lines: {} }\n"
                  "consumers: { c: { queue: lines, handler: file, path: %s } }\n" % line)
        wire = self.again(queues)
        wire.reply_to(b"use kept")
        first = wire.put(b"first")
        process = self.server.process
        before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (256 << 10, before[1]))
        large = b"x" * 50_000
        wire.reply_to(b"use lines")
        for _ in range(6):
            wire.put(large)
        self.assertIn("File too large", self.server.wait_for("job_failed")["message"])
        self.assertEqual(os.path.getsize(line), 5 * (len(large) + 1))
        wire.reply_to(b"use kept")
        wire.send(put(large) * 6)
        self.server.wait_for("store_failed")
        self.assertIsNone(process.poll())
        wire = self.again(queues, killed=True)
        self.assertEqual(wire.stats(b"stats-job %d" % first)["state"], "ready")


del Durable


if __name__ == "__main__":
    unittest.main(verbosity=2)
