"""The same random requests to millraced and to beanstalkd: the same answers, but for what beanstalkd does wrong.

Left out are its faults (beanstalk_support.not_beanstalkd marks the tests that name them), the order of lists after an
ignore, and whatever is about the machine or the clock. MILLRACE_DUEL_SEED repeats a duel.
"""

import os
import random
import shutil
import unittest

from beanstalk_support import BEANSTALKD, BeanstalkTest, Server
from beanstalk_wire import put

OTHER = shutil.which("beanstalkd") or "/usr/bin/beanstalkd"
STEPS = 4000
NOT_COMPARED = {
    "age", "time-left", "pause-time-left", "cmd-stats", "pid", "version", "rusage-utime", "rusage-stime", "uptime",
    "id", "hostname", "os", "platform", "binlog-oldest-index", "binlog-current-index", "binlog-records-migrated",
    "binlog-records-written", "binlog-max-size"
}
MALFORMED = [
    b"", b" ", b"peek", b"peek ", b"peek x", b"use -", b"use a b", b"watch  a", b"release 1", b"release 1 2",
    b"bury 1 -1", b"delete 1 ", b"touch +1", b"stats-job", b"stats-tube -a", b"put 1 2 3", b"put 0 0 0 -1",
    b"reserve-job", b"kick", b"kick ", b"pause-tube a", b"bogus", b"PEEK 1", b"x" * 222, b"x" * 300, b"list-tubes\0"
]


class Pair:
    """One connection to each."""

    def __init__(self, servers):
        self.wires = [server.connect() for server in servers]
        for wire in self.wires:
            wire.ask(b"list-tube-used\r\n", b"USING default\r\n")
        self.waits = False

    def send(self, data):
        for wire in self.wires:
            wire.send(data)

    def answers(self):
        return [compared(*wire.chunk()) for wire in self.wires]

    def has_something(self):
        return [wire.has_something() for wire in self.wires]

    def end(self, abruptly):
        for wire in self.wires:
            wire.reset() if abruptly else wire.close()


def compared(words, chunk):
    """An answer without what need not be the same."""
    if chunk is None or words[0] != b"OK":
        return words, chunk
    lines = chunk.decode().split("\n")
    if any(line.startswith("- ") for line in lines):
        return words[0], lines[:1] + sorted(lines[1:])
    pairs = [line.split(": ", 1) for line in lines[1:-1]]
    is_job = any(key == "reserves" for key, _ in pairs)
    return words[0], [(key, value.strip('"'))
                      for key, value in pairs
                      if key not in NOT_COMPARED or (key == "id" and is_job)]


@unittest.skipIf(BEANSTALKD, "it is the other one")
class Duel(BeanstalkTest):
    def setUp(self):
        super().setUp()
        self.servers = [self.start(), Server(beanstalkd=OTHER)]
        self.addCleanup(self.servers[1].kill)
        self.addCleanup(self.servers[1].stop)
        self.seed = os.environ.get("MILLRACE_DUEL_SEED", str(random.randrange(1 << 32)))
        self.chance = random.Random(self.seed)
        self.said = []
        self.ids = 0
        self.reserved = []

    def number(self):
        if self.reserved and self.chance.random() < 0.6:
            return self.chance.choice(self.reserved[-8:])
        return self.chance.randint(max(0, self.ids - 30), self.ids + 1)

    def tube(self):
        return self.chance.choice((b"default", b"a", b"b", b"c", b"d" * 200))

    def request(self):
        priority, delay = self.chance.choice((0, 1, 1023, 1024, 4294967295)), self.chance.choice(
            (0, 0, 0, 1000, 2000, 4294967295))
        kinds = {
            10: lambda: put(self.chance.randbytes(self.chance.choice(
                (0, 1, 10, 1000))), priority, delay, self.chance.choice((1000, 4294967295))),
            12: lambda: b"reserve-with-timeout 0\r\n",
            5: lambda: b"delete %d\r\n" % self.number(),
            7: lambda: self.chance.choice((b"touch %d\r\n", b"peek %d\r\n", b"kick-job %d\r\n", b"stats-job %d\r\n",
                                           b"reserve-job %d\r\n")) % self.number(),
            8: lambda: self.chance.choice(
                (b"release %d %d %d\r\n" % (self.number(), priority, delay), b"bury %d %d\r\n" %
                 (self.number(), priority))),
            6: lambda: self.chance.choice((b"use ", b"watch ", b"ignore ", b"stats-tube ")) + self.tube() + b"\r\n",
            3: lambda: self.chance.choice(
                (b"peek-ready\r\n", b"peek-delayed\r\n", b"peek-buried\r\n", b"list-tubes\r\n",
                 b"list-tubes-watched\r\n", b"list-tube-used\r\n", b"stats\r\n")),
            2: lambda: b"kick %d\r\n" % self.chance.choice((0, 1, 2, 10)),
            1: lambda: self.chance.choice((b"pause-tube %b %d\r\n" % (self.tube(), self.chance.choice(
                (0, 0, 1000))), put(b"x" * 65536), self.chance.choice(MALFORMED) + b"\r\n")),
        }
        return self.chance.choices(list(kinds.values()), list(kinds))[0]()

    def assert_same(self, answers):
        if answers[0] != answers[1]:
            last = "\n".join(f"{number}: {text[:60]!r}" for number, text in self.said[-12:])
            self.fail(
                f"MILLRACE_DUEL_SEED={self.seed}, after {len(self.said)} requests\n{last}\nmillraced:  {answers[0]}\n"
                f"beanstalkd: {answers[1]}"
            )
        if answers[0][0][0] == b"INSERTED":
            self.ids = int(answers[0][0][1])
        if answers[0][0][0] == b"RESERVED":
            self.reserved.append(int(answers[0][0][1]))

    def look_at_waiter(self, pairs):
        """Both have given the waiting connection a job, or neither."""
        for pair in pairs:
            if pair.waits:
                for server in self.servers:
                    server.settle()
                something = pair.has_something()
                if something[0] != something[1]:
                    self.assert_same([(["something" if one else "silence"], None) for one in something])
                if something[0]:
                    self.assert_same(pair.answers())
                    pair.waits = False

    def ended(self, count):
        for server in self.servers:
            while server.control.stats()["current-connections"] != str(count):
                pass

    def test_two_servers_give_the_same_answers_to_random_commands(self):
        pairs = [Pair(self.servers) for _ in range(4)]
        for server in self.servers:
            server.settle()
        for _ in range(STEPS):
            number = self.chance.randrange(4)
            pair = pairs[number]
            draw = self.chance.random()
            if draw < 0.005:
                self.said.append((number, b"ends"))
                pair.end(self.chance.random() < 0.5)
                pairs.remove(pair)
                self.ended(4)  # three, and the one that settles
                pairs.insert(number, Pair(self.servers))
            elif pair.waits:
                continue
            elif draw < 0.03 and not any(one.waits for one in pairs):
                self.said.append((number, b"reserve\r\n"))
                pair.send(b"reserve\r\n")
                pair.waits = True
            else:
                self.said.append((number, self.request()))
                pair.send(self.said[-1][1])
                self.assert_same(pair.answers())
            self.look_at_waiter(pairs)
        for pair in pairs:
            pair.end(False)


if __name__ == "__main__":
    unittest.main(verbosity=2)
