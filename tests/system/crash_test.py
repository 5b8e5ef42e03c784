"""kill -9 under load, at random moments, again and again on the same data_dir: what was acknowledged is there, what was
deleted stays deleted.

    tests/system/crash_test.py            20 rounds, as in tests/run
    tests/system/crash_test.py 1000       any number; CRASH_SEED repeats what clients choose, not when the server dies
"""

import os
import sys
import unittest

from crash_support import SEED, Crash, all_of, taken_out

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "20"))


class KilledUnderLoad(Crash):
    def test_what_is_acknowledged_is_kept_and_what_is_deleted_stays_deleted(self):
        for number in range(1, ROUNDS + 1):
            self.one_round(number)
        self.nothing_is_back(self.settings_of())
        print(
            f"{ROUNDS} rounds, {self.ledger.acknowledged} commands acknowledged, {len(self.ledger.jobs)} jobs put, "
            f"{len(self.ledger.live)} left, seed {SEED}"
        )


class HandedOver(Crash):
    """A consumer moves jobs from one queue to the next while producers and consumers of the network work on both
    ends."""

    QUEUES = "queues: { in: {}, out: {} }\n"
    CONSUMERS = QUEUES + "consumers: { mover: { queue: in, handler: noop, output: out, concurrency: 4 } }\n"

    def test_no_job_is_lost_or_doubled_between_two_queues(self):
        working, looking = self.settings_of(self.CONSUMERS,
                                            "working.yaml"), self.settings_of(self.QUEUES, "looking.yaml")
        there, next_token = set(), 0  # acknowledged and not taken out
        for rounds in range(1, max(2, ROUNDS // 2) + 1):
            server = self.started(working)
            with server.connect() as wire:
                wire.ask(b"use in\r\nwatch out\r\n", b"USING in\r\nWATCHING 2\r\n")
                uncertain = set()
                for _ in range(self.chance.randrange(1, 12)):
                    tokens = range(next_token, next_token + 100)
                    next_token = tokens.stop
                    wire.send(b"".join(b"put 0 0 3600 8\r\n%08d\r\n" % token for token in tokens))
                    for token in tokens:
                        wire.accepted()
                        there.add(token)
                    there -= taken_out(wire, self.chance.randrange(100))
                uncertain = set(range(next_token, next_token + 100))
                next_token += 100
                wire.send(b"".join(b"put 0 0 3600 8\r\n%08d\r\n" % token for token in sorted(uncertain)))
                self.killed(server)
            server = self.started(looking)
            with server.connect() as wire:
                wire.ask(b"watch in\r\nwatch out\r\n", b"WATCHING 2\r\nWATCHING 3\r\n")
                found = all_of(wire)
            server.kill()
            self.assertEqual(len(found), len(set(found)), f"round {rounds}: some are there twice")
            self.assertEqual(there - set(found), set(), f"round {rounds}: lost")
            self.assertEqual(set(found) - there - uncertain, set(), f"round {rounds}: back")
            there = set(found)


del Crash

if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1].isdigit():
        ROUNDS = int(sys.argv.pop(1))
    unittest.main(verbosity=2)
