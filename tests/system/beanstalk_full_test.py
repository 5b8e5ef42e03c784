"""Queues that are full, as a client meets them: refused, held until there is capacity, or the oldest job dropped."""

import unittest
import urllib.request

from beanstalk_support import BEANSTALKD, BeanstalkTest
from beanstalk_wire import put
from support import PATIENCE


@unittest.skipIf(BEANSTALKD, "beanstalkd has no limits")
class FullQueues(BeanstalkTest):
    def client_of(self, limits, watch=True):
        """Connects to a server whose queue `q` has these limits, uses and watches it."""
        if not self.server_:
            self.start_on("queues: { q: { %s } }\n" % limits)
        wire = self.connect()
        wire.ask(b"use q\r\nwatch q\r\nignore default\r\n", b"USING q\r\nWATCHING 2\r\nWATCHING 1\r\n")
        return wire

    def until_connections(self, wire, count):
        while wire.stats()["current-connections"] != str(count):
            pass

    def number(self, wire):
        return int(wire.accepted())


class Rejecting(FullQueues):
    LIMITS = "max_jobs: 2, overflow: reject"

    def test_a_put_beyond_the_limit_is_refused_and_its_body_taken(self):
        wire = self.client_of(self.LIMITS)
        wire.ask(put(b"a") + put(b"b"), b"INSERTED 1\r\nINSERTED 2\r\n")
        wire.ask(put(b"delete 1\r\n" * 1000) + b"list-tube-used\r\n", b"OUT_OF_MEMORY\r\nUSING q\r\n")
        wire.ask(put(b"c", delay=10) * 3, b"OUT_OF_MEMORY\r\n" * 3)
        stats = wire.stats(b"stats-tube q")
        self.assertEqual((stats["current-jobs-ready"], stats["total-jobs"]), ("2", "2"))
        wire.ask(b"delete 1\r\n", b"DELETED\r\n")
        wire.put(b"c")
        wire.ask(put(b"d"), b"OUT_OF_MEMORY\r\n")

    def test_each_refusal_is_counted(self):
        wire = self.client_of(self.LIMITS)
        wire.ask(put(b"a") * 7, b"INSERTED 1\r\nINSERTED 2\r\n" + b"OUT_OF_MEMORY\r\n" * 5)
        with urllib.request.urlopen(f"http://127.0.0.1:{self.server.http_port}/metrics", timeout=PATIENCE) as page:
            lines = page.read().decode().splitlines()
        refusals = [
            line for line in lines
            if line.startswith("millrace_protocol_errors_total") and 'code="out_of_memory"' in line
        ]
        self.assertEqual([line.rsplit(" ", 1)[1] for line in refusals if 'protocol="beanstalk"' in line], ["5"])

    def test_other_faults_of_a_put_come_first(self):
        wire = self.client_of(self.LIMITS)
        wire.ask(put(b"a") + put(b"b"), b"INSERTED 1\r\nINSERTED 2\r\n")
        wire.ask(b"put 0 0 60 1\r\nabc" + put(b"x" * 65536), b"EXPECTED_CRLF\r\nJOB_TOO_BIG\r\n")
        self.assertEqual(wire.stats(b"stats-tube q")["current-jobs-ready"], "2")

    def test_every_state_counts_and_moves_are_never_refused(self):
        wire = self.client_of(self.LIMITS)
        wire.ask(put(b"a") + put(b"b"), b"INSERTED 1\r\nINSERTED 2\r\n")
        for request, answer in ((b"reserve", b"RESERVED 1 1\r\na"), (b"release 1 0 100", b"RELEASED"),
                                (b"kick 1", b"KICKED 1"), (b"reserve", b"RESERVED 1 1\r\na"), (b"bury 1 0", b"BURIED"),
                                (b"kick-job 1", b"KICKED")):
            wire.ask(request + b"\r\n" + put(b"c"), answer + b"\r\nOUT_OF_MEMORY\r\n")

    def test_a_full_queue_does_not_limit_other_queues(self):
        wire = self.client_of(self.LIMITS)
        wire.ask(put(b"a") + put(b"b") + put(b"c"), b"INSERTED 1\r\nINSERTED 2\r\nOUT_OF_MEMORY\r\n")
        wire.reply_to(b"use other")
        wire.put(b"a")

    def test_max_bytes_limits_the_bodies_of_a_queue(self):
        wire = self.client_of("max_bytes: 1000, overflow: reject")
        wire.put(b"x" * 600)
        wire.ask(put(b"x" * 600), b"OUT_OF_MEMORY\r\n")
        wire.put(b"x" * 300)

    def test_queues_nobody_declared_have_the_limits_of_the_defaults(self):
        self.start_on("queue_defaults: { max_jobs: 1, overflow: reject }\n")
        wire = self.connect()
        wire.ask(b"use any\r\n" + put(b"a") + put(b"b"), b"USING any\r\nINSERTED 1\r\nOUT_OF_MEMORY\r\n")


