"""Sources that go on after a restart: each line is in its queue exactly once, whenever the daemon dies.

    tests/system/resume_test.py           a few rounds of kill -9, as in tests/run
    tests/system/resume_test.py 300       any number; RESUME_SEED repeats what is chosen, not when the daemon dies
"""

import os
import random
import signal
import sys
import time
import unittest

from beanstalk_support import Server
from durable_support import Durable
from support import PATIENCE, run

ROUNDS = int(os.environ.get("RESUME_ROUNDS", "12"))
SEED = os.environ.get("RESUME_SEED") or str(random.SystemRandom().randrange(10**9))


def waiting(wire, tube="words"):
    """Bodies of all ready jobs, in order; they stay reserved until the connection ends."""
    wire.reply_to(b"watch " + tube.encode())
    found = []
    while (chunk := reserved(wire)) is not None:
        found.append(chunk)
    return found


def reserved(wire):
    wire.send(b"reserve-with-timeout 0\r\n")
    return wire.chunk()[1]


class Resume(Durable):
    def lines(self, *lines, name="words.txt"):
        return self.write("".join(line + "\n" for line in lines), name)

    def workload(self, queue="", producer="", kind="kind: lines, file: words.txt"):
        return "queues: { words: { %s } }\nproducers: { reader: { %s, queue: words, %s } }\n" % (queue, kind, producer)

    def ran(self, *words, allowed=(0,), **options):
        """What is in the queue after the workload has ended."""
        settings = self.settings_of(self.workload(**options))
        ended = run("--config", settings, "--until-idle", *words)
        self.said = ended.stderr
        self.assertIn(ended.returncode, allowed, ended.stderr)
        return self.kept()

    def kept(self):
        server = Server(
            config=self.write("daemon: { data_dir: %s, beanstalk: '127.0.0.1:0', http: off }" %
                              self.data_dir, "look.yaml"))
        self.addCleanup(server.kill)
        with server.connect() as wire:
            found = waiting(wire)
        server.kill()
        return [body.decode() for body in found]

    def test_three_starts_put_three_lines(self):
        self.lines("one", "two", "three")
        for _ in range(3):
            self.assertEqual(self.ran(), ["one", "two", "three"])
        self.assertIn("source_resumed", self.said)
        self.lines("one", "two", "three", "four")
        self.assertEqual(self.ran(), ["one", "two", "three", "four"])
        self.assertEqual(self.ran(producer="start: again"), ["one", "two", "three", "four"] * 2)
        self.assertEqual(self.ran(), ["one", "two", "three", "four"] * 2)

    def test_lists_ranges_and_random_numbers_go_on(self):
        for kind, limit, first in (("kind: list, items: [a, b, c]", "", ["a", "b", "c"]),
                                   ("kind: range, to: 3", "", ["1", "2",
                                                               "3"]), ("kind: random, bits: 8", "limit: 3", None)):
            with self.subTest(kind):
                self.data_dir = os.path.join(self.folder, kind.split()[1].strip(","))
                once = self.ran(kind=kind, producer=limit)
                self.assertEqual(len(once), 3)
                self.assertIn(first, (once, None))
                self.assertEqual(self.ran(kind=kind, producer=limit), once)
        self.assertEqual(self.ran(kind="kind: random, bits: 8", producer="limit: 5")[:3], once)

    def test_a_file_that_was_changed_is_reported_and_nothing_is_put(self):
        self.lines("one", "two")
        self.ran()
        self.lines("two", "three", "four")
        self.assertEqual(self.ran(allowed=(0, 4)), ["one", "two"])
        self.assertIn("source_not_resumed", self.said)
        self.assertIn("words.txt has changed", self.said)
        self.assertEqual(self.ran(producer="start: again"), ["one", "two", "two", "three", "four"])

    def test_a_limit_counts_over_restarts_and_the_command_line_s_does_not(self):
        self.lines(*"abcdefgh")
        self.assertEqual(self.ran(producer="limit: 3"), list("abc"))
        self.assertEqual(self.ran(producer="limit: 3"), list("abc"))
        self.assertEqual(self.ran(producer="limit: 5"), list("abcde"))
        self.data_dir = os.path.join(self.folder, "other")
        self.assertEqual(len(self.ran("--limit", "3", kind="kind: random")), 3)
        self.assertEqual(len(self.ran("--limit", "3", kind="kind: random")), 6)

    def test_refused_lines_are_not_put_later(self):
        self.lines(*"abcdef")
        self.assertEqual(self.ran(allowed=(0, 4), queue="max_jobs: 2, overflow: reject"), list("ab"))
        self.assertEqual(self.ran(queue="max_jobs: 9, overflow: reject"), list("ab"))

    def test_resuming_needs_a_queue_on_disk_and_a_source_with_a_position(self):
        self.lines("one")
        ended = run("--config", self.settings_of(self.workload("durability: memory", "start: resume")), "--check")
        self.assertEqual(ended.returncode, 2, ended.stderr)
        self.assertIn("producers.reader.start: `words` is in memory", ended.stderr)
        ended = run("--config", self.settings_of(self.workload(producer="start: resume",
                                                               kind="kind: interval, body: x")))
        self.assertEqual(ended.returncode, 3, ended.stderr)
        self.assertIn("producer reader: start: it cannot resume: its source has no position", ended.stderr)


