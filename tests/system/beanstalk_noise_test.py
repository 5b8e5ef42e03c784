"""Noise: mutated requests in random pieces from clients that end at random. The server stays whole, answers the others
and lets all of it go.

MILLRACE_NOISE_SEED repeats it.
"""

import os
import random
import unittest

from beanstalk_support import BeanstalkTest, not_beanstalkd
from beanstalk_wire import put

WORDS = [
    b"put", b"use", b"reserve", b"reserve-with-timeout", b"reserve-job", b"delete", b"release", b"bury", b"touch",
    b"watch", b"ignore", b"peek", b"peek-ready", b"peek-delayed", b"peek-buried", b"kick", b"kick-job", b"stats-job",
    b"stats-tube", b"stats", b"list-tubes", b"list-tube-used", b"list-tubes-watched", b"pause-tube", b"quit", b"", b" ",
    b"\0", b"\r", b"\n", b"\r\r\n"
]
VALUES = [
    b"0", b"1", b"2", b"10", b"60", b"65535", b"65536", b"4294967295", b"4294967296", b"18446744073709551615", b"-1",
    b"default", b"a", b"b" * 200, b"c" * 201, b"", b" ", b"\t", b"\xff\xfe", b"x" * 300
]
ROUNDS = 3000


class Noise(BeanstalkTest):
    def setUp(self):
        super().setUp()
        self.seed = os.environ.get("MILLRACE_NOISE_SEED", str(random.randrange(1 << 32)))
        self.chance = random.Random(self.seed)

    def request(self):
        draw = self.chance.random()
        if draw < 0.3:
            body = self.chance.randbytes(self.chance.choice((0, 1, 5, 100, 5000)))
            return put(body, self.chance.choice((0, 5, 4294967295)), self.chance.choice((0, 0, 0, 1)),
                       self.chance.choice((0, 1, 60)))
        if draw < 0.35:
            return b"put 0 0 1 %d\r\n" % self.chance.choice(
                (1, 70_000, 1 << 20, 4294967295)) + self.chance.randbytes(100)
        words = [self.chance.choice(WORDS)
                 ] + [self.chance.choice(VALUES) for _ in range(self.chance.choice((0, 1, 1, 2, 3, 4)))]
        return b" ".join(words) + b"\r\n"

    def text(self):
        text = bytearray(b"".join(self.request() for _ in range(self.chance.choice((1, 5, 50)))))
        if self.chance.random() < 0.5:
            for _ in range(min(self.chance.randint(1, 5), len(text) - 1)):
                place = self.chance.randrange(len(text))
                draw = self.chance.random()
                if draw < 0.4:
                    text[place] = self.chance.randrange(256)
                elif draw < 0.7:
                    del text[place]
                else:
                    text[place:place] = text[place:place + self.chance.randint(1, 20)]
        return bytes(text)

    @not_beanstalkd("waits for ever in some of its faults")
    def test_random_requests_from_clients_that_vanish_leave_the_server_in_order(self):
        looks = self.connect()
        crowd = []
        for number in range(ROUNDS):
            wire = self.server.connect()
            crowd.append(wire)
            text = self.text()
            try:
                while text:
                    cut = self.chance.choice(
                        (len(text), self.chance.randint(1, len(text)), self.chance.randint(1, min(8, len(text)))))
                    wire.send(text[:cut])
                    text = text[cut:]
                    if self.chance.random() < 0.2:
                        looks.ask(b"list-tube-used\r\n", b"USING default\r\n")
                    if self.chance.random() < 0.05:
                        break
                if self.chance.random() < 0.3:
                    wire.end_sending()
            except OSError:  # a quit was in it
                pass
            while len(crowd) > 20 or (crowd and number == ROUNDS - 1):
                gone = crowd.pop(self.chance.randrange(len(crowd)))
                gone.reset() if self.chance.random() < 0.5 else gone.close()
        try:
            while (stats := looks.stats())["current-connections"] != "1":
                pass
            self.assertEqual((stats["current-waiting"], stats["current-jobs-reserved"]), ("0", "0"))
            looks.ask(put(b"x") + b"list-tube-used\r\n", b"INSERTED ")
        except (AssertionError, OSError) as error:
            raise AssertionError(f"MILLRACE_NOISE_SEED={self.seed}") from error


if __name__ == "__main__":
    unittest.main(verbosity=2)
