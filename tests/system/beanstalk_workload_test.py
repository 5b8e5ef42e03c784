"""The beanstalk listener and the workload of the settings file share queues: what one puts the other takes."""

import signal
import unittest

from beanstalk_support import BEANSTALKD, BeanstalkTest
from beanstalk_wire import put
from support import Daemon


@unittest.skipIf(BEANSTALKD, "beanstalkd has no workload")
class Together(BeanstalkTest):
    def metric(self, series):
        looking = Daemon.__new__(Daemon)
        looking.port = self.server.http_port
        return looking.metric(series)

    def test_a_consumer_works_on_what_a_client_puts(self):
        self.start_on(
            "queues: { numbers: {}, verdicts: {} }\n"
            "consumers:\n"
            "  primality: { queue: numbers, handler: prime, output: verdicts }\n"
            "  report: { queue: verdicts, handler: print }\n"
        )
        wire = self.connect()
        wire.reply_to(b"use numbers")
        for number, verdict in ((157, "157 is a prime number."), (158, "158 is not a prime number."),
                                (427920331, "427920331 is a prime number.")):
            wire.put(b"%d" % number)
            line = self.server.printed.next()
            self.assertTrue(line.startswith(f"{number} is"), line)
            self.assertEqual("not" in line, "not" in verdict, line)
        while wire.stats(b"stats-tube numbers")["current-jobs-reserved"] != "0":
            pass
        stats = wire.stats(b"stats-tube numbers")
        self.assertEqual((stats["current-jobs-ready"], stats["total-jobs"]), ("0", "3"))

    def test_a_client_takes_the_verdicts(self):
        self.start_on(
            "queues: { numbers: {}, verdicts: {} }\n"
            "consumers: { primality: { queue: numbers, handler: prime, run_on: threads, output: verdicts } }\n"
        )
        taker, giver = self.connections(2)
        taker.reply_to(b"watch verdicts")
        taker.send(b"reserve\r\n")
        giver.reply_to(b"use numbers")
        giver.put(b"157")
        words, body = taker.chunk()
        self.assertEqual(body, b"157 is a prime number.")
        taker.ask(b"delete %b\r\n" % words[1], b"DELETED\r\n")

    def test_a_client_takes_what_a_producer_puts(self):
        self.start_on(
            "queues: { numbers: {} }\nproducers: { some: { kind: list, queue: numbers, items: [7, 8, 9], ttr: 30s, "
            "priority: 5 } }\n"
        )
        wire = self.connect()
        wire.reply_to(b"watch numbers")
        taken = []
        for _ in range(3):
            wire.send(b"reserve\r\n")
            words, body = wire.chunk()
            stats = wire.stats(b"stats-job " + words[1])
            self.assertEqual((stats["tube"], stats["ttr"], stats["pri"]), ("numbers", "30", "5"))
            wire.ask(b"delete %b\r\n" % words[1], b"DELETED\r\n")
            taken.append(body)
        self.assertEqual(taken, [b"7", b"8", b"9"])

    def test_declared_queues_are_tubes_that_stay(self):
        self.start_on("queues: { here: {}, there: {} }\n")
        wire = self.connect()
        self.assertEqual((wire.names()[0], sorted(wire.names())), ("default", ["default", "here", "there"]))
        wire.ask(b"use here\r\n" + put(b"x") + b"delete 1\r\nuse default\r\n",
                 b"USING here\r\nINSERTED 1\r\nDELETED\r\nUSING default\r\n")
        self.assertEqual(sorted(wire.names()), ["default", "here", "there"])

    def test_a_producer_held_by_a_full_queue_goes_on_when_a_client_deletes(self):
        self.start_on(
            "queues: { q: { max_jobs: 2, overflow: block } }\nproducers: { p: { kind: range, queue: q, from: 1, to: "
            "20 } }\n"
        )
        wire = self.connect()
        wire.reply_to(b"watch q")
        for number in range(1, 21):
            wire.send(b"reserve\r\n")
            words, body = wire.chunk()
            self.assertEqual(body, b"%d" % number)
            wire.ask(b"delete %b\r\n" % words[1], b"DELETED\r\n")

    def test_a_failed_job_can_be_kicked_by_a_client(self):
        self.start_on("queues: { q: {} }\nconsumers: { c: { queue: q, handler: prime } }\n")
        wire = self.connect()
        wire.reply_to(b"use q")
        number = wire.put(b"no number")
        while wire.stats(b"stats-tube q")["current-jobs-buried"] != "1":
            pass
        wire.ask(b"peek-buried\r\n", b"FOUND %d 9\r\nno number\r\n" % number)
        wire.ask(b"pause-tube q 1000\r\nkick 1\r\n", b"PAUSED\r\nKICKED 1\r\n")
        self.assertEqual(wire.stats(b"stats-job %d" % number)["state"], "ready")
        wire.ask(b"delete %d\r\n" % number, b"DELETED\r\n")

    def test_a_job_that_a_consumer_holds_is_no_clients(self):
        self.start_on("queues: { q: {} }\nconsumers: { c: { queue: q, handler: sleep } }\n",
                      daemon="drain_timeout: 100ms")
        wire = self.connect()
        wire.reply_to(b"use q")
        number = wire.put(b"600s", ttr=1)
        while wire.stats(b"stats-job %d" % number)["state"] != "reserved":
            pass
        for request in (b"delete %d", b"touch %d", b"release %d 0 0", b"bury %d 0", b"kick-job %d", b"reserve-job %d"):
            self.assertEqual(wire.reply_to(request % number), "NOT_FOUND")

    def test_connections_are_metrics(self):
        self.start_on("queues: { q: {} }\n")
        crowd = self.connections(3)
        crowd[0].ask(b"nonsense\r\nlist-tube-used\r\n", b"UNKNOWN_COMMAND\r\nUSING default\r\n")
        self.server.settle()
        self.assertEqual(self.metric('millrace_connections{protocol="beanstalk"}'), 4)
        self.assertEqual(self.metric('millrace_connections_opened_total{protocol="beanstalk"}'), 4)

    def test_a_drain_lets_the_consumer_end_and_refuses_puts(self):
        self.start_on("queues: { q: {} }\nconsumers: { c: { queue: q, handler: sleep } }\n")
        wire = self.connect()
        wire.reply_to(b"use q")
        number = wire.put(b"1s")
        while wire.stats(b"stats-job %d" % number)["state"] != "reserved":
            pass
        self.server.signal(signal.SIGTERM)
        self.server.wait_for("draining")
        try:
            wire.send(put(b"late"))
            answer = wire.receive(1000)
        except OSError:
            answer = b""
        self.assertIn(answer, (b"", b"DRAINING\r\n"))
        self.assertEqual(self.server.process.wait(90), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
