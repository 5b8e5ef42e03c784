"""Consumers of the file and clients of the network take from the same queues while the daemon is killed again and
again.

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
        self.put, self.gone, self.uncertain = set(), set(), set()
        self.failure = None

    def run(self):
        try:
            with Mortal(self.address) as self.wire:
                self.wire.ask(b"use in\r\n" + WATCH, b"USING in\r\n" + WATCHING)
                while True:
                    self.puts()
                    self.takes()
        except (Ended, ConnectionError):
            pass
        except Exception as failure:
            self.failure = failure

    def puts(self):
        mine = [next(self.tokens) for _ in range(self.chance.randrange(1, 20))]
        self.uncertain.update(mine)
        self.wire.send(b"".join(put(b"%08d" % token, ttr=3600) for token in mine))
        for token in mine:
            answer = self.wire.line()
            self.uncertain.discard(token)
            if answer.startswith(b"INSERTED"):
                self.put.add(token)
            elif answer != b"DRAINING":
                raise AssertionError(f"a put was answered {answer}")

    def takes(self):
        count = self.chance.randrange(1, 20)
        self.wire.send(b"reserve-with-timeout 0\r\n" * count)
        held = {}
        for _ in range(count):
            words, body = self.wire.chunk()
            if body is not None:
                held[int(words[1])] = int(body)
        self.uncertain.update(held.values())
        self.wire.send(b"".join(b"delete %d\r\n" % number for number in held))
        for number, token in held.items():
            answer = self.wire.line()
            if answer != b"DELETED":
                raise AssertionError(f"a delete was answered {answer}")
            self.gone.add(token)
            self.uncertain.discard(token)


class Tokens:
    """Numbers that rise, for all threads."""

    def __init__(self):
        self.last, self.lock = 0, threading.Lock()

    def __next__(self):
        with self.lock:
            self.last += 1
            return self.last


class Competing(Crash):
    def test_each_job_is_ended_once_by_whoever_took_it(self):
        there, tokens, ended = set(), Tokens(), 0
        for number in range(1, ROUNDS + 1):
            clients = self.one_life(number, tokens)
            gone = [token for client in clients for token in client.gone]
            self.assertEqual(len(gone), len(set(gone)), f"round {number}: some were taken twice")
            uncertain = set().union(*(client.uncertain for client in clients))
            there |= set().union(*(client.put for client in clients))
            self.assertEqual(set(gone) - there - uncertain, set(), f"round {number}: never put")
            there = self.look(number, there - set(gone), set(gone), uncertain)
            ended += len(gone)
        print(f"{ROUNDS} rounds, {tokens.last} jobs put, {ended} deletes acknowledged, {len(there)} left, seed {SEED}")

    def one_life(self, number, tokens):
        """The clients after the daemon was killed under them."""
        server = self.started(self.either_way(CONSUMERS, "working.yaml"))
        clients = [Competitor(server.address, random.Random(f"{SEED} {number} {n}"), tokens) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        with server.connect() as wire:
            goal, ends = int(2 ** self.chance.uniform(0, 11)), time.monotonic() + PATIENCE
            while int(wire.stats()["cmd-delete"]) < goal and all(client.is_alive() for client in clients):
                self.assertLess(time.monotonic(), ends, "nothing goes on")
        self.killed(server)
        for client in clients:
            client.join()
        self.assertEqual([client.failure for client in clients if client.failure], [])
        return clients

    def look(self, number, there, gone, uncertain):
        server = self.started(self.settings_of(QUEUES, "looking.yaml"))
        with server.connect() as wire:
            wire.ask(WATCH, WATCHING)
            found = all_of(wire)
        server.kill()
        self.assertEqual(len(found), len(set(found)), f"round {number}: some are there twice")
        found = set(found)
        self.assertEqual(there - uncertain - found, set(), f"round {number}: lost")
        self.assertEqual(found & gone, set(), f"round {number}: deleted and back")
        self.assertEqual(found - there - uncertain, set(), f"round {number}: back")
        return found


del Crash

if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1].isdigit():
        ROUNDS = int(sys.argv.pop(1))
    unittest.main(verbosity=2)
