"""kill -9 under load, at random moments, again and again on the same data_dir: what was acknowledged is there, what was deleted stays deleted.

    tests/system/crash_test.py            20 rounds, as in tests/run
    tests/system/crash_test.py 1000       any number; CRASH_SEED repeats what clients choose, not when the server dies
"""

import os
import random
import signal
import subprocess
import sys
import time
import unittest

from beanstalk_support import BeanstalkTest, Server
from crash_client import SHARED, Client
from crash_ledger import Ledger
from support import MILLRACED

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "20"))
SEED = os.environ.get("CRASH_SEED") or str(random.SystemRandom().randrange(10**9))
CLIENTS = 6
IN_A_ROW = 200  # requests sent before their answers are read


class Crash(BeanstalkTest):
    def setUp(self):
        super().setUp()
        self.chance = random.Random(SEED)
        self.data_dir = os.path.join(self.folder, "data")

    def settings_of(self, more="", name="settings.yaml", store=""):
        return self.write("daemon: { data_dir: %s, beanstalk: '127.0.0.1:0', http: off, store: { %s } }\n%s" % (self.data_dir, store, more), name)

    def either_way(self, more="", name="settings.yaml"):
        """Bodies stay in memory, or none does."""
        return self.settings_of(more, name, store=self.chance.choice(("", "memory_limit: 0")))

    def started(self, settings):
        """A server on what the one before left; now and then one dies before it has read all that."""
        if self.chance.random() < 0.3:
            early = subprocess.Popen([MILLRACED, "--config", settings], stderr=subprocess.DEVNULL)
            time.sleep(self.chance.uniform(0, 0.15))  # whatever it is doing then
            early.kill()
            early.wait()
        server = Server(config=settings)
        self.addCleanup(server.kill)
        return server

    def killed(self, server):
        """Dies at any moment; now and then while it ends by itself."""
        time.sleep(self.chance.uniform(0, 0.02))
        if self.chance.random() < 0.2:
            server.signal(signal.SIGTERM)
            time.sleep(self.chance.uniform(0, 0.05))
        server.kill()


class KilledUnderLoad(Crash):
    def test_what_is_acknowledged_is_kept_and_what_is_deleted_stays_deleted(self):
        self.ledger = Ledger(self.chance)
        settings, deleted, rounds = self.settings_of(), 0, 0
        for rounds in range(1, ROUNDS + 1):
            settings = self.either_way()
            server = self.started(settings)
            first = self.first_id(server)
            clients = [Client(f"{number}", server, self.ledger, random.Random(f"{SEED} {rounds} {number}")) for number in range(CLIENTS)]
            for client in clients:
                client.start()
            self.ledger.wait_for(int(2 ** self.chance.uniform(0, 12)))
            self.killed(server)
            for client in clients:
                client.join()
            self.check(settings, first, rounds)
        self.nothing_is_back(settings)
        print(f"{rounds} rounds, {self.ledger.acknowledged} commands acknowledged, {len(self.ledger.jobs)} jobs put, {len(self.ledger.live)} left, seed {SEED}")

    def first_id(self, server):
        """The id of a job that comes and goes: all ids of this life are above it."""
        with server.connect() as wire:
            number = wire.put(b"0 first")
            if self.ledger.ids and number <= max(self.ledger.ids):
                self.ledger.complain(f"id {number} is given, and {max(self.ledger.ids)} was given before")
            self.ledger.ids[number] = 0
            wire.ask(b"delete %d\r\n" % number, b"DELETED\r\n")
            return number

    def check(self, settings, first, rounds):
        server = self.started(settings)
        with server.connect() as wire:
            last = max(self.ledger.ids) + self.ledger.unanswered_puts
            found = looked_at(wire, {self.ledger.jobs[token - 1].id for token in self.ledger.live} - {None} | set(range(first, last + 1)))
            stats = wire.stats()
            there = sum(int(stats["current-jobs-" + state]) for state in ("ready", "delayed", "buried", "reserved"))
            if there != len(found):
                self.ledger.complain(f"{there} jobs are there, {len(found)} were found")
            self.ledger.compare(found)
            if not self.ledger.complaints:
                self.buried_in_order(wire, self.chance.choice(SHARED))
        server.kill()
        if self.ledger.complaints:
            self.fail("\n".join([f"round {rounds}, seed {SEED}:", *self.ledger.complaints[:20]]))

    def buried_in_order(self, wire, tube):
        """Takes out all that is buried in a tube: nothing comes behind what was surely buried later."""
        wire.told(b"use " + tube.encode())
        latest, before = 0.0, None
        while (answer := wire.told(b"peek-buried")) != "NOT_FOUND":
            number, length = map(int, answer.split(" ")[1:])
            wire.receive(length + 2)
            job = self.ledger.jobs[self.ledger.ids[number] - 1]
            if job.sure.acknowledged < latest:
                self.ledger.complain(f"job {number} was buried before {before} and comes behind it")
            if job.sure.sent > latest:
                latest, before = job.sure.sent, number
            wire.ask(b"delete %d\r\n" % number, b"DELETED\r\n")
            self.ledger.done(job, None)

    def nothing_is_back(self, settings):
        """Every id that anybody was told of is looked for."""
        with self.started(settings).connect() as wire:
            found = looked_at(wire, self.ledger.ids)
        back = sorted(number for number in found if self.ledger.ids[number] not in self.ledger.live)
        self.assertEqual((back, len(found)), ([], len(self.ledger.live)))


