"""What the tests that kill, starve or cut off the daemon share: random clients, a ledger of what was acknowledged,
and the comparison.

CRASH_SEED repeats what clients choose, not when the daemon dies.
"""

import os
import random
import signal
import subprocess
import time

from beanstalk_support import BeanstalkTest, Server
from crash_client import SHARED, Client
from crash_ledger import Ledger, wall
from support import MILLRACED

SEED = os.environ.get("CRASH_SEED") or str(random.SystemRandom().randrange(10**9))
CLIENTS = 6
IN_A_ROW = 200  # requests sent before their answers are read


class Crash(BeanstalkTest):
    def setUp(self):
        super().setUp()
        self.chance = random.Random(SEED)
        self.data_dir = os.path.join(self.folder, "data")
        self.ledger = Ledger(self.chance)
        self.environment = None  # of the daemons; None: that of the test

    def settings_of(self, more="", name="settings.yaml", store=""):
        return self.write(
            "daemon: { data_dir: %s, beanstalk: '127.0.0.1:0', http: off, store: { %s } }\n%s" %
            (self.data_dir, store, more), name)

    def either_way(self, more="", name="settings.yaml"):
        """Bodies stay in memory, or none does."""
        return self.settings_of(more, name, store=self.chance.choice(("", "memory_limit: 0")))

    def started(self, settings):
        """Starts a server on the data of the last one. Now and then another one is started before, and killed while it
        reads the data."""
        if self.chance.random() < 0.3:
            command = [MILLRACED, "--config", settings]
            early = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=self.environment)
            time.sleep(self.chance.uniform(0, 0.15))  # whatever it is doing then
            early.kill()
            early.wait()
        server = Server(config=settings, env=self.environment)
        self.addCleanup(server.kill)
        return server

    def killed(self, server):
        """Kills the server at a random moment, now and then while it drains."""
        time.sleep(self.chance.uniform(0, 0.02))
        if self.chance.random() < 0.2:
            self.ledger.draining = True
            server.signal(signal.SIGTERM)
            time.sleep(self.chance.uniform(0, 0.05))
        server.kill()

    def clients_of(self, server, name):
        """Clients that work on the server until it cuts them off. `name` seeds their choices."""
        clients = [Client(f"{number}", server, self.ledger, random.Random(f"{SEED} {name} {number}"))
                   for number in range(CLIENTS)]
        for client in clients:
            client.start()
        return clients

    def one_round(self, name):
        """Clients work until the daemon is killed; what comes back is held against the ledger."""
        settings = self.either_way()
        server = self.started(settings)
        first = self.first_id(server)
        clients = self.clients_of(server, name)
        self.ledger.wait_for(int(2 ** self.chance.uniform(0, 12)))
        self.killed(server)
        for client in clients:
            client.join()
        self.between_lives()
        self.check(settings, first, name)

    def between_lives(self):
        """What happens to the machine while no daemon runs."""

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
            found = looked_at(wire, {self.ledger.jobs[token - 1].id
                                     for token in self.ledger.live} - {None} | set(range(first, last + 1)))
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
        wire.reply_to(b"use " + tube.encode())
        latest, before = 0.0, None
        while (answer := wire.reply_to(b"peek-buried")) != "NOT_FOUND":
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
        """Every id that a client ever got is looked for."""
        with self.started(settings).connect() as wire:
            found = looked_at(wire, self.ledger.ids)
        back = sorted(number for number in found if self.ledger.ids[number] not in self.ledger.live)
        self.assertEqual((back, len(found)), ([], len(self.ledger.live)))


def looked_at(wire, ids):
    """(statistics, body, asked at, answered at) of those that are there, by id."""
    ids, found = sorted(ids), {}
    for start in range(0, len(ids), IN_A_ROW):
        some, asked = ids[start:start + IN_A_ROW], wall()
        wire.send(b"".join(b"stats-job %d\r\npeek %d\r\n" % (number, number) for number in some))
        for number in some:
            (_, stats), (_, body) = wire.chunk(), wire.chunk()
            if (stats is None) != (body is None):
                raise AssertionError(f"job {number}: {stats}, {body}")
            if body is not None:
                lines = (line.split(": ", 1) for line in stats.decode().splitlines()[1:])
                found[number] = ({key: value.strip('"') for key, value in lines}, body, asked, wall())
    return found


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
