"""Kills the daemon with SIGKILL under load, at random moments, again and again on the same data_dir. Acknowledged jobs
must be there, and deleted jobs must stay deleted.

    tests/system/crash_test.py            20 rounds (CRASH_ROUNDS), half as many for two queues
    tests/system/crash_test.py 1000       any number; CRASH_SEED repeats what clients choose, not when the server dies
"""

import os
import sys
import unittest

from crash_support import SEED, Crash, all_of, taken_out

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "20"))


class KilledUnderLoad(Crash):
    def test_after_kill_9_acknowledged_jobs_are_kept_and_deleted_jobs_stay_deleted(self):
        for number in range(1, ROUNDS + 1):
            self.one_round(number)
        self.nothing_is_back(self.settings_of())
        print(
            f"{ROUNDS} rounds, {self.ledger.acknowledged} commands acknowledged, {len(self.ledger.jobs)} jobs put, "
            f"{len(self.ledger.live)} left, seed {SEED}"
        )


class HandedOver(Crash):
    """A consumer moves jobs from one queue to the next while a client puts into the first and takes from the second."""

    QUEUES = "queues: { in: {}, out: {} }\n"
    CONSUMERS = QUEUES + "consumers: { mover: { queue: in, handler: noop, output: out, concurrency: 4 } }\n"

    def test_kills_lose_and_double_no_job_that_a_consumer_moves_between_queues(self):
        working, looking = self.settings_of(self.CONSUMERS,
                                            "working.yaml"), self.settings_of(self.QUEUES, "looking.yaml")
        expected = set()  # tokens that are acknowledged and not taken out
        next_token = 0
        for round_number in range(1, max(2, ROUNDS // 2) + 1):
            server = self.started(working)
            with server.connect() as wire:
                wire.ask(b"use in\r\nwatch out\r\n", b"USING in\r\nWATCHING 2\r\n")
                for _ in range(self.chance.randrange(1, 12)):
                    tokens = range(next_token, next_token + 100)
                    next_token = tokens.stop
                    wire.send(b"".join(b"put 0 0 3600 8\r\n%08d\r\n" % token for token in tokens))
                    for token in tokens:
                        wire.accepted()
                        expected.add(token)
                    expected -= taken_out(wire, self.chance.randrange(100))
                uncertain = set(range(next_token, next_token + 100))
                next_token += 100
                wire.send(b"".join(b"put 0 0 3600 8\r\n%08d\r\n" % token for token in sorted(uncertain)))
                self.killed(server)
            server = self.started(looking)
            with server.connect() as wire:
                wire.ask(b"watch in\r\nwatch out\r\n", b"WATCHING 2\r\nWATCHING 3\r\n")
                found = all_of(wire)
            server.kill()
            self.assertEqual(len(found), len(set(found)), f"round {round_number}: some are there twice")
            self.assertEqual(expected - set(found), set(), f"round {round_number}: lost")
            self.assertEqual(set(found) - expected - uncertain, set(), f"round {round_number}: taken out, and back")
            expected = set(found)


del Crash  # runs no tests of its own

if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1].isdigit():
        ROUNDS = int(sys.argv.pop(1))
    unittest.main(verbosity=2)