def looked_at(wire, ids):
    """(statistics, body, asked at, answered at) of those that are there, by id."""
    ids, found = sorted(ids), {}
    for start in range(0, len(ids), IN_A_ROW):
        some, asked = ids[start:start + IN_A_ROW], time.time()
        wire.send(b"".join(b"stats-job %d\r\npeek %d\r\n" % (number, number) for number in some))
        for number in some:
            (_, stats), (_, body) = wire.chunk(), wire.chunk()
            if (stats is None) != (body is None):
                raise AssertionError(f"job {number}: {stats}, {body}")
            if body is not None:
                lines = (line.split(": ", 1) for line in stats.decode().splitlines()[1:])
                found[number] = ({key: value.strip('"') for key, value in lines}, body, asked, time.time())
    return found


class HandedOver(Crash):
    """A consumer moves jobs from one queue to the next while producers and consumers of the network work on both ends."""

    QUEUES = "queues: { in: {}, out: {} }\n"
    CONSUMERS = QUEUES + "consumers: { mover: { queue: in, handler: noop, output: out, concurrency: 4 } }\n"

    def test_no_job_is_lost_or_doubled_between_two_queues(self):
        working, looking = self.settings_of(self.CONSUMERS, "working.yaml"), self.settings_of(self.QUEUES, "looking.yaml")
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


def taken_out(wire, count):
    """Reserves and deletes up to so many; their tokens."""
    held = {}
    wire.send(b"reserve-with-timeout 0\r\n" * count)
    for _ in range(count):
        words, body = wire.chunk()
        if body is not None:
            held[int(words[1])] = int(body)
    wire.ask(b"".join(b"delete %d\r\n" % number for number in held), b"DELETED\r\n" * len(held))
    return set(held.values())


def all_of(wire):
    """The bodies of all that is ready, as numbers."""
    found = []
    while True:
        wire.send(b"reserve-with-timeout 0\r\n" * IN_A_ROW)
        bodies = [wire.chunk()[1] for _ in range(IN_A_ROW)]
        found += [int(body) for body in bodies if body is not None]
        if None in bodies:
            return found


del BeanstalkTest

if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1].isdigit():
        ROUNDS = int(sys.argv.pop(1))
    unittest.main(verbosity=2)
