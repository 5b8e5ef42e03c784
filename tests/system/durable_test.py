"""Queues on disk as a person meets them: restarts, what is refused at the start, a full disk."""

import contextlib
import os
import re
import subprocess
import time
import unittest

from beanstalk_support import BeanstalkTest
from beanstalk_wire import put
from support import PATIENCE, run

DELAY = 100_000  # seconds: does not end while the test runs


class Durable(BeanstalkTest):
    def setUp(self):
        super().setUp()
        self.data_dir = os.path.join(self.folder, "data")

    def settings_of(self, queues="", store="", data_dir=None):
        where = data_dir or self.data_dir
        return self.write("daemon: { data_dir: %s, beanstalk: '127.0.0.1:0', http: '127.0.0.1:0', store: { %s } }\n%s" % (where, store, queues))

    def again(self, *queues, killed=False, **how):
        """Ends the server that runs and starts one on what it left."""
        if self.server_:
            self.server_.kill() if killed else self.end(self.server_)
        self.start(config=self.settings_of(*queues, **how))
        return self.connect()

    def refused(self, settings):
        """The line in which a daemon says why it does not start."""
        ended = run("--config", settings)
        self.assertEqual(ended.returncode, 3, ended.stderr)
        lines = [line for line in ended.stderr.splitlines() if "could_not_start" in line]
        self.assertEqual(len(lines), 1, ended.stderr)
        return lines[0]


