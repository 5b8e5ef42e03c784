"""One client of the soak test: it connects, sends random requests, dies in one of several ways, and connects again."""

import random
import time

from beanstalk_wire import put
from ledger import body_of, is_short

TUBES = [b"a", b"b", b"c", b"default"]


class Died(Exception):
    """The client disconnects before it reads the replies."""


class Client:
    def __init__(self, name, server, ledger, ends, seed):
        self.name, self.server, self.ledger, self.ends = name, server, ledger, ends
        self.chance = random.Random(f"{seed} {name}")
        self.held = []

    def run(self):
        try:
            while time.monotonic() < self.ends:
                self.live()
        except Exception as error:  # a thread's end must be seen
            self.ledger.complain(f"client {self.name}: {type(error).__name__}: {error}")

    def live(self):
        self.wire = self.server.connect()
        self.ledger.count("connections")
        try:
            self.tell(b"use " + self.chance.choice(TUBES), "USING")
            for tube in self.chance.sample(TUBES, 3):
                self.tell(b"watch " + tube, "WATCHING")
            for _ in range(self.chance.choice((1, 10, 100, 1000))):
                self.step()
                if time.monotonic() > self.ends:
                    break
            self.last_words()
        except Died:
            self.ledger.count("deaths")
        finally:
            self.lets_all_go()
            self.wire.reset() if self.chance.random() < 0.5 else self.wire.close()

    def lets_all_go(self):
        for _, token in self.held:
            self.ledger.lets_go(token)
        self.held = []

    def tell(self, request, *words):
        answer = self.wire.reply_to(request)
        if answer.split(" ")[0] not in words:
            raise AssertionError(f"{request} was answered {answer}")
        return answer

    def step(self):
        if self.held and self.chance.random() < 0.0005:
            time.sleep(self.chance.uniform(0.5, 2.5))  # a client that is slow: short times to run end meanwhile
        draw = self.chance.random()
        if self.held and draw < 0.45:
            self.settle(*self.held.pop(self.chance.randrange(len(self.held))))
        elif draw < 0.6:
            self.puts()
        elif draw < 0.85:
            self.reserves(b"reserve-with-timeout 1" if self.chance.random() < 0.01 else b"reserve-with-timeout 0")
        elif draw < 0.88:
            self.reserves(b"reserve-job %d" % self.ledger.some_id(self.chance))
        elif draw < 0.93:
            self.ledger.count("kicked", int(self.tell(b"kick %d" % self.chance.randint(0, 20), "KICKED").split(" ")[1]))
        elif draw < 0.95:
            self.deletes_something()
        else:
            self.looks()

    def puts(self):
        count = self.chance.choice((1, 1, 1, 5, 30))
        tokens = [token for token in (self.ledger.new_token() for _ in range(count)) if token]
        self.wire.send(b"".join(map(self.put_of, tokens)))
        if self.chance.random() < 0.003:
            raise Died
        for token in tokens:
            self.ledger.inserted(token, int(self.wire.accepted()))

    def put_of(self, token):
        delay = self.chance.choice((0,) * 9 + (1,))
        return put(body_of(token), priority=self.chance.randint(0, 5), delay=delay, ttr=1 if is_short(token) else 3600)

    def reserves(self, request):
        asked_at = time.monotonic()
        self.wire.send(request + b"\r\n")
        if self.chance.random() < 0.003:
            raise Died
        words, body = self.wire.chunk()
        if body is None:
            if words[0] not in (b"TIMED_OUT", b"DEADLINE_SOON", b"NOT_FOUND"):
                raise AssertionError(f"{request} was answered {words}")
            return
        number = int(words[1])
        self.held.append((number, self.ledger.reserved(number, body, asked_at, self.name)))

    def settle(self, number, token):
        """Ends a reservation. Only a job with a short time to run may have expired before."""
        draw = self.chance.random()
        if draw < 0.1:
            self.held.append((number, token))
            answer = self.tell(b"touch %d" % number, "TOUCHED", "NOT_FOUND")
        elif draw < 0.75:
            answer = self.delete(number, token)
        else:
            self.ledger.lets_go(token)
            if draw < 0.9:
                priority, delay = self.chance.randint(0, 5), self.chance.choice((0, 0, 0, 1))
                answer = self.tell(b"release %d %d %d" % (number, priority, delay), "RELEASED", "NOT_FOUND")
                self.ledger.count("released")
            else:
                answer = self.tell(b"bury %d %d" % (number, self.chance.randint(0, 5)), "BURIED", "NOT_FOUND")
                self.ledger.count("buried")
        if answer == "NOT_FOUND":
            if is_short(token):
                self.ledger.count("slipped away")
                self.held = [one for one in self.held if one[1] != token]
            else:
                self.ledger.complain(f"job {number} slipped away from client {self.name}")

    def delete(self, number, token):
        self.ledger.lets_go(token)
        self.ledger.deletes(token)
        if self.chance.random() < 0.005:
            self.wire.send(b"delete %d\r\n" % number)
            self.ledger.forget(token)
            raise Died
        answer = self.tell(b"delete %d" % number, "DELETED", "NOT_FOUND")
        self.ledger.deleted(token, answer == "DELETED")
        return answer

    def deletes_something(self):
        """Deletes a job that this client does not hold. That succeeds if no other client holds it."""
        number = self.ledger.some_id(self.chance)
        token = self.ledger.token_of_id(number)
        if token is None or any(held == number for held, _ in self.held):
            return
        self.ledger.deletes(token)
        self.ledger.deleted(token, self.tell(b"delete %d" % number, "DELETED", "NOT_FOUND") == "DELETED")

    def looks(self):
        number = self.ledger.some_id(self.chance)
        request = self.chance.choice((b"peek %d" % number, b"peek-ready", b"peek-delayed", b"peek-buried", b"stats",
                                      b"stats-job %d" % number, b"stats-tube a", b"list-tubes", b"list-tubes-watched",
                                      b"kick-job %d" % number, b"nonsense", b"use -",
                                      b"pause-tube b %d" % self.chance.randint(0, 1)))
        self.wire.send(request + b"\r\n")
        self.wire.chunk()

    def last_words(self):
        """Disconnects, sometimes in the middle of a request."""
        token = self.ledger.new_token()
        text = self.put_of(token) if token else b"put 0 0 60 100000000\r\nabc"
        draw = self.chance.random()
        if draw < 0.3:
            self.wire.send(text[:self.chance.randrange(len(text))])
        elif draw < 0.4:
            self.wire.send(b"peek-ready\r\nstats\r\n" * 50)
        elif draw < 0.5:
            self.wire.send(b"reserve\r\n")
        elif draw < 0.7:
            self.lets_all_go()
            self.wire.send(b"quit\r\n")
            self.wire.expect_end()
            return
        raise Died
