"""Delays, pauses, timeouts, time to run and its safety margin, as a client's clock sees them: never early, and never
missed.

How late is not a question for a test (a machine may be slow), beyond LATE, which tells late from never.
"""

import time
import unittest

from beanstalk_support import BeanstalkTest, not_beanstalkd
from beanstalk_wire import put

LATE = 20


class Clock:
    """Seconds since the last start. Started before a request leaves, so that the server's own clock starts later."""

    def __init__(self):
        self.start()

    def start(self):
        self.at = time.monotonic()

    def seconds(self):
        return time.monotonic() - self.at


class TimeTest(BeanstalkTest):
    def assert_took(self, clock, least):
        took = clock.seconds()
        self.assertGreaterEqual(took, least)
        self.assertLess(took, least + LATE)


class Delays(TimeTest):
    def test_a_delayed_job_comes_when_its_time_is_up(self):
        one, two, producer, clock = *self.connections(3), Clock()
        for wire in (one, two):
            wire.send(b"reserve\r\n")
        self.waiting(2)
        clock.start()
        producer.ask(put(b"a", delay=1) * 2, b"INSERTED 1\r\nINSERTED 2\r\n")
        one.expect(b"RESERVED ")
        self.assert_took(clock, 1)
        two.expect(b"RESERVED ")
        self.assert_took(clock, 1)
        self.assertEqual(sorted((one.line(), two.line())), [b"1 1", b"2 1"])

    def test_a_released_job_comes_when_its_time_is_up(self):
        wire, clock = self.connect(), Clock()
        wire.ask(put(b"a") + b"reserve\r\n", b"INSERTED 1\r\nRESERVED 1 1\r\na\r\n")
        clock.start()
        wire.ask(b"release 1 0 1\r\nreserve\r\n", b"RELEASED\r\nRESERVED 1 1\r\na\r\n")
        self.assert_took(clock, 1)

    def test_time_left_counts_down_and_age_up(self):
        wire, clock = self.connect(), Clock()
        wire.put(b"a", delay=100, ttr=300)
        wire.put(b"b", delay=1)
        left = int(wire.stats(b"stats-job 1")["time-left"])
        self.assertTrue(100 - clock.seconds() - 1 <= left <= 99, left)
        wire.ask(b"reserve\r\n", b"RESERVED 2 1\r\nb\r\n")
        stats = wire.stats(b"stats-job 1")
        self.assertTrue(100 - clock.seconds() - 1 <= int(stats["time-left"]) <= 98, stats)
        self.assertTrue(1 <= int(stats["age"]) <= clock.seconds(), stats)
        clock.start()
        wire.ask(b"reserve-job 1\r\n", b"RESERVED 1 1\r\na\r\n")
        left = int(wire.stats(b"stats-job 1")["time-left"])
        self.assertTrue(300 - clock.seconds() - 1 <= left <= 299, left)


class Timeouts(TimeTest):
    def test_a_reserve_with_timeout_ends_after_that_time(self):
        wire, clock = self.connect(), Clock()
        wire.ask(b"reserve-with-timeout 1\r\n", b"TIMED_OUT\r\n")
        self.assert_took(clock, 1)

    def test_a_long_wait_is_not_cut(self):
        wire, for_ever, clock = self.connect(), self.connect(), Clock()
        for_ever.send(b"reserve\r\n")
        wire.ask(b"reserve-with-timeout 11\r\n", b"TIMED_OUT\r\n")
        self.assert_took(clock, 11)
        self.assert_silent(for_ever)
        wire.put(b"a")
        for_ever.expect(b"RESERVED 1 1\r\na\r\n")

    def test_requests_behind_a_timeout_run_after_it(self):
        wire, clock = self.connect(), Clock()
        wire.ask(b"reserve-with-timeout 1\r\n" + put(b"a") + b"reserve\r\n",
                 b"TIMED_OUT\r\nINSERTED 1\r\nRESERVED 1 1\r\na\r\n")
        self.assert_took(clock, 1)


