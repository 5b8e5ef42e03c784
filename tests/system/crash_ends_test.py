"""kill -9 while jobs fail, are tried again, are handed out and never answered: counts, dead letters and their origin
are exact afterwards. What a data directory holds is read with `millrace dump`.

    tests/system/crash_ends_test.py       as in tests/run; CRASH_ROUNDS deaths, CRASH_SEED repeats the choices
"""

import json
import os
import subprocess
import sys
import time
import unittest

from crash_support import Crash
from support import MILLRACED, PATIENCE

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "8"))
MILLRACE = os.environ.get("MILLRACE", os.path.join(os.path.dirname(MILLRACED), "millrace"))
DELIVERIES_MAX = 3
ATTEMPTS = 3
QUEUES = f"""queues:
  work: {{ deliveries_max: {DELIVERIES_MAX}, dead_letter: letters }}
  letters: {{}}
  other: {{}}
"""
RETRYING = f"""queues:
  work:
    retry: {{ attempts: {ATTEMPTS}, first: 5ms, jitter: 0 }}
    dead_letter: letters
  letters: {{}}
"""
CONSUMER = "consumers: { worker: { queue: work, handler: fail, every: 1, concurrency: 4 } }\n"


class Ends(Crash):
    def kept(self):
        """The jobs of the data directory by id, which no daemon has open. Nothing is wrong with it."""
        said = subprocess.run([MILLRACE, "fsck", self.data_dir], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
        said = subprocess.run([MILLRACE, "dump", self.data_dir], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(said.returncode, 0, said.stderr)
        lines = map(json.loads, said.stdout.splitlines())
        return {line["id"]: line for line in lines if "id" in line}


class Interrupted(Ends):
    """A job that was handed out when the daemon died was interrupted, and so often is not given out again."""

    def test_interruptions_are_counted_exactly_over_deaths_and_lead_to_the_dead_letter(self):
        settings = self.settings_of(QUEUES)
        expected = {}  # interruptions by id
        letters = set()
        for death in range(1, ROUNDS + 1):
            server = self.started(settings)
            with server.connect() as wire:
                wire.ask(b"use work\r\n", b"USING work\r\n")
                for _ in range(self.chance.randrange(20)):
                    expected[wire.put(b"0 x")] = 0
                waiting = sorted(set(expected) - letters)
                taken = [job for job in waiting if self.chance.random() < 0.6]
                for job in taken:
                    wire.send(b"reserve-job %d\r\n" % job)
                for job in taken:
                    words, _ = wire.chunk()
                    self.assertEqual(words[:2], [b"RESERVED", b"%d" % job], f"death {death}")
                for job in list(taken):
                    draw = self.chance.random()
                    if draw < 0.2:
                        wire.ask(b"release %d 0 0\r\n" % job, b"RELEASED\r\n")
                        taken.remove(job)
                    elif draw < 0.3:
                        wire.ask(b"delete %d\r\n" % job, b"DELETED\r\n")
                        taken.remove(job)
                        del expected[job]
                # A hand-out is in the batch of a put that follows it, or in an earlier one.
                wire.ask(b"use other\r\n", b"USING other\r\n")
                marker = wire.put(b"0 x")
                server.kill()
            found = self.kept()
            del found[marker]
            held = set(taken)
            for job, kept in found.items():
                self.assertEqual((kept.get("handed_out", False), kept.get("interruptions", 0)),
                                 (job in held, expected[job]), f"death {death}: {kept}")
                self.assertEqual(kept["queue"], "letters" if job in letters else "work", f"death {death}: {kept}")
                if job in letters:
                    self.assertEqual((kept["reason"], kept["origin"]), ("undeliverable", "work"))
            self.assertEqual(set(found), set(expected), f"death {death}")
            for job in held:
                expected[job] += 1
            letters |= {job for job in held if expected[job] >= DELIVERIES_MAX}
            server = self.started(settings)
            with server.connect() as wire:
                wire.ask(b"delete %d\r\n" % marker, b"DELETED\r\n")
                stats = wire.stats(b"stats-tube letters")
                self.assertEqual(int(stats["current-jobs-ready"]), len(letters), f"death {death}")
                server.kill()
        if ROUNDS >= 8:
            self.assertTrue(letters, "no job was given up")


class Retried(Ends):
    """A consumer whose handler fails always."""

    def test_no_failure_is_forgotten_and_each_dead_letter_has_failed_as_often_as_its_queue_says(self):
        settings = self.settings_of(RETRYING + CONSUMER)
        put = set()
        for death in range(1, ROUNDS + 1):
            server = self.started(settings)
            with server.connect() as wire:
                wire.ask(b"use work\r\n", b"USING work\r\n")
                put |= {wire.put(b"0 x") for _ in range(self.chance.randrange(40))}
                time.sleep(self.chance.uniform(0, 0.05))  # the moment of death is any
                server.kill()
            found = self.kept()
            self.assertEqual(set(found), put, f"death {death}")
            for kept in found.values():
                failures = kept.get("failures", 0)
                if kept["queue"] == "letters":
                    self.assertEqual((failures, kept["reason"], kept["origin"]), (ATTEMPTS, "failed", "work"))
                else:
                    self.assertLess(failures, ATTEMPTS, f"death {death}: {kept}")
                    self.assertNotIn("origin", kept)
                if failures:
                    self.assertLessEqual(kept["first_failure_at_ns"], kept["last_failure_at_ns"])
                    self.assertTrue(kept["error"])
        with self.started(settings).connect() as wire:
            wire.ask(b"watch letters\r\n", b"WATCHING 2\r\n")
            wire.send(b"reserve-with-timeout %d\r\n" % PATIENCE * len(put))
            self.assertEqual({int(wire.chunk()[0][1]) for _ in put}, put, "not all have become dead letters")


del Ends, Crash

if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1].isdigit():
        ROUNDS = int(sys.argv.pop(1))
    unittest.main(verbosity=2)