class Blocking(FullQueues):
    LIMITS = "max_jobs: 1, overflow: block"

    def test_a_put_is_held_until_there_is_capacity(self):
        wire, held = self.client_of(self.LIMITS), self.client_of(self.LIMITS)
        wire.put(b"a")
        held.send(put(b"b") + b"list-tube-used\r\n" + b"delete 1\r\n")
        self.assert_silent(held)
        self.assertEqual(wire.stats(b"stats-tube q")["current-jobs-ready"], "1")
        wire.ask(b"reserve\r\n", b"RESERVED 1 1\r\na\r\n")
        self.assert_silent(held)
        wire.ask(b"delete 1\r\nreserve\r\n", b"DELETED\r\nRESERVED ")
        words = held.line()
        held.expect(b"USING q\r\nNOT_FOUND\r\n")
        self.assertEqual(words.split()[0], b"INSERTED")
        wire.expect(words.split()[1] + b" 1\r\nb\r\n")

    def test_the_longest_held_is_admitted_first(self):
        wire = self.client_of(self.LIMITS)
        last = wire.put(b"0")
        held = [self.client_of(self.LIMITS) for _ in range(5)]
        for number, other in enumerate(held, 1):
            other.send(put(b"%d" % number))
            self.assert_silent(other)
        for number, other in enumerate(held, 1):
            wire.ask(b"delete %d\r\n" % last, b"DELETED\r\n")
            last = self.number(other)
            self.assertEqual(wire.chunk_for(b"peek-ready"), b"%d" % number)
            self.assert_silent(*held)

    def test_who_goes_takes_his_put_along(self):
        wire = self.client_of(self.LIMITS)
        for end in ("close", "reset"):
            first = wire.put(b"a")
            gone, stays = self.client_of(self.LIMITS), self.client_of(self.LIMITS)
            gone.send(put(b"gone"))
            self.assert_silent(gone)
            stays.send(put(b"stays"))
            self.assert_silent(stays)
            before = int(wire.stats()["current-connections"])
            gone.reset() if end == "reset" else gone.close()
            self.until_connections(wire, before - 1)
            wire.ask(b"delete %d\r\n" % first, b"DELETED\r\n")
            number = self.number(stays)
            self.assertEqual(wire.chunk_for(b"peek-ready"), b"stays")
            wire.ask(b"delete %d\r\n" % number, b"DELETED\r\n")
            self.assertEqual(wire.stats(b"stats-tube q")["current-jobs-ready"], "0")

    def test_a_half_closed_held_put_is_refused_and_the_connection_ends(self):
        wire, held = self.client_of(self.LIMITS), self.client_of(self.LIMITS)
        wire.put(b"a")
        held.send(put(b"b"))
        self.assert_silent(held)
        held.end_sending()
        held.expect(b"OUT_OF_MEMORY\r\n")
        held.expect_end()
        wire.ask(b"delete 1\r\nreserve-with-timeout 0\r\n", b"DELETED\r\nTIMED_OUT\r\n")

    def test_what_comes_behind_a_held_put_is_not_read_and_not_kept(self):
        wire, held = self.client_of(self.LIMITS), self.client_of(self.LIMITS)
        first = wire.put(b"a")
        held.socket.setblocking(False)
        text = put(b"x" * 60_000)
        sent, refused = 0, 0
        while refused < 20:  # the server reads no more once twenty round trips of another freed no capacity
            try:
                sent += held.socket.send(text[sent % len(text):])
                refused = 0
            except BlockingIOError:
                refused += 1
                self.server.settle()
            self.assertLess(sent, 64 << 20)
        held.socket.settimeout(90)
        wire.ask(b"delete %d\r\n" % first, b"DELETED\r\n")
        self.number(held)

    def test_all_that_wait_on_both_sides_meet(self):
        self.client_of("max_jobs: 3, overflow: block")
        producers, consumers = ([self.client_of("") for _ in range(10)] for _ in range(2))
        for number, wire in enumerate(producers):
            wire.send(b"".join(put(b"%d.%d" % (number, place)) for place in range(50)))
        seen = []
        for wire in consumers:
            wire.send(b"reserve\r\n")
        while len(seen) < 500:
            for wire in consumers:
                if wire.has_something():
                    words, body = wire.chunk()
                    seen.append(body)
                    wire.ask(b"delete %b\r\n" % words[1], b"DELETED\r\n")
                    wire.send(b"reserve\r\n")
        self.assertEqual(len(set(seen)), 500)
        for wire in producers:
            numbers = [self.number(wire) for _ in range(50)]
            self.assertEqual(numbers, sorted(numbers))

    def test_a_drain_ends_held_puts(self):
        wire, held = self.client_of(self.LIMITS), self.client_of(self.LIMITS)
        wire.put(b"a")
        held.send(put(b"b"))
        self.assert_silent(held)
        self.assertEqual(self.server.stop(), 0)
        answer = held.receive(1000)
        self.assertNotIn(b"INSERTED", answer)


class Dropping(FullQueues):
    LIMITS = "max_jobs: 2, overflow: drop_oldest"

    def test_the_job_longest_ready_is_dropped(self):
        wire = self.client_of(self.LIMITS)
        for body in (b"a", b"b", b"c", b"d"):
            wire.put(body)
        wire.ask(b"peek 1\r\npeek 2\r\npeek 3\r\npeek 4\r\n",
                 b"NOT_FOUND\r\nNOT_FOUND\r\nFOUND 3 1\r\nc\r\nFOUND 4 1\r\nd\r\n")
        self.assertEqual(wire.stats(b"stats-tube q")["current-jobs-ready"], "2")

    def test_only_ready_jobs_are_dropped(self):
        wire = self.client_of(self.LIMITS)
        wire.ask(
            put(b"a") + put(b"b", delay=1000) + b"reserve\r\n", b"INSERTED 1\r\nINSERTED 2\r\nRESERVED 1 1\r\na\r\n")
        wire.ask(put(b"c"), b"OUT_OF_MEMORY\r\n")
        wire.ask(b"release 1 0 0\r\n", b"RELEASED\r\n")
        number = wire.put(b"c")
        wire.ask(b"peek 1\r\nreserve\r\n", b"NOT_FOUND\r\nRESERVED %d 1\r\nc\r\n" % number)


del FullQueues

if __name__ == "__main__":
    unittest.main(verbosity=2)
