"""What each command about one job answers: put, reserve, delete, release, bury, touch, kick, peek."""

import unittest

from beanstalk_support import BeanstalkTest, not_beanstalkd
from beanstalk_wire import DEFAULT_LIMIT, put


class Putting(BeanstalkTest):
    def test_ids_begin_at_1_and_rise(self):
        wire = self.connect()
        for number in range(1, 6):
            wire.ask(put(b"a"), b"INSERTED %d\r\n" % number)

    def test_bodies_are_any_bytes(self):
        wire = self.connect()
        for body in (b"", b"\r\n", b"\0", b"\r", b"\n", b"quit\r\n", bytes(range(256)), b"\xff" * 1000,
                     b"END\r\nput 0 0 1 1\r\n"):
            wire.ask(put(body), b"INSERTED ")
            number = wire.line()
            wire.ask(b"reserve\r\n", b"RESERVED %b %d\r\n%b\r\n" % (number, len(body), body))
            wire.ask(b"peek %b\r\n" % number, b"FOUND %b %d\r\n%b\r\n" % (number, len(body), body))
            wire.ask(b"delete %b\r\n" % number, b"DELETED\r\n")

    def test_a_body_of_the_greatest_size_comes_back_whole(self):
        wire = self.connect()
        body = bytes(index * 7 % 251 for index in range(DEFAULT_LIMIT))
        wire.ask(put(body), b"INSERTED 1\r\n")
        wire.ask(b"reserve\r\n", b"RESERVED 1 65535\r\n" + body + b"\r\n")

    def test_a_body_that_is_too_big_is_taken_whole_then_refused(self):
        wire = self.connect()
        wire.ask(put(b"x" * (DEFAULT_LIMIT + 1)), b"JOB_TOO_BIG\r\n")
        wire.ask(b"list-tube-used\r\n", b"USING default\r\n")
        wire.send(b"put 0 0 10 3000000\r\n" + b"y" * 2_999_999)
        self.assert_silent(wire)
        wire.send(b"y")
        self.assert_silent(wire)
        wire.send(b"\r")
        self.assert_silent(wire)
        wire.ask(b"\nlist-tube-used\r\n", b"JOB_TOO_BIG\r\nUSING default\r\n")
        self.assertEqual(wire.stats()["total-jobs"], "0")

    def test_a_body_is_followed_by_its_end_of_line(self):
        wire = self.connect()
        wire.ask(b"put 0 0 10 3\r\nabcde\r\nlist-tube-used\r\n",
                 b"EXPECTED_CRLF\r\nUNKNOWN_COMMAND\r\nUSING default\r\n")
        wire.ask(b"put 0 0 10 3\r\nab\r\nlist-tube-used\r\n", b"EXPECTED_CRLF\r\nUNKNOWN_COMMAND\r\n")
        wire.ask(b"put 0 0 10 3\r\nabc\n\n", b"EXPECTED_CRLF\r\n")
        wire.ask(b"put 0 0 10 3\r\nabc\r\r", b"EXPECTED_CRLF\r\n")
        wire.ask(b"put 0 0 10 3\r\nabc\n\r", b"EXPECTED_CRLF\r\n")
        wire.ask(b"put 0 0 10 0\r\n\r\n", b"INSERTED ")
        wire.line()
        self.assertEqual(wire.stats()["total-jobs"], "1")

    def test_a_refused_put_does_not_swallow_a_body(self):
        wire = self.connect()
        wire.ask(b"put 0 0 60 -1\r\nabc\r\n", b"BAD_FORMAT\r\nUNKNOWN_COMMAND\r\n")
        wire.ask(b"put 0 0 10 4294967296\r\n", b"BAD_FORMAT\r\n")
        wire.ask(b"put 0 0 10 1 \r\na\r\n", b"BAD_FORMAT\r\nUNKNOWN_COMMAND\r\n")
        wire.ask(b"list-tube-used\r\n", b"USING default\r\n")

    def test_what_is_put_can_be_looked_up(self):
        wire = self.connect()
        wire.ask(b"use t\r\n", b"USING t\r\n")
        wire.put(b"hello", priority=4294967295, delay=4294967295, ttr=4294967295)
        stats = wire.stats(b"stats-job 1")
        self.assertEqual([stats[key] for key in ("tube", "state", "pri", "delay", "ttr")],
                         ["t", "delayed"] + ["4294967295"] * 3)

    def test_a_ttr_of_0_is_1(self):
        wire = self.connect()
        wire.put(b"a", ttr=0)
        self.assertEqual(wire.stats(b"stats-job 1")["ttr"], "1")


