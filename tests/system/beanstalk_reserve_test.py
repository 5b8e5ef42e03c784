"""Who gets which job: order, several waiters, tubes that come and go, and what becomes of a connection's jobs when it
ends."""

import unittest

from beanstalk_support import BeanstalkTest, not_beanstalkd
from beanstalk_wire import put


class Order(BeanstalkTest):
    def taken(self, wire, count):
        order = []
        for _ in range(count):
            wire.send(b"reserve-with-timeout 0\r\n")
            words, _ = wire.chunk()
            order.append(int(words[1]) if len(words) > 1 else words[0])
        return order

    def test_by_priority_then_by_id(self):
        wire = self.connect()
        for priority in (5, 0, 4294967295, 5, 0, 1024):
            wire.put(b"a", priority=priority)
        self.assertEqual(self.taken(wire, 6), [2, 5, 1, 4, 6, 3])

    def test_jobs_that_come_back_take_the_place_of_their_id(self):
        wire, other = self.connections(2)
        for _ in range(5):
            wire.put(b"a", priority=1)
        self.assertEqual(self.taken(wire, 3), [1, 2, 3])
        wire.ask(b"release 3 1 0\r\nbury 1 1\r\nkick 1\r\n", b"RELEASED\r\nBURIED\r\nKICKED 1\r\n")
        wire.ask(b"release 2 0 0\r\n", b"RELEASED\r\n")
        self.assertEqual(self.taken(wire, 2), [2, 1])
        self.assertEqual(self.taken(other, 1), [3])
        other.close()
        while wire.stats()["current-jobs-ready"] != "3":
            pass
        self.assertEqual(self.taken(wire, 3), [3, 4, 5])

    def test_a_reserve_takes_the_most_urgent_job_of_all_watched_tubes(self):
        wire = self.connect()
        for tube, priority in (("a", 3), ("b", 1), ("c", 2), ("b", 3), ("a", 1)):
            wire.reply_to(b"use " + tube.encode())
            wire.put(b"x", priority=priority)
        wire.send(b"watch c\r\nwatch b\r\nwatch a\r\nignore default\r\n")
        wire.expect(b"WATCHING 2\r\nWATCHING 3\r\nWATCHING 4\r\nWATCHING 3\r\n")
        self.assertEqual(self.taken(wire, 6), [2, 5, 3, 1, 4, b"TIMED_OUT"])

    def test_a_used_tube_is_not_watched_by_that(self):
        wire = self.connect()
        wire.ask(b"use t\r\n" + put(b"x"), b"USING t\r\nINSERTED 1\r\n")
        self.assertEqual(self.taken(wire, 1), [b"TIMED_OUT"])
        wire.ask(b"watch t\r\nreserve\r\n", b"WATCHING 2\r\nRESERVED 1 1\r\nx\r\n")