class Restarts(Durable):
    def test_all_is_there_after_a_restart(self):
        wire = self.again()
        wire.ask(b"use q\r\nwatch q\r\n", b"USING q\r\nWATCHING 2\r\n")
        ready, held, later, buried, first_buried = (wire.put(b"job %d" % n, priority=n, delay=delay) for n, delay in enumerate((0, 0, DELAY, 0, 0)))
        everything = bytes(range(256)) * 200
        odd = wire.put(everything, priority=2**32 - 1, ttr=7)
        empty = wire.put(b"", priority=2**32 - 1)
        for number in (held, first_buried, buried):
            wire.ask(b"reserve-job %d\r\n" % number, b"RESERVED %d 5\r\njob %d\r\n" % (number, number - 1))
        wire.ask(b"bury %d 70\r\nbury %d 80\r\n" % (first_buried, buried), b"BURIED\r\nBURIED\r\n")
        numbers = (ready, held, later, buried, first_buried, odd, empty)
        before = {number: wire.stats(b"stats-job %d" % number) for number in numbers}
        self.assertEqual([before[number]["state"] for number in numbers], ["ready", "reserved", "delayed", "buried", "buried", "ready", "ready"])
        for killed in (False, True):
            wire = self.again(killed=killed)
            wire.ask(b"use q\r\nwatch q\r\n", b"USING q\r\nWATCHING 2\r\n")
            after = {number: wire.stats(b"stats-job %d" % number) for number in numbers}
            self.assertEqual(after[held]["state"], "ready")
            before[held]["state"] = "ready"
            for number in numbers:
                same = ("id", "tube", "state", "pri", "delay", "ttr", "reserves", "timeouts", "releases", "buries", "kicks")
                self.assertEqual([after[number][key] for key in same], [before[number][key] for key in same])
                self.assertGreaterEqual(int(after[number]["age"]), int(before[number]["age"]))
            self.assertLessEqual(int(after[later]["time-left"]), int(before[later]["time-left"]))
            self.assertGreater(int(after[later]["time-left"]), DELAY - 1000)
            wire.ask(b"peek %d\r\n" % odd, b"FOUND %d %d\r\n%b\r\n" % (odd, len(everything), everything))
            wire.ask(b"peek %d\r\n" % empty, b"FOUND %d 0\r\n\r\n" % empty)
            wire.ask(b"peek-buried\r\n", b"FOUND %d 5\r\njob 4\r\n" % first_buried)
            wire.ask(b"reserve\r\n", b"RESERVED %d 5\r\njob 0\r\n" % ready)
            wire.ask(b"release %d 0 0\r\n" % ready, b"RELEASED\r\n")
            before[ready] = wire.stats(b"stats-job %d" % ready)
        wire.ask(b"kick 1\r\nkick 5\r\nkick 5\r\n", b"KICKED 1\r\nKICKED 1\r\nKICKED 1\r\n")

    def test_a_relaxed_queue_survives_being_told_to_end(self):
        relaxed = "queues: { r: { durability: relaxed } }\n"
        wire = self.again(relaxed, store="relaxed_interval: 1h")
        wire.told(b"use r")
        numbers = [wire.put(b"%d" % n) for n in range(500)]
        wire.ask(b"delete %d\r\n" % numbers[0], b"DELETED\r\n")
        wire = self.again(relaxed)
        self.assertEqual(wire.stats(b"stats-tube r")["current-jobs-ready"], "499")

    def test_what_is_relaxed_is_on_disk_with_the_next_that_is_not(self):
        queues = "queues: { r: { durability: relaxed }, s: { durability: sync } }\n"
        wire = self.again(queues, store="relaxed_interval: 1h")
        wire.ask(b"use r\r\n" + put(b"a") * 50 + b"use s\r\n", b"USING r\r\n" + b"".join(b"INSERTED %d\r\n" % n for n in range(1, 51)) + b"USING s\r\n")
        wire.put(b"b")
        wire = self.again(queues, killed=True)
        self.assertEqual([wire.stats(b"stats-tube " + tube)["current-jobs-ready"] for tube in (b"r", b"s")], ["50", "1"])

    def test_a_queue_in_memory_is_empty_after_a_restart_and_its_ids_are_not_given_again(self):
        memory = "queues: { m: { durability: memory } }\n"
        last = 0
        for killed in (False, True, True, False):
            wire = self.again(memory, killed=killed)
            wire.told(b"use m")
            self.assertEqual(wire.stats(b"stats-tube m")["current-jobs-ready"], "0")
            numbers = [wire.put(b"x") for _ in range(10)]
            self.assertGreater(numbers[0], last)
            last = numbers[-1]

    def test_a_life_without_puts_does_not_forget_which_ids_were_given(self):
        wire = self.again()
        last = wire.put(b"x")
        wire.ask(b"delete %d\r\n" % last, b"DELETED\r\n")
        for _ in range(3):
            self.again(killed=True)
            self.server.settle()
            wire = self.again(killed=True)
            self.assertGreater(wire.put(b"x"), last)
            last = wire.put(b"x")
            wire.ask(b"delete %d\r\n" % last, b"DELETED\r\n")

    def test_a_paused_queue_that_is_gone_is_no_obstacle_to_a_restart(self):
        wire = self.again()
        # Never used for a job, and left by its last one.
        wire.ask(b"use empty\r\npause-tube empty 5000\r\nuse p\r\n", b"USING empty\r\nPAUSED\r\nUSING p\r\n")
        number = wire.put(b"x")
        wire.ask(b"pause-tube p 5000\r\ndelete %d\r\nuse default\r\n" % number, b"PAUSED\r\nDELETED\r\nUSING default\r\n")
        kept = wire.put(b"y")
        for killed in (False, True):
            wire = self.again(killed=killed)
            self.assertEqual(wire.names(), ["default"])
            wire.ask(b"peek %d\r\n" % kept, b"FOUND %d 1\r\ny\r\n" % kept)

    def test_a_pause_survives_a_restart(self):
        wire = self.again()
        wire.ask(b"use p\r\nwatch p\r\n", b"USING p\r\nWATCHING 2\r\n")
        number = wire.put(b"x")
        wire.ask(b"pause-tube p 5000\r\n", b"PAUSED\r\n")
        for killed in (False, True):
            wire = self.again(killed=killed)
            wire.ask(b"watch p\r\nreserve-with-timeout 0\r\n", b"WATCHING 2\r\nTIMED_OUT\r\n")
            stats = wire.stats(b"stats-tube p")
            self.assertEqual(stats["pause"], "5000")
            self.assertTrue(4000 < int(stats["pause-time-left"]) <= 5000, stats)
        wire.ask(b"pause-tube p 0\r\nreserve\r\n", b"PAUSED\r\nRESERVED %d 1\r\nx\r\n" % number)
        wire = self.again(killed=True)
        wire.ask(b"watch p\r\nreserve\r\n", b"WATCHING 2\r\nRESERVED %d 1\r\nx\r\n" % number)


