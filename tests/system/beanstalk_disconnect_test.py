"""Clients that vanish at any byte: nothing half-said takes effect, nothing is lost, and everybody else is served."""

import unittest

from beanstalk_support import BeanstalkTest
from beanstalk_wire import DEFAULT_LIMIT, put

COMMANDS = [
    b"use gone",
    b"reserve",
    b"reserve-with-timeout 1000",
    b"reserve-job 1",
    b"delete 1",
    b"release 2 0 0",
    b"bury 2 0",
    b"touch 2",
    b"watch gone",
    b"ignore default",
    b"peek 1",
    b"peek-ready",
    b"peek-delayed",
    b"peek-buried",
    b"kick 10",
    b"kick-job 4",
    b"stats-job 1",
    b"stats-tube default",
    b"stats",
    b"list-tubes",
    b"list-tubes-watched",
    b"list-tube-used",
    b"pause-tube default 1000",
    b"quit",
    b"nonsense",
]
JOB_FACTS = ("tube", "state", "pri", "delay", "reserves", "timeouts", "releases", "buries", "kicks")


class Disconnects(BeanstalkTest):
    def one_job_of_each_state(self):
        """1 is ready, 2 reserved by the connection that is given back, 3 delayed, 4 buried."""
        keeper = self.connect()
        keeper.ask(
            put(b"x") + put(b"x") + put(b"x", delay=1000) + put(b"x"),
            b"INSERTED 1\r\nINSERTED 2\r\nINSERTED 3\r\nINSERTED 4\r\n")
        keeper.ask(b"reserve-job 4\r\nbury 4 0\r\nreserve-job 2\r\n",
                   b"RESERVED 4 1\r\nx\r\nBURIED\r\nRESERVED 2 1\r\nx\r\n")
        return keeper

    def facts(self, wire):
        jobs = [wire.stats(b"stats-job %d" % number) for number in (1, 2, 3, 4)]
        return [[job[fact]
                 for fact in JOB_FACTS]
                for job in jobs], wire.names(), wire.stats(b"stats-tube default")["pause"]

    def alone(self, wire, count=1):
        """Until the server has noticed that all others went."""
        while (stats := wire.stats())["current-connections"] != str(count):
            pass
        return stats

    def vanish(self, data, end):
        wire = self.server.connect()
        if data:
            wire.send(data)
        if end == "reset":
            wire.reset()
        elif end == "close":
            wire.close()
        else:
            wire.end_sending()
            self.addCleanup(wire.close)

    def test_a_connection_lost_within_a_command_changes_nothing(self):
        keeper = self.one_job_of_each_state()
        before = self.facts(keeper)
        for end in ("reset", "close"):
            for command in COMMANDS:
                for cut in range(len(command) + 2):
                    self.vanish((command + b"\r\n")[:cut], end)
            self.alone(keeper)
            self.assertEqual(self.facts(keeper), before, end)

    def test_a_connection_lost_at_any_byte_of_a_put_puts_nothing(self):
        wire = self.connect()
        text = b"use gone\r\n" + put(b"abc\r\ndef", priority=1, delay=0, ttr=60)
        for end in ("reset", "close", "half"):
            for cut in range(len(text)):
                self.vanish(text[:cut], end)
            stats = self.alone(wire)
            self.assertEqual((stats["total-jobs"], stats["current-jobs-ready"], stats["current-tubes"]),
                             ("0", "0", "1"), end)
        wire.send(text)
        wire.expect(b"USING gone\r\n")
        wire.accepted()
        self.assertEqual(wire.stats(b"stats-tube gone")["current-jobs-ready"], "1")

    def test_a_connection_lost_within_a_body_puts_nothing(self):
        wire = self.connect()
        for size in (DEFAULT_LIMIT, DEFAULT_LIMIT + 1, 1 << 20, 4294967295):
            for sent in (0, 1, 1000, 32_768, 65_534):
                for end in ("reset", "close", "half"):
                    self.vanish(b"put 0 0 60 %d\r\n" % size + b"x" * sent, end)
        self.assertEqual(self.alone(wire)["total-jobs"], "0")

    def test_a_whole_put_before_half_a_put_stays(self):
        wire = self.connect()
        text = put(b"whole") + put(b"half")
        cuts = range(len(put(b"whole")), len(text))
        for cut in cuts:
            self.vanish(text[:cut], "close")
        self.assertEqual(self.alone(wire)["total-jobs"], str(len(cuts)))
        for _ in cuts:
            wire.send(b"reserve\r\n")
            words, body = wire.chunk()
            self.assertEqual(body, b"whole")
            wire.ask(b"delete %b\r\n" % words[1], b"DELETED\r\n")
        wire.ask(b"reserve-with-timeout 0\r\n", b"TIMED_OUT\r\n")

    def test_who_reserves_and_vanishes_loses_nothing(self):
        wire = self.connect()
        wire.put(b"x" * 20_000)
        for number, end in enumerate(("reset", "close") * 100, 1):
            self.vanish(b"reserve\r\n", end)
            if number % 20 == 0:
                self.alone(wire)
        self.assertEqual(self.alone(wire)["current-jobs-ready"], "1")
        stats = wire.stats(b"stats-job 1")
        self.assertEqual((stats["timeouts"], stats["releases"]), ("0", "0"))
        self.assertEqual(wire.chunk_for(b"peek 1"), b"x" * 20_000)

    def test_waiters_that_vanish_leave_their_place(self):
        wire = self.connect()
        for end in ("reset", "close"):
            for request in (b"reserve\r\n", b"reserve-with-timeout 1000\r\n", b"watch a\r\nwatch b\r\nreserve\r\n",
                            b"reserve\r\nreserve\r\ndelete 1\r\n"):
                self.vanish(request, end)
        self.assertEqual(self.alone(wire)["current-waiting"], "0")
        wire.ask(put(b"x") + b"reserve\r\n", b"INSERTED 1\r\nRESERVED 1 1\r\nx\r\n")

    def test_half_closed_connections_are_answered_and_ended(self):
        wire = self.one_job_of_each_state()
        for command in COMMANDS:
            if command in (b"reserve", b"reserve-job 1", b"delete 1", b"kick 10", b"kick-job 4"):
                continue
            other = self.connect()
            other.send(command + b"\r\nlist-tube-used\r\nuse never")
            other.end_sending()
            answer = b""
            while more := other.socket.recv(65536):
                answer += more
            if command != b"quit":
                self.assertRegex(answer, rb"(?s)^.+\r\nUSING (default|gone)\r\n$", command)
        self.assertEqual(self.alone(wire)["current-jobs-reserved"], "1")

    def test_a_half_closed_put_is_inserted_or_not(self):
        wire = self.connect()
        text = put(b"x")
        for cut in range(len(text) + 1):
            other = self.connect()
            other.send(text[:cut])
            other.end_sending()
            if cut == len(text):
                other.expect(b"INSERTED ")
                other.line()
            other.expect_end()
        self.assertEqual(self.alone(wire)["total-jobs"], "1")

    def test_replies_to_clients_that_have_gone_are_dropped(self):
        keeper = self.one_job_of_each_state()
        for end in ("reset", "close"):
            for _ in range(30):
                self.vanish(b"stats\r\npeek 1\r\nlist-tubes\r\n" * 200, end)
        self.alone(keeper)
        keeper.ask(b"peek 1\r\n", b"FOUND 1 1\r\nx\r\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