class Waiters(BeanstalkTest):
    def test_a_request_that_waits_holds_those_behind_it(self):
        wire, other = self.connections(2)
        wire.send(b"reserve\r\nlist-tube-used\r\nuse t\r\n" + put(b"mine") + b"nonsense\r\n")
        self.assert_silent(wire)
        other.put(b"x")
        wire.expect(b"RESERVED 1 1\r\nx\r\nUSING default\r\nUSING t\r\nINSERTED 2\r\nUNKNOWN_COMMAND\r\n")

    @not_beanstalkd("serves four waiters in the order 1, 2, 4, 3")
    def test_the_longest_waiter_is_served_first(self):
        waiters = self.connections(8)
        for number, wire in enumerate(waiters, 1):
            wire.send(b"reserve\r\n")
            self.waiting(number)
        other = self.connect()
        for number, wire in enumerate(waiters, 1):
            other.put(b"x")
            wire.expect(b"RESERVED %d 1\r\nx\r\n" % number)
        self.assert_silent(*waiters)

    def test_each_job_wakes_one_waiting_client(self):
        waiters = self.connections(20)
        for wire in waiters:
            wire.send(b"reserve\r\n")
        self.waiting(20)
        other = self.connect()
        other.send(put(b"x") * 7)
        other.expect(b"".join(b"INSERTED %d\r\n" % number for number in range(1, 8)))
        self.waiting(13)
        served = [wire for wire in waiters if wire.has_something()]
        self.assertEqual(len(served), 7)
        self.assertEqual(sorted(int(wire.chunk()[0][1]) for wire in served), list(range(1, 8)))

    def test_nobody_gets_a_job_of_a_tube_he_does_not_watch(self):
        one, two, producer = self.connections(3)
        one.send(b"watch a\r\nignore default\r\nreserve\r\n")
        two.send(b"watch b\r\nignore default\r\nreserve\r\n")
        self.waiting(2)
        one.expect(b"WATCHING 2\r\nWATCHING 1\r\n")
        two.expect(b"WATCHING 2\r\nWATCHING 1\r\n")
        producer.ask(put(b"x") + b"use b\r\n" + put(b"y"), b"INSERTED 1\r\nUSING b\r\nINSERTED 2\r\n")
        two.expect(b"RESERVED 2 1\r\ny\r\n")
        self.assert_silent(one)

    def test_a_waiter_at_several_tubes_gets_one_job(self):
        waiter, producer = self.connections(2)
        waiter.send(b"watch a\r\nwatch b\r\nreserve\r\n")
        self.waiting(1)
        producer.send(b"use a\r\n" + put(b"x") + b"use b\r\n" + put(b"y") + b"use default\r\n" + put(b"z"))
        producer.expect(b"USING a\r\nINSERTED 1\r\nUSING b\r\nINSERTED 2\r\nUSING default\r\nINSERTED 3\r\n")
        waiter.expect(b"WATCHING 2\r\nWATCHING 3\r\nRESERVED 1 1\r\nx\r\n")
        self.assert_silent(waiter)
        self.assertEqual(producer.stats()["current-jobs-ready"], "2")

    def test_every_way_back_to_ready_wakes_a_waiter(self):
        holder, waiter = self.connections(2)
        holder.ask(put(b"x", priority=1) + b"reserve\r\n", b"INSERTED 1\r\nRESERVED 1 1\r\nx\r\n")
        ways = (b"release 1 1 0\r\n", b"RELEASED\r\n"), (b"bury 1 1\r\nkick 1\r\n", b"BURIED\r\nKICKED 1\r\n"), (
            b"bury 1 1\r\nkick-job 1\r\n", b"BURIED\r\nKICKED\r\n"), (
                b"release 1 1 999\r\nkick 1\r\n",
                b"RELEASED\r\nKICKED 1\r\n"), (b"pause-tube default 999\r\nrelease 1 1 0\r\npause-tube default 0\r\n",
                                               b"PAUSED\r\nRELEASED\r\nPAUSED\r\n")
        for request, answer in ways:
            waiter.send(b"reserve\r\n")
            self.waiting(1)
            holder.ask(request, answer)
            waiter.expect(b"RESERVED 1 1\r\nx\r\n")
            waiter.ask(b"release 1 1 0\r\n", b"RELEASED\r\n")
            holder.ask(b"reserve\r\n", b"RESERVED 1 1\r\nx\r\n")
        waiter.send(b"reserve\r\n")
        self.waiting(1)
        holder.close()
        waiter.expect(b"RESERVED 1 1\r\nx\r\n")
        stats = waiter.stats(b"stats-job 1")
        self.assertEqual([stats[key] for key in ("reserves", "timeouts", "releases", "buries", "kicks")],
                         ["12", "0", "8", "2", "3"])

    def test_a_pause_holds_jobs_from_those_who_wait_already(self):
        waiter, other = self.connections(2)
        waiter.send(b"reserve\r\n")
        self.waiting(1)
        other.ask(b"pause-tube default 1000\r\n" + put(b"x"), b"PAUSED\r\nINSERTED 1\r\n")
        self.assert_silent(waiter)
        other.ask(b"pause-tube default 0\r\n", b"PAUSED\r\n")
        waiter.expect(b"RESERVED 1 1\r\nx\r\n")


class Leaving(BeanstalkTest):
    def held(self, wire, count=3):
        wire.send(put(b"x") * count + b"reserve\r\n" * count)
        wire.expect(b"".join(b"INSERTED %d\r\n" % n for n in range(1, count + 1)))
        wire.expect(b"".join(b"RESERVED %d 1\r\nx\r\n" % n for n in range(1, count + 1)))

    def test_however_it_ends_its_jobs_are_ready_at_once(self):
        for end in (lambda wire: wire.close(), lambda wire: wire.reset(), lambda wire: wire.send(b"quit\r\n"),
                    lambda wire: wire.end_sending()):
            self.start()
            holder, waiter, other = self.connections(3)
            self.held(holder)
            waiter.send(b"reserve\r\n")
            self.waiting(1)
            end(holder)
            waiter.expect(b"RESERVED 1 1\r\nx\r\n")
            self.assertEqual(other.stats()["current-jobs-ready"], "2")
            stats = other.stats(b"stats-job 2")
            self.assertEqual([stats[key] for key in ("state", "reserves", "timeouts", "releases")],
                             ["ready", "1", "0", "0"])

    def test_a_cancelled_wait_swallows_no_job(self):
        for end in (lambda wire: wire.close(), lambda wire: wire.reset()):
            gone, other = self.connections(2)
            gone.send(b"reserve\r\n")
            self.waiting(1)
            end(gone)
            self.waiting(0)
            number = other.put(b"x")
            other.ask(b"reserve-with-timeout 0\r\n", b"RESERVED %d 1\r\nx\r\n" % number)
            other.ask(b"delete %d\r\n" % number, b"DELETED\r\n")

    def test_a_half_closed_reserve_times_out_then_the_connection_ends(self):
        for request in (b"reserve\r\n", b"reserve-with-timeout 1000\r\n"):
            wire = self.connect()
            wire.send(request)
            self.waiting(1)
            wire.end_sending()
            wire.expect(b"TIMED_OUT\r\n")
            wire.expect_end()
        self.waiting(0)

    def test_requests_before_the_end_of_file_are_answered(self):
        wire = self.connect()
        wire.send(put(b"x") + b"list-tube-used\r\nreserve\r\nuse t\r\nstats-tube t\r\nuse half")
        wire.end_sending()
        wire.expect(b"INSERTED 1\r\nUSING default\r\nRESERVED 1 1\r\nx\r\nUSING t\r\n")
        wire.chunk()
        wire.expect_end()

    def test_quit_ends_it_and_what_is_behind_it(self):
        wire, other = self.connections(2)
        wire.send(b"list-tube-used\r\nquit\r\nlist-tube-used\r\n" + put(b"x"))
        wire.expect(b"USING default\r\n")
        wire.expect_end()
        self.assertEqual(other.stats()["total-jobs"], "0")