class Reserving(BeanstalkTest):
    def test_each_command_that_reserves_gives_the_job(self):
        wire = self.connect()
        for request in (b"reserve", b"reserve-with-timeout 0", b"reserve-with-timeout 10",
                        b"reserve-with-timeout 2147483647"):
            number = wire.put(b"abc")
            wire.ask(request + b"\r\n", b"RESERVED %d 3\r\nabc\r\n" % number)
        number = wire.put(b"abc")
        wire.ask(b"reserve-job %d\r\n" % number, b"RESERVED %d 3\r\nabc\r\n" % number)

    def test_a_timeout_of_0_does_not_wait(self):
        self.connect().ask(b"reserve-with-timeout 0\r\n", b"TIMED_OUT\r\n")

    def test_reserve_job_takes_what_is_not_reserved_from_any_tube(self):
        wire, other = self.connections(2)
        wire.send(b"use elsewhere\r\n" + put(b"r") + put(b"d", delay=1000) + put(b"b", priority=9))
        wire.expect(b"USING elsewhere\r\nINSERTED 1\r\nINSERTED 2\r\nINSERTED 3\r\n")
        wire.ask(b"reserve-job 3\r\nbury 3 9\r\npause-tube elsewhere 1000\r\n",
                 b"RESERVED 3 1\r\nb\r\nBURIED\r\nPAUSED\r\n")
        for number, body in ((1, b"r"), (2, b"d"), (3, b"b")):
            other.ask(b"reserve-job %d\r\n" % number, b"RESERVED %d 1\r\n%b\r\n" % (number, body))
            other.ask(b"reserve-job %d\r\n" % number, b"NOT_FOUND\r\n")
            wire.ask(b"reserve-job %d\r\n" % number, b"NOT_FOUND\r\n")
        wire.ask(b"reserve-job 4\r\nreserve-job 0\r\n", b"NOT_FOUND\r\nNOT_FOUND\r\n")
        self.assertEqual(wire.stats(b"stats-job 2")["state"], "reserved")
        self.assertEqual(wire.stats(b"stats-job 3")["reserves"], "2")
        other.close()
        self.assertEqual([wire.reply_to(b"release %d 0 0" % number) for number in (1, 2, 3)], ["NOT_FOUND"] * 3)

    def test_a_paused_tube_counts_as_empty(self):
        wire = self.connect()
        wire.put(b"a")
        wire.ask(b"pause-tube default 1000\r\n", b"PAUSED\r\n")
        wire.ask(b"reserve-with-timeout 0\r\n", b"TIMED_OUT\r\n")
        wire.ask(b"peek-ready\r\n", b"FOUND 1 1\r\na\r\n")
        wire.ask(b"pause-tube default 0\r\n", b"PAUSED\r\n")
        wire.ask(b"reserve-with-timeout 0\r\n", b"RESERVED 1 1\r\na\r\n")
        wire.ask(b"pause-tube nowhere 0\r\n", b"NOT_FOUND\r\n")


class Holding(BeanstalkTest):
    def test_only_the_holder_may_release_bury_touch_and_delete(self):
        holder, other = self.connections(2)
        holder.put(b"a")
        for request in (b"release 1 0 0", b"bury 1 0", b"touch 1"):
            self.assertEqual(other.reply_to(request), "NOT_FOUND")
        holder.ask(b"reserve\r\n", b"RESERVED 1 1\r\na\r\n")
        before = holder.stats(b"stats-job 1")
        for request in (b"release 1 5 5", b"bury 1 5", b"touch 1", b"delete 1", b"kick-job 1"):
            self.assertEqual(other.reply_to(request), "NOT_FOUND")
        after = holder.stats(b"stats-job 1")
        for key in ("state", "pri", "delay", "releases", "buries", "kicks"):
            self.assertEqual(before[key], after[key], key)
        holder.ask(b"touch 1\r\nbury 1 7\r\n", b"TOUCHED\r\nBURIED\r\n")
        for request in (b"touch 1", b"release 1 0 0", b"bury 1 0"):
            self.assertEqual(holder.reply_to(request), "NOT_FOUND")

    def test_release_sets_priority_and_delay_but_not_the_ttr(self):
        wire = self.connect()
        wire.put(b"a", priority=3, ttr=77)
        wire.ask(b"reserve\r\nrelease 1 4294967295 0\r\n", b"RESERVED 1 1\r\na\r\nRELEASED\r\n")
        stats = wire.stats(b"stats-job 1")
        self.assertEqual([stats[key] for key in ("state", "pri", "delay", "ttr", "releases")],
                         ["ready", "4294967295", "0", "77", "1"])
        wire.ask(b"reserve\r\nrelease 1 5 1000\r\n", b"RESERVED 1 1\r\na\r\nRELEASED\r\n")
        stats = wire.stats(b"stats-job 1")
        self.assertEqual([stats[key] for key in ("state", "pri", "delay", "ttr", "releases")],
                         ["delayed", "5", "1000", "77", "2"])
        wire.ask(b"peek-delayed\r\npeek-ready\r\n", b"FOUND 1 1\r\na\r\nNOT_FOUND\r\n")

    def test_delete_by_anybody_unless_somebody_else_holds_it(self):
        wire, other = self.connections(2)
        wire.ask(b"use t\r\n" + put(b"r") + put(b"d", delay=100) + put(b"b") + put(b"h"), b"USING t\r\n")
        for number in (1, 2, 3, 4):
            wire.expect(b"INSERTED %d\r\n" % number)
        wire.ask(b"reserve-job 3\r\nbury 3 0\r\nreserve-job 4\r\n",
                 b"RESERVED 3 1\r\nb\r\nBURIED\r\nRESERVED 4 1\r\nh\r\n")
        other.ask(b"delete 1\r\ndelete 2\r\ndelete 3\r\ndelete 4\r\n",
                  b"DELETED\r\nDELETED\r\nDELETED\r\nNOT_FOUND\r\n")
        wire.ask(b"delete 4\r\ndelete 4\r\n", b"DELETED\r\nNOT_FOUND\r\n")
        wire.ask(b"delete 0\r\ndelete 5\r\ndelete 18446744073709551615\r\n", b"NOT_FOUND\r\n" * 3)
        wire.ask(b"delete 18446744073709551616\r\n", b"BAD_FORMAT\r\n")