class Killed(Durable):
    """kill -9 at any moment, while a producer reads a file."""

    LINES = 40_000

    def setUp(self):
        super().setUp()
        self.chance = random.Random(SEED)
        self.write("".join(f"{n}\n" for n in range(self.LINES)), "words.txt")

    def reading(self, queue=""):
        server = Server(config=self.settings_of(
            # Nothing is reserved twice, however long the test takes.
            "queues: { words: { %s } }\n"
            "producers: { reader: { kind: lines, file: words.txt, queue: words, ttr: 1h } }\n" % queue,
            store=self.chance.choice(("", "memory_limit: 0"))))
        self.addCleanup(server.kill)
        return server

    def killed(self, server):
        time.sleep(self.chance.uniform(0, 0.05))  # at any moment
        if self.chance.random() < 0.3:
            server.signal(signal.SIGTERM)
            time.sleep(self.chance.uniform(0, 0.03))
        server.kill()

    def test_each_line_is_in_the_queue_exactly_once(self):
        for durability in ("sync", "relaxed"):
            self.data_dir = os.path.join(self.folder, durability)
            for _ in range(max(1, ROUNDS // 2)):
                self.killed(self.reading("durability: " + durability))
            server = self.reading("durability: " + durability)
            with server.connect() as wire:
                wire.reply_to(b"watch words")
                found = []
                # A reserve that waits ends when the producer has put the last line.
                while len(found) < self.LINES and (some := reserve(wire, 1_000, patience=PATIENCE)):
                    found += some.values()
                found += reserve(wire, 1_000).values()
            server.kill()
            self.assertEqual(found, list(range(self.LINES)), f"{durability}, seed {SEED}")

    def test_each_line_is_taken_exactly_once(self):
        self.taken, uncertain, rounds = set(), set(), 0
        queue = "max_jobs: 3k, overflow: block"
        for rounds in range(1, ROUNDS + 1):
            server = self.reading(queue)
            with server.connect() as wire:
                wire.reply_to(b"watch words")
                for _ in range(self.chance.randrange(0, 20)):
                    self.take(wire, self.chance.randrange(1, 200), uncertain)
                held = reserve(wire, 50)
                wire.send(b"".join(b"delete %d\r\n" % number for number in held))
                uncertain |= set(held.values())  # nobody reads the answers: they may be there after the crash, or not
                self.killed(server)
        server = self.reading(queue)
        with server.connect() as wire:
            wire.reply_to(b"watch words")
            # What nobody knows of may be gone, so that the last wait may find nothing.
            while set(range(self.LINES)) - self.taken - uncertain:
                self.assertTrue(self.take(wire, 1_000, uncertain, patience=PATIENCE), f"lines are missing, seed {SEED}")
            while self.take(wire, 1_000, uncertain):
                pass
        print(f"{rounds} rounds, {self.LINES} lines, {len(uncertain)} deletes without an answer, seed {SEED}")

    def take(self, wire, count, uncertain, patience=0):
        """Takes and deletes up to so many. False: there was none."""
        held = reserve(wire, count, patience)
        for line in held.values():
            self.assertNotIn(line, self.taken, f"is there a second time, seed {SEED}")
            self.taken.add(line)
            uncertain.discard(line)
        wire.ask(b"".join(b"delete %d\r\n" % number for number in held), b"DELETED\r\n" * len(held))
        return bool(held)


def reserve(wire, count, patience=0):
    """Up to so many jobs, by id; the first may be waited for."""
    wire.send(b"reserve-with-timeout %d\r\n" % patience + b"reserve-with-timeout 0\r\n" * (count - 1))
    held = {}
    for _ in range(count):
        words, body = wire.chunk()
        if body is not None:
            held[int(words[1])] = int(body)
    return held


del Durable

if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1].isdigit():
        ROUNDS = int(sys.argv.pop(1))
    unittest.main(verbosity=2)
