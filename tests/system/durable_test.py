"""Queues on disk as a person meets them: restarts, and what is refused at the start."""

import os
import re
import sqlite3
import subprocess
import time
import unittest

from beanstalk_wire import put
from durable_support import Durable, mounted
from support import MILLRACED, PATIENCE, run

DELAY = 100_000  # seconds: does not end while the test runs


class Restarts(Durable):
    def test_all_is_there_after_a_restart(self):
        wire = self.again()
        wire.ask(b"use q\r\nwatch q\r\n", b"USING q\r\nWATCHING 2\r\n")
        ready, held, later, buried, first_buried = (wire.put(b"job %d" % n, priority=n, delay=delay)
                                                    for n, delay in enumerate((0, 0, DELAY, 0, 0)))
        everything = bytes(range(256)) * 200
        odd = wire.put(everything, priority=2**32 - 1, ttr=7)
        empty = wire.put(b"", priority=2**32 - 1)
        for number in (held, first_buried, buried):
            wire.ask(b"reserve-job %d\r\n" % number, b"RESERVED %d 5\r\njob %d\r\n" % (number, number - 1))
        wire.ask(b"bury %d 70\r\nbury %d 80\r\n" % (first_buried, buried), b"BURIED\r\nBURIED\r\n")
        numbers = (ready, held, later, buried, first_buried, odd, empty)
        before = {number: wire.stats(b"stats-job %d" % number) for number in numbers}
        self.assertEqual([before[number]["state"] for number in numbers],
                         ["ready", "reserved", "delayed", "buried", "buried", "ready", "ready"])
        for killed in (False, True):
            wire = self.again(killed=killed)
            wire.ask(b"use q\r\nwatch q\r\n", b"USING q\r\nWATCHING 2\r\n")
            after = {number: wire.stats(b"stats-job %d" % number) for number in numbers}
            self.assertEqual(after[held]["state"], "ready")
            before[held]["state"] = "ready"
            for number in numbers:
                same = ("id", "tube", "state", "pri", "delay", "ttr", "reserves", "timeouts", "releases", "buries",
                        "kicks")
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
        wire.reply_to(b"use r")
        numbers = [wire.put(b"%d" % n) for n in range(500)]
        wire.ask(b"delete %d\r\n" % numbers[0], b"DELETED\r\n")
        wire = self.again(relaxed)
        self.assertEqual(wire.stats(b"stats-tube r")["current-jobs-ready"], "499")

    def test_jobs_that_come_due_while_it_ends_are_there_and_disturb_nothing(self):
        wire = self.again()
        numbers, ends = [], time.monotonic() + 0.5
        while time.monotonic() < ends:
            wire.send(put(b"x" * 2000, delay=1) * 5)
            numbers += [wire.accepted() for _ in range(5)]
        while wire.stats()["current-jobs-ready"] == "0":
            pass
        wire = self.again()  # while those that were put later come due, one after another
        stats = wire.stats()
        self.assertEqual(int(stats["current-jobs-ready"]) + int(stats["current-jobs-delayed"]), len(numbers))

    def test_what_is_relaxed_is_on_disk_with_the_next_that_is_not(self):
        queues = "queues: { r: { durability: relaxed }, s: { durability: sync } }\n"
        wire = self.again(queues, store="relaxed_interval: 1h")
        wire.ask(b"use r\r\n" + put(b"a") * 50 + b"use s\r\n",
                 b"USING r\r\n" + b"".join(b"INSERTED %d\r\n" % n for n in range(1, 51)) + b"USING s\r\n")
        wire.put(b"b")
        wire = self.again(queues, killed=True)
        self.assertEqual([wire.stats(b"stats-tube " + tube)["current-jobs-ready"] for tube in (b"r", b"s")],
                         ["50", "1"])

    def test_a_queue_in_memory_is_empty_after_a_restart_and_its_ids_are_not_given_again(self):
        memory = "queues: { m: { durability: memory } }\n"
        last = 0
        for killed in (False, True, True, False):
            wire = self.again(memory, killed=killed)
            wire.reply_to(b"use m")
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
        wire.ask(b"pause-tube p 5000\r\ndelete %d\r\nuse default\r\n" % number,
                 b"PAUSED\r\nDELETED\r\nUSING default\r\n")
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
    def test_a_second_daemon_on_the_same_directory_is_refused_and_the_first_goes_on(self):
        wire = self.again()
        wire.put(b"x")
        self.assertIn(self.data_dir + ": in use by another process", self.refused(self.settings_of()))
        wire.put(b"the first goes on")
        self.assertEqual(self.again().stats()["current-jobs-ready"], "2")

    def test_a_second_daemon_and_the_tools_are_refused_though_the_lock_file_is_deleted(self):
        wire = self.again()
        wire.put(b"x")
        os.unlink(os.path.join(self.data_dir, "millrace.lock"))
        self.assertIn(self.data_dir + ": in use by another process", self.refused(self.settings_of()))
        os.unlink(os.path.join(self.data_dir, "millrace.lock"))
        for tool in ("fsck", "dump", "restore"):
            ended = subprocess.run([os.path.join(os.path.dirname(MILLRACED), "millrace"), tool, self.data_dir],
                                   capture_output=True,
                                   text=True,
                                   stdin=subprocess.DEVNULL)
            self.assertEqual(ended.returncode, 3, ended)
            self.assertIn("in use by another process", ended.stderr)
        self.server.wait_for("store_failed")
        self.ends_with_a_failed_store()

    def ends_with_a_failed_store(self):
        """The server that runs ends, with 1 and the reason."""
        self.server.process.terminate()
        lost = self.server.wait_for("not_on_disk")
        self.assertEqual(self.server.process.wait(PATIENCE), 1)
        self.server_ = None
        return lost

    def test_a_truncated_index_of_the_log_stops_acknowledgements_and_loses_no_job(self):
        wire = self.again()
        for _ in range(20):
            wire.put(b"x" * 9000)
        for left in (0, 4096):
            os.truncate(os.path.join(self.data_dir, "millrace.db-shm"), left)
            wire.send(put(b"never acknowledged"))
            self.server.wait_for("store_failed")
            # Cut off, or refused when the daemon had looked at its files already.
            refusal = b"OUT_OF_MEMORY\r\n"
            self.assertIn(wire.receive(len(refusal)), (b"", refusal))
            self.assertIn("millrace.db-shm", self.ends_with_a_failed_store()["error"])
            wire = self.again()
            self.assertGreaterEqual(int(wire.stats()["current-jobs-ready"]), 20)

    def test_an_operator_who_looks_checkpoints_vacuums_and_locks_costs_no_job(self):
        wire = self.again()
        file = os.path.join(self.data_dir, "millrace.db")
        numbers = []
        for sql in ("SELECT count(*) FROM job", "PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM",
                    "PRAGMA wal_checkpoint(RESTART)") * 3:
            numbers.append(wire.put(b"x" * 5000))
            other = sqlite3.connect(file, timeout=PATIENCE)
            other.execute(sql).fetchall()
            other.close()
        locked = sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)
        locked.execute("BEGIN EXCLUSIVE")
        wire.send(put(b"waits"))
        self.server.wait_for("store_locked")
        locked.execute("COMMIT")
        locked.close()
        numbers.append(wire.accepted())
        self.server.wait_for("store_unlocked")
        self.assertEqual(self.again(killed=True).stats()["current-jobs-ready"], str(len(numbers)))

    def damaged(self, offset, length):
        """What is said of a file with 300 jobs that has noise there."""
        wire = self.again()
        for _ in range(3):
            wire.send(put(b"x" * 1000) * 100)
            for _ in range(100):
                wire.accepted()
        self.end(self.server_)
        path = os.path.join(self.data_dir, "millrace.db")
        with open(path, "r+b") as file:
            file.seek(offset)
            file.write(b"\xa5" * length)
        return self.refused(self.settings_of()), path

    def test_a_store_with_a_damaged_header_is_refused_and_fsck_named(self):
        line, path = self.damaged(0, 64)
        self.assertIn(path + " is damaged", line)
        self.assertIn("millrace fsck " + self.data_dir, line)

    def test_a_store_with_damaged_pages_is_refused(self):
        line, path = self.damaged(4096 * 3, 4096 * 40)
        self.assertIn(path + " is damaged", line)

    def test_a_data_file_that_is_cut_short_is_refused_as_damaged(self):
        self.again().put(b"x")
        self.end(self.server_)
        path = os.path.join(self.data_dir, "millrace.db")
        os.truncate(path, 4096)
        self.assertIn(path + " is damaged", self.refused(self.settings_of()))

    def test_a_file_in_place_of_the_directory(self):
        path = self.write("", "file")
        checked = run("--config", self.settings_of(data_dir=path))
        self.assertEqual(checked.returncode, 2, checked)
        self.assertIn(f"daemon.data_dir: `{path}` is a file (expected a directory)", checked.stderr)
        ended = run("-p", "0", "-b", path)
        self.assertEqual(ended.returncode, 3, ended)
        self.assertIn(path + ": is a file, not a directory", ended.stderr)

    def test_a_directory_whose_parent_is_not_there(self):
        path = os.path.join(self.folder, "no", "such")
        self.assertIn(path + ": No such file or directory", self.refused(self.settings_of(data_dir=path)))

    def test_a_directory_that_cannot_be_written(self):
        place = os.path.join(self.folder, "disk")
        with mounted(self, place, "size=1m"):
            subprocess.run(["mount", "-o", "remount,ro", place], check=True)
            self.assertRegex(self.refused(self.settings_of(data_dir=place)),
                             re.escape(place) + ".*: Read-only file system")


del Durable

if __name__ == "__main__":
    unittest.main(verbosity=2)