class Kicking(BeanstalkTest):
    def bury(self, wire, *numbers, priority=0):
        for number in numbers:
            wire.send(b"reserve-job %d\r\n" % number)
            wire.chunk()
            wire.ask(b"bury %d %d\r\n" % (number, priority), b"BURIED\r\n")

    def test_buried_jobs_are_kicked_in_the_order_of_burying(self):
        wire = self.connect()
        for _ in range(4):
            wire.put(b"a")
        self.bury(wire, 3, 1, 4)
        wire.ask(b"peek-buried\r\n", b"FOUND 3 1\r\na\r\n")
        wire.ask(b"kick 1\r\npeek-buried\r\nkick 100\r\nkick 1\r\n",
                 b"KICKED 1\r\nFOUND 1 1\r\na\r\nKICKED 2\r\nKICKED 0\r\n")
        wire.ask(b"peek-buried\r\n", b"NOT_FOUND\r\n")

    def test_delayed_jobs_are_kicked_only_if_none_is_buried(self):
        wire = self.connect()
        for delay in (300, 100, 200):
            wire.put(b"d", delay=delay)
        wire.put(b"b")
        self.bury(wire, 4)
        wire.ask(b"peek-delayed\r\n", b"FOUND 2 1\r\nd\r\n")
        wire.ask(b"kick 0\r\nkick 100\r\n", b"KICKED 0\r\nKICKED 1\r\n")
        wire.ask(b"kick 2\r\npeek-delayed\r\n", b"KICKED 2\r\nFOUND 1 1\r\nd\r\n")
        wire.ask(b"kick 4294967295\r\n", b"KICKED 1\r\n")
        self.assertEqual(wire.stats()["current-jobs-ready"], "4")

    def test_kick_is_about_the_used_tube_and_kick_job_about_any(self):
        wire, other = self.connections(2)
        wire.put(b"a", delay=100)
        wire.put(b"b")
        wire.put(b"c")
        self.bury(wire, 2)
        other.ask(b"use other\r\nkick 10\r\n", b"USING other\r\nKICKED 0\r\n")
        other.ask(b"kick-job 1\r\nkick-job 2\r\nkick-job 3\r\nkick-job 4\r\n",
                  b"KICKED\r\nKICKED\r\nNOT_FOUND\r\nNOT_FOUND\r\n")
        self.assertEqual(wire.stats(b"stats-job 1")["kicks"], "1")

    def test_the_priority_of_bury_counts_after_the_kick(self):
        wire = self.connect()
        wire.put(b"a", priority=5)
        wire.put(b"b", priority=5)
        self.bury(wire, 2, priority=1)
        wire.ask(b"kick 1\r\nreserve\r\n", b"KICKED 1\r\nRESERVED 2 1\r\nb\r\n")

    @not_beanstalkd("takes the bound modulo 2^32, and signs with it")
    def test_a_bound_is_a_number(self):
        wire = self.connect()
        for bound in (b"-1", b"+5", b"1x", b"4294967296"):
            wire.ask(b"kick %b\r\n" % bound, b"BAD_FORMAT\r\n")


class Peeking(BeanstalkTest):
    def test_peeks_without_an_id_look_at_the_used_tube(self):
        wire, other = self.connections(2)
        wire.send(
            put(b"later", priority=2) + put(b"first", priority=1) + put(b"slow", delay=200) + put(b"soon", delay=100))
        wire.expect(b"INSERTED 1\r\nINSERTED 2\r\nINSERTED 3\r\nINSERTED 4\r\n")
        requests = b"peek-ready\r\npeek-delayed\r\npeek-buried\r\n"
        wire.ask(requests, b"FOUND 2 5\r\nfirst\r\nFOUND 4 4\r\nsoon\r\nNOT_FOUND\r\n")
        other.ask(b"use other\r\n" + requests, b"USING other\r\nNOT_FOUND\r\nNOT_FOUND\r\nNOT_FOUND\r\n")
        other.ask(b"peek 3\r\npeek 0\r\npeek 5\r\n", b"FOUND 3 4\r\nslow\r\nNOT_FOUND\r\nNOT_FOUND\r\n")

    def test_a_peek_changes_nothing(self):
        wire = self.connect()
        wire.put(b"a")
        before = wire.chunk_for(b"stats-job 1")
        wire.ask(b"peek 1\r\npeek-ready\r\n", b"FOUND 1 1\r\na\r\n" * 2)
        self.assertEqual(wire.chunk_for(b"stats-job 1"), before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