class Tubes(BeanstalkTest):
    def test_watch_and_ignore_answer_with_the_number_of_watched_tubes(self):
        wire = self.connect()
        rows = (("watch a", "WATCHING 2"), ("watch a", "WATCHING 2"), ("ignore b", "WATCHING 2"), ("ignore default",
                                                                                                   "WATCHING 1"),
                ("ignore a", "NOT_IGNORED"), ("ignore b", "WATCHING 1"), ("watch default", "WATCHING 2"))
        for request, answer in rows:
            self.assertEqual(wire.reply_to(request.encode()), answer, request)
        self.assertEqual(sorted(wire.names(b"list-tubes-watched")), ["a", "default"])

    def test_lists_have_the_order_of_watching_and_begin_with_default(self):
        wire = self.connect()
        for name in (b"z", b"m", b"a", b"z"):
            wire.reply_to(b"watch " + name)
        self.assertEqual(wire.chunk_for(b"list-tubes-watched"), b"---\n- default\n- z\n- m\n- a\n")
        self.assertEqual(wire.names()[0], "default")
        self.assertEqual(sorted(wire.names()), ["a", "default", "m", "z"])

    def test_a_tube_exists_as_long_as_somebody_refers_to_it(self):
        wire, other = self.connections(2)
        wire.ask(b"stats-tube t\r\npause-tube t 0\r\nignore t\r\n", b"NOT_FOUND\r\nNOT_FOUND\r\nWATCHING 1\r\n")
        self.assertEqual(other.names(), ["default"])
        wire.reply_to(b"use t")
        self.assertEqual(other.names(), ["default", "t"])
        wire.reply_to(b"use default")
        self.assertEqual(other.names(), ["default"])
        wire.reply_to(b"watch t")
        self.assertEqual(other.names(), ["default", "t"])
        wire.reply_to(b"ignore t")
        self.assertEqual(other.names(), ["default"])
        wire.ask(b"use t\r\n" + put(b"r") + put(b"d", delay=99) + put(b"b"),
                 b"USING t\r\nINSERTED 1\r\nINSERTED 2\r\nINSERTED 3\r\n")
        wire.ask(b"reserve-job 3\r\nbury 3 0\r\nuse default\r\n", b"RESERVED 3 1\r\nb\r\nBURIED\r\nUSING default\r\n")
        for request in (b"delete 1", b"delete 2"):
            wire.reply_to(request)
            self.assertEqual(other.names(), ["default", "t"])
        wire.reply_to(b"delete 3")
        self.assertEqual(other.names(), ["default"])
        self.assertEqual(wire.reply_to(b"stats-tube t"), "NOT_FOUND")

    def test_a_tube_that_came_back_begins_anew(self):
        wire = self.connect()
        wire.reply_to(b"use t")
        wire.put(b"x")
        wire.ask(b"pause-tube t 100\r\ndelete 1\r\nuse default\r\nuse t\r\n",
                 b"PAUSED\r\nDELETED\r\nUSING default\r\nUSING t\r\n")
        stats = wire.stats(b"stats-tube t")
        self.assertEqual([stats[key] for key in ("total-jobs", "cmd-delete", "cmd-pause-tube", "pause")],
                         ["0", "0", "0", "0"])

    def test_a_closed_connection_lets_its_tubes_go(self):
        wire, other = self.connections(2)
        wire.ask(b"use u\r\nwatch w\r\n", b"USING u\r\nWATCHING 2\r\n")
        self.assertEqual(sorted(other.names()), ["default", "u", "w"])
        wire.send(b"quit\r\n")
        wire.expect_end()
        self.assertEqual(other.names(), ["default"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
