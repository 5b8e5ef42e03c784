"""A client that works at random until its server dies, and notes in the ledger what it sent and what was
acknowledged."""

import threading

from beanstalk_wire import Wire, put
from crash_ledger import GONE, LONG, body_of

SHARED = ("a", "b", "c")
LIVE_MAX = 1200
HELD_MAX = 40


class Ended(Exception):
    """The server is gone, or its last reply is not whole."""


class Mortal(Wire):
    """A connection on which an end of file may come anywhere."""

    def receive(self, length):
        got = super().receive(length)
        if len(got) < length:
            raise Ended
        return got

    def line(self):
        while b"\r\n" not in self.early:
            more = self.socket.recv(1 << 16)
            if not more:
                raise Ended
            self.early += more
        return super().line()


class Client(threading.Thread):
    def __init__(self, name, server, ledger, chance):
        super().__init__(daemon=True)
        self.called, self.address, self.ledger, self.chance = name, server.address, ledger, chance
        self.own = "own-" + name  # a tube on which nobody else acts, so that it knows the order of what it buried
        self.buried = ledger.buried_in(self.own)
        self.held = []
        self.words = []  # requests of this turn, each with what takes its answer
        self.sent = []

    def start(self):
        self.ledger.client_begins()
        super().start()

    def run(self):
        try:
            with Mortal(self.address) as self.wire:
                for tube in (*SHARED, self.own):
                    self.say("watch " + tube, "WATCHING")
                self.turn()
                while True:
                    self.plan()
                    self.turn()
        except (Ended, ConnectionError):
            pass
        except Exception as error:  # a thread's end must be seen
            unanswered = [request[:40] for request in self.sent[:3]]
            self.ledger.complain(f"client {self.called}: {type(error).__name__}: {error}; unanswered: {unanswered}")
        finally:
            self.ledger.client_ends()

    # --- one turn: requests in a row, then their answers
    # -------------------------------------------------------------------

    def turn(self):
        words, self.words = self.words, []
        self.sent = [request for request, _ in words]  # not answered yet
        self.wire.send(b"".join(request for request, _ in words))
        for _, take in words:
            take(*self.wire.chunk())
            self.sent.pop(0)

    def ask(self, request, take):
        self.words.append((request if isinstance(request, bytes) else request.encode() + b"\r\n", take))

    def say(self, request, answer, then=lambda: None):
        def take(words, _):
            if words[0].decode() != answer.split(" ")[0] or (" " in answer and b" ".join(words).decode() != answer):
                raise AssertionError(f"{request} was answered {words}, not {answer}")
            then()

        self.ask(request, take)

    def plan(self):
        draw = self.chance.random()
        if len(self.ledger.live) > LIVE_MAX:
            draw = 0.3 + draw * 0.7
        if draw < 0.3:
            self.puts()
        elif draw < 0.6 and len(self.held) < HELD_MAX:
            for _ in range(self.chance.choice((1, 1, 4, 10))):
                self.ask("reserve-with-timeout 0", self.takes)
        elif draw < 0.9:
            for _ in range(min(len(self.held), self.chance.choice((1, 1, 3, 10)))):
                self.settles(self.held.pop(self.chance.randrange(len(self.held))))
        elif draw < 0.97:
            self.acts_on_a_sleeper()
        else:
            self.kicks()

    # --- commands
    # ------------------------------------------------------------------------------------------------------------

    def puts(self):
        tube = self.chance.choice((*SHARED, self.own))
        self.say("use " + tube, "USING")
        for _ in range(self.chance.choice((1, 1, 1, 5, 20))):
            priority, delay = self.some_priority(), self.some_delay()
            job = self.ledger.new_job(tube, priority, delay)

            def take(words, _, job=job):
                if words[0] in (b"DRAINING", b"OUT_OF_MEMORY"):
                    return self.ledger.refused(job)
                if words[0] != b"INSERTED":
                    raise AssertionError(f"a put was answered {words}")
                self.ledger.inserted(job, int(words[1]))

            self.ask(put(body_of(job.token), priority, delay, 3600), take)

    def takes(self, words, body):
        if body is not None:
            self.held.append(self.ledger.reserved(self.called, int(words[1]), body))
        elif words[0] != b"TIMED_OUT":
            raise AssertionError(f"a reserve was answered {words}")

    def settles(self, job):
        draw, seen = self.chance.random(), job.latest().then(reserves=job.deliveries)
        if draw < 0.6:
            return self.change(job, f"delete {job.id}", "DELETED", GONE)
        priority = self.some_priority()
        if draw < 0.8:
            delay = self.some_delay()
            after = seen.then(state="delayed" if delay else "ready",
                              priority=priority,
                              delay=delay,
                              releases=seen.releases + 1)
            return self.change(job, f"release {job.id} {priority} {delay}", "RELEASED", after)
        if job.tube == self.own:
            self.buried.append(job)
        self.change(job, f"bury {job.id} {priority}", "BURIED",
                    seen.then(state="buried", priority=priority, buries=seen.buries + 1))

    def change(self, job, request, answer, view):
        view = self.ledger.sends(job, view)
        self.say(request, answer, lambda: self.ledger.done(job, view))

    def acts_on_a_sleeper(self):
        job = self.ledger.claim(self.called, ("buried", "delayed"), SHARED)
        if not job:
            return
        draw = self.chance.random()
        if draw < 0.4:
            self.change(job, f"kick-job {job.id}", "KICKED", job.sure.then(state="ready", kicks=job.sure.kicks + 1))
        elif draw < 0.7:
            self.change(job, f"delete {job.id}", "DELETED", GONE)
        else:
            self.ledger.taken(job)
            self.ask(f"reserve-job {job.id}", lambda words, _: self.takes_sleeper(job, words))

    def takes_sleeper(self, job, words):
        if b" ".join(words).decode() == f"RESERVED {job.id} {len(body_of(job.token))}":
            self.held.append(job)
        elif words != [b"NOT_FOUND"] or not (self.ledger.reads_fail or self.ledger.draining):
            raise AssertionError(f"a reserve of job {job.id} was answered {words}")

    def kicks(self):
        """The first of those that it buried, all in one command."""
        if not self.buried:
            return
        count = self.chance.randint(1, len(self.buried))
        kicked, self.buried = self.buried[:count], self.buried[count:]
        views = [self.ledger.sends(job, job.sure.then(state="ready", kicks=job.sure.kicks + 1)) for job in kicked]

        def done():
            for job, view in zip(kicked, views):
                self.ledger.done(job, view)

        self.say("use " + self.own, "USING")
        self.say(f"kick {count}", f"KICKED {count}", done)

    def some_priority(self):
        return self.chance.choice((0, 1, 2, 1024, 2**32 - 1))

    def some_delay(self):
        return self.chance.choice((0,) * 8 + (1, LONG + self.chance.randrange(10**6)))