class Pauses(TimeTest):
    def test_waiters_are_served_when_a_pause_ends(self):
        one, two, other, clock = *self.connections(3), Clock()
        other.put(b"before")
        clock.start()
        other.ask(b"pause-tube default 1\r\n", b"PAUSED\r\n")
        for wire in (one, two):
            wire.send(b"reserve\r\n")
        other.put(b"after")
        self.assert_silent(one, two)
        one.expect(b"RESERVED ")
        self.assert_took(clock, 1)
        two.expect(b"RESERVED ")
        self.assertEqual(sorted((one.line(), two.line())), [b"1 6", b"2 5"])

    def test_a_new_pause_replaces_the_old(self):
        wire, clock = self.connect(), Clock()
        wire.put(b"a")
        wire.ask(b"pause-tube default 1000\r\n", b"PAUSED\r\n")
        clock.start()
        wire.ask(b"pause-tube default 1\r\nreserve\r\n", b"PAUSED\r\nRESERVED 1 1\r\na\r\n")
        self.assert_took(clock, 1)
        clock.start()
        wire.ask(b"pause-tube default 1\r\npause-tube default 2\r\nrelease 1 0 0\r\nreserve\r\n",
                 b"PAUSED\r\nPAUSED\r\nRELEASED\r\nRESERVED 1 1\r\na\r\n")
        self.assert_took(clock, 2)

    def test_a_ttr_runs_on_in_a_pause(self):
        wire, clock = self.connect(), Clock()
        wire.ask(
            put(b"a", ttr=1) + b"reserve\r\npause-tube default 1000\r\n",
            b"INSERTED 1\r\nRESERVED 1 1\r\na\r\nPAUSED\r\n")
        while wire.stats(b"stats-job 1")["state"] != "ready" and clock.seconds() < LATE:
            pass
        self.assert_took(clock, 1)
        wire.ask(b"reserve-with-timeout 0\r\n", b"TIMED_OUT\r\n")


class TimeToRun(TimeTest):
    @not_beanstalkd("loses the expiry of a job whose timer fires in the microsecond of its deadline, 39 to 53 of 60")
    def test_every_job_comes_back_though_its_holder_is_silent(self):
        holders, other, clock = self.connections(60), self.connect(), Clock()
        for number, wire in enumerate(holders, 1):
            wire.ask(put(b"x", ttr=1) + b"reserve\r\n", b"INSERTED %d\r\nRESERVED %d 1\r\nx\r\n" % (number, number))
        back = set()
        while len(back) < 60 and clock.seconds() < LATE:
            other.send(b"reserve-with-timeout %d\r\n" % LATE)
            number = other.line().split(b" ")[1]
            self.assertGreaterEqual(clock.seconds(), 1)
            other.expect(b"x\r\n")
            other.ask(b"bury %b 0\r\n" % number, b"BURIED\r\n")
            back.add(int(number))
        self.assertEqual(len(back), 60)
        self.assertEqual(other.stats()["job-timeouts"], "60")
        self.assertEqual({other.stats(b"stats-job %d" % number)["timeouts"] for number in range(1, 61)}, {"1"})
        self.assert_silent(*holders)

    @not_beanstalkd("loses some expiries")
    def test_a_lost_job_is_no_longer_its_holders(self):
        holder, waiter, clock = *self.connections(2), Clock()
        holder.ask(put(b"x", priority=7, ttr=2) + b"reserve\r\n", b"INSERTED 1\r\nRESERVED 1 1\r\nx\r\n")
        waiter.ask(b"reserve\r\n", b"RESERVED 1 1\r\nx\r\n")
        self.assert_took(clock, 2)
        holder.ask(b"touch 1\r\nrelease 1 0 0\r\nbury 1 0\r\ndelete 1\r\n", b"NOT_FOUND\r\n" * 4)
        stats = holder.stats(b"stats-job 1")
        self.assertEqual([stats[key] for key in ("state", "pri", "reserves", "timeouts", "releases")],
                         ["reserved", "7", "2", "1", "0"])
        while holder.stats(b"stats-job 1")["state"] != "ready" and clock.seconds() < LATE:
            pass
        self.assert_took(clock, 4)
        holder.ask(b"touch 1\r\ndelete 1\r\n", b"NOT_FOUND\r\nDELETED\r\n")

    @not_beanstalkd("loses some expiries")
    def test_touch_starts_the_clock_again(self):
        holder, other, clock = *self.connections(2), Clock()
        holder.ask(put(b"x", ttr=3) + b"reserve\r\n", b"INSERTED 1\r\nRESERVED 1 1\r\nx\r\n")
        other.ask(b"reserve-with-timeout 1\r\n", b"TIMED_OUT\r\n")
        touched = Clock()
        answer = holder.reply_to(b"touch 1")
        if clock.seconds() < 3:  # else a slow machine has let its time go by
            self.assertEqual(answer, "TOUCHED")
            other.ask(b"reserve\r\n", b"RESERVED 1 1\r\nx\r\n")
            self.assert_took(touched, 3)

    def test_bury_and_release_stop_the_clock(self):
        holder, other, clock = *self.connections(2), Clock()
        holder.send(put(b"x", ttr=1) * 2 + b"reserve\r\nreserve\r\nbury 1 0\r\nrelease 2 0 1000\r\n")
        holder.expect(b"INSERTED 1\r\nINSERTED 2\r\nRESERVED 1 1\r\nx\r\nRESERVED 2 1\r\nx\r\nBURIED\r\nRELEASED\r\n")
        other.ask(b"reserve-with-timeout 2\r\n", b"TIMED_OUT\r\n")
        self.assert_took(clock, 2)
        self.assertEqual([other.stats(b"stats-job %d" % n)["timeouts"] for n in (1, 2)], ["0", "0"])
        self.assertEqual([other.stats(b"stats-job %d" % n)["state"] for n in (1, 2)], ["buried", "delayed"])


