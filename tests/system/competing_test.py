"""Consumers from the settings file and clients of the network take jobs from the same queues while the daemon is killed
again and again.

    tests/system/competing_test.py         8 rounds, as in tests/run
    tests/system/competing_test.py 500     any number
"""

import random
import sys
import threading
import time
import unittest

from beanstalk_wire import put
from crash_client import Ended, Mortal
from crash_support import SEED, Crash, all_of
from support import PATIENCE

ROUNDS = 8
CLIENTS = 4
WATCH = b"watch in\r\nwatch out\r\nwatch dead\r\n"
WATCHING = b"WATCHING 2\r\nWATCHING 3\r\nWATCHING 4\r\n"
QUEUES = "queues: { in: {}, out: {}, dead: {} }\n"
CONSUMERS = QUEUES + """
consumers:
  mover: { queue: in, handler: noop, output: out, concurrency: 4 }
  picky: { queue: in, handler: fail, every: 3, output: out, dead_letter: dead, concurrency: 2 }
"""


class Competitor(threading.Thread):
    """Puts into `in` and takes from all queues, until it is cut off. What it has no answer for is uncertain."""

    def __init__(self, address, chance, tokens):
        super().__init__(daemon=True)
        self.address, self.chance, self.tokens = address, chance, tokens
        self.inserted, self.deleted, self.uncertain = set(), set(), set()
        self.failure = None

    def run(self):
        try:
            with Mortal(self.address) as self.wire:
                self.wire.ask(b"use in\r\n" + WATCH, b"USING in\r\n" + WATCHING)
                while True:
                    self.put_some()
                    self.take_some()
        except (Ended, ConnectionError):
            pass
        except Exception as failure:
            self.failure = failure

    def put_some(self):
        mine = [next(self.tokens) for _ in range(self.chance.randrange(1, 20))]
        self.uncertain.update(mine)
        self.wire.send(b"".join(put(b"%08d" % token, ttr=3600) for token in mine))
        for token in mine:
            answer = self.wire.line()
            self.uncertain.discard(token)
            if answer.startswith(b"INSERTED"):
                self.inserted.add(token)
            elif answer != b"DRAINING":
                raise AssertionError(f"a put was answered {answer}")

    def take_some(self):
        count = self.chance.randrange(1, 20)
        self.wire.send(b"reserve-with-timeout 0\r\n" * count)
        held = {}
        for _ in range(count):
            words, body = self.wire.chunk()
            if body is not None:
                held[int(words[1])] = int(body)
            elif words[0] != b"TIMED_OUT":
                raise AssertionError(f"a reserve was answered {words}")
        self.uncertain.update(held.values())
        self.wire.send(b"".join(b"delete %d\r\n" % number for number in held))
        for number, token in held.items():
            answer = self.wire.line()
            if answer != b"DELETED":
                raise AssertionError(f"a delete was answered {answer}")
            self.deleted.add(token)
            self.uncertain.discard(token)


class Tokens:
    """A counter that all threads share."""

    def __init__(self):
        self.last, self.lock = 0, threading.Lock()

    def __next__(self):
        with self.lock:
            self.last += 1
            return self.last


class Competing(Crash):
    def test_kills_lose_and_double_no_job_that_consumers_and_clients_compete_for(self):
        expected, tokens, ended = set(), Tokens(), 0
        for number in range(1, ROUNDS + 1):
            clients = self.one_life(number, tokens)
            deleted = [token for client in clients for token in client.deleted]
            self.assertEqual(len(deleted), len(set(deleted)), f"round {number}: some were taken twice")
            uncertain = set().union(*(client.uncertain for client in clients))
            expected |= set().union(*(client.inserted for client in clients))
            self.assertEqual(set(deleted) - expected - uncertain, set(), f"round {number}: never put")
            expected = self.check_after_restart(number, expected - set(deleted), set(deleted), uncertain)
            ended += len(deleted)
        print(f"{ROUNDS} rounds, {tokens.last} puts sent, {ended} deletes acknowledged, {len(expected)} left, "
              f"seed {SEED}")

    def one_life(self, number, tokens):
        """Starts the daemon and clients, and kills the daemon after a random number of deletes. The clients."""
        server = self.started(self.either_way(CONSUMERS, "working.yaml"))
        clients = [Competitor(server.address, random.Random(f"{SEED} {number} {n}"), tokens) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        with server.connect() as wire:
            goal, ends = int(2 ** self.chance.uniform(0, 11)), time.monotonic() + PATIENCE
            while int(wire.stats()["cmd-delete"]) < goal and all(client.is_alive() for client in clients):
                self.assertLess(time.monotonic(), ends, f"fewer than {goal} deletes in {PATIENCE} s")
        self.killed(server)
        for client in clients:
            client.join()
        self.assertEqual([client.failure for client in clients if client.failure], [])
        return clients

    def check_after_restart(self, number, expected, deleted, uncertain):
        server = self.started(self.settings_of(QUEUES, "looking.yaml"))
        with server.connect() as wire:
            wire.ask(WATCH, WATCHING)
            found = all_of(wire)
        server.kill()
        self.assertEqual(len(found), len(set(found)), f"round {number}: some are there twice")
        found = set(found)
        self.assertEqual(expected - uncertain - found, set(), f"round {number}: lost")
        self.assertEqual(found & deleted, set(), f"round {number}: deleted in this round, and back")
        self.assertEqual(found - expected - uncertain, set(), f"round {number}: deleted in an earlier round, and back")
        return found


del Crash  # runs no tests of its own

if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1].isdigit():
        ROUNDS = int(sys.argv.pop(1))
    unittest.main(verbosity=2)