class Refused(Durable):
    def test_a_second_daemon_on_the_same_directory(self):
        wire = self.again()
        wire.put(b"x")
        self.assertIn(self.data_dir + ": in use by another process", self.refused(self.settings_of()))
        wire.put(b"the first goes on")
        self.assertEqual(self.again().stats()["current-jobs-ready"], "2")

    def damaged(self, where, length):
        """What is said of a file with 300 jobs that has noise there."""
        wire = self.again()
        for _ in range(3):
            wire.send(put(b"x" * 1000) * 100)
            for _ in range(100):
                wire.accepted()
        self.end(self.server_)
        path = os.path.join(self.data_dir, "millrace.db")
        with open(path, "r+b") as file:
            file.seek(where)
            file.write(b"\xa5" * length)
        return self.refused(self.settings_of()), path

    def test_a_damaged_header(self):
        line, path = self.damaged(0, 64)
        self.assertIn(path + " is damaged", line)
        self.assertIn("millrace fsck " + self.data_dir, line)

    def test_damaged_pages(self):
        line, path = self.damaged(4096 * 3, 4096 * 40)
        self.assertIn(path + " is damaged", line)

    def test_a_file_that_is_cut_short(self):
        self.again().put(b"x")
        self.end(self.server_)
        path = os.path.join(self.data_dir, "millrace.db")
        os.truncate(path, 4096)
        self.assertIn(path + " is damaged", self.refused(self.settings_of()))

    def test_a_file_in_place_of_the_directory(self):
        path = self.write("", "file")
        self.assertRegex(self.refused(self.settings_of(data_dir=path)), re.escape(path) + ".*: Not a directory")

    def test_a_directory_whose_parent_is_not_there(self):
        path = os.path.join(self.folder, "no", "such")
        self.assertIn(path + ": No such file or directory", self.refused(self.settings_of(data_dir=path)))

    def test_a_directory_that_cannot_be_written(self):
        place = os.path.join(self.folder, "disk")
        with mounted(self, place, "size=1m"):
            subprocess.run(["mount", "-o", "remount,ro", place], check=True)
            self.assertRegex(self.refused(self.settings_of(data_dir=place)), re.escape(place) + ".*: Read-only file system")


@contextlib.contextmanager
def mounted(test, place, options):
    """A small disk of the test's own, in memory."""
    os.mkdir(place)
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True, text=True)
    if made.returncode != 0:
        test.skipTest("no disk of its own can be mounted here: " + made.stderr.strip())
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", place], check=True)


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
        self.fail("there is room, and puts are refused")

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
        # Deleting makes room.
        gone, left = left[20:], left[:20]
        wire.ask(b"".join(b"delete %d\r\n" % number for number in gone), b"DELETED\r\n" * len(gone))
        left.append(self.put_until_accepted(wire, b"recovered"))
        self.holds(self.again(killed=True), left)

    def test_room_that_others_took_and_gave_back(self):
        wire = self.again(store="disk_reserve: 2MiB")
        first = wire.put(b"first")
        self.fill(1 << 20)
        accepted = self.put_until_refused(wire, b"x")
        os.unlink(self.other)
        accepted.append(self.put_until_accepted(wire, b"recovered"))
        self.assertEqual(wire.stats()["current-jobs-ready"], str(1 + len(accepted)))
        self.holds(self.again(), [first, *accepted])

    def test_a_disk_without_a_byte_left(self):
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

    def holds(self, wire, numbers):
        """Exactly these jobs are there."""
        self.assertEqual(wire.stats()["current-jobs-ready"], str(len(numbers)))
        for number in numbers:
            self.assertEqual(wire.stats(b"stats-job %d" % number)["state"], "ready")


class SmallDisk(FullDisk):
    """Smaller than the log would become elsewhere: all of FullDisk that fits, and what is to go on without a byte."""

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
                    accepted += [int(answer.removeprefix(b"INSERTED ")) for answer in answers if answer != b"OUT_OF_MEMORY"]
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


del BeanstalkTest, Durable

if __name__ == "__main__":
    unittest.main(verbosity=2)