class Margin(TimeTest):
    def test_who_holds_a_job_in_its_last_second_never_waits(self):
        holder, other = self.connections(2)
        holder.send(
            put(b"x", ttr=1) + put(b"y", ttr=1) +
            b"reserve\r\nreserve\r\nreserve\r\nreserve-with-timeout 0\r\nreserve-with-timeout 1000\r\nreserve-job 1\r\n"
        )
        holder.expect(
            b"INSERTED 1\r\nINSERTED 2\r\nRESERVED 1 1\r\nx\r\nRESERVED 2 1\r\ny\r\nDEADLINE_SOON\r\n"
            b"DEADLINE_SOON\r\nDEADLINE_SOON\r\nNOT_FOUND\r\n"
        )
        self.assertNotEqual(other.reply_to(b"reserve-with-timeout 0"), "DEADLINE_SOON")

    def test_the_soonest_job_ends_a_wait(self):
        holder, other, clock = *self.connections(2), Clock()
        holder.ask(put(b"x", ttr=100) + put(b"y", ttr=2), b"INSERTED 1\r\nINSERTED 2\r\n")
        holder.ask(b"reserve\r\nreserve\r\n", b"RESERVED 1 1\r\nx\r\nRESERVED 2 1\r\ny\r\n")
        holder.send(b"reserve\r\n")
        other.send(b"reserve-with-timeout 3\r\n")
        holder.expect(b"DEADLINE_SOON\r\n")
        self.assert_took(clock, 1)
        self.assert_silent(other)

    def test_deadline_soon_does_not_change_the_job(self):
        holder = self.connect()
        holder.ask(
            put(b"x", ttr=2) + b"reserve\r\nreserve\r\n", b"INSERTED 1\r\nRESERVED 1 1\r\nx\r\nDEADLINE_SOON\r\n")
        state = holder.stats(b"stats-job 1")
        if state["timeouts"] == "0":  # else a slow machine has let the last second go by
            self.assertEqual((state["state"], state["reserves"], state["releases"]), ("reserved", "1", "0"))

    def test_a_shorter_timeout_ends_first(self):
        holder, clock = self.connect(), Clock()
        holder.ask(
            put(b"x", ttr=60) + b"reserve\r\nreserve-with-timeout 1\r\n",
            b"INSERTED 1\r\nRESERVED 1 1\r\nx\r\nTIMED_OUT\r\n")
        self.assert_took(clock, 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
