"""Commands about thousands of jobs or tubes at once: whole in their effect, and nobody else waits for them."""

import unittest

from beanstalk_support import BEANSTALKD, BeanstalkTest
from beanstalk_wire import put

MANY = 5000


class Masses(BeanstalkTest):
    def filled(self, wire, count=MANY, **options):
        wire.send(put(b"x", **options) * count)
        for _ in range(count):
            wire.accepted()

    def state(self, wire):
        stats = wire.stats()
        return {word: int(stats["current-jobs-" + word]) for word in ("ready", "reserved", "delayed", "buried")}

    def until(self, wire, **counts):
        wanted = dict.fromkeys(("ready", "reserved", "delayed", "buried"), 0) | counts
        while self.state(wire) != wanted:
            pass

    def held(self, wire, count=MANY):
        wire.send(b"reserve\r\n" * count)
        for number in range(1, count + 1):
            wire.expect(b"RESERVED %d 1\r\nx\r\n" % number)

    def test_a_kick_of_thousands_of_delayed_jobs_lets_others_be_served(self):
        wire, other = self.connections(2)
        self.filled(wire, delay=1000)
        wire.send(b"kick %d\r\nlist-tube-used\r\nkick %d\r\npeek-ready\r\n" % (MANY - 1, MANY))
        for _ in range(50):
            other.ask(b"list-tube-used\r\n", b"USING default\r\n")
        wire.expect(b"KICKED %d\r\nUSING default\r\nKICKED 1\r\nFOUND 1 1\r\nx\r\n" % (MANY - 1))
        self.assertEqual(self.state(wire), {"ready": MANY, "reserved": 0, "delayed": 0, "buried": 0})

    def test_thousands_of_buried_jobs_are_kicked_in_the_order_of_burying(self):
        wire = self.connect()
        self.filled(wire)
        self.held(wire)
        wire.send(b"".join(b"bury %d 0\r\n" % number for number in range(MANY, 0, -1)))
        wire.expect(b"BURIED\r\n" * MANY)
        wire.ask(b"kick %d\r\npeek-buried\r\n" % (MANY - 2), b"KICKED %d\r\nFOUND 2 1\r\nx\r\n" % (MANY - 2))
        wire.ask(b"kick 100000\r\nkick 1\r\n", b"KICKED 2\r\nKICKED 0\r\n")
        self.held(wire)

    def test_a_kick_of_thousands_is_completed_and_answered_when_its_client_half_closes(self):
        wire, other = self.connections(2)
        self.filled(wire, delay=1000)
        wire.send(b"kick %d\r\n" % MANY)
        wire.end_sending()
        wire.expect(b"KICKED %d\r\n" % MANY)
        wire.expect_end()
        self.until(other, ready=MANY)

    def test_thousands_of_jobs_are_ready_again_when_their_holder_goes(self):
        for end in ("close", "reset"):
            self.start()
            wire, other = self.connections(2)
            self.filled(wire)
            self.held(wire)
            wire.reset() if end == "reset" else wire.close()
            while self.state(other)["ready"] != MANY:
                other.ask(b"list-tube-used\r\n", b"USING default\r\n")
            self.held(other)

    def test_thousands_of_jobs_whose_ttr_ends_together_are_all_ready_again(self):
        wire, other = self.connections(2)
        self.filled(wire, ttr=2)
        wire.send(b"reserve\r\n" * MANY)
        # On a slow machine some answers are DEADLINE_SOON, or the same job once more.
        reserved = sum(wire.chunk()[0][0] == b"RESERVED" for _ in range(MANY))
        if not BEANSTALKD:  # which loses some
            while int(other.stats()["job-timeouts"]) < reserved:
                pass
            self.assertEqual(self.state(other)["ready"], MANY)

    def test_thousands_become_ready_together(self):
        wire, other = self.connections(2)
        self.filled(wire, delay=1)
        other.send(b"reserve\r\n" * MANY)
        self.assertEqual({int(other.chunk()[0][1]) for _ in range(MANY)}, set(range(1, MANY + 1)))

    def test_a_pause_over_thousands_ends(self):
        waiters, wire = self.connections(200), self.connect()
        wire.ask(b"pause-tube default 1000\r\n", b"PAUSED\r\n")
        for waiter in waiters:
            waiter.send(b"reserve\r\n")
        self.waiting(200)
        self.filled(wire)
        self.assert_silent(*waiters)
        wire.ask(b"pause-tube default 0\r\n", b"PAUSED\r\n")
        self.assertEqual({int(waiter.chunk()[0][1]) for waiter in waiters}, set(range(1, 201)))

    def test_thousands_of_tubes_are_listed(self):
        wire, other = self.connections(2)
        names = [b"%d.%b" % (number, b"n" * 150) for number in range(MANY)]
        wire.send(b"".join(b"use %b\r\n" % name + put(b"x") for name in names))
        for name in names:
            wire.expect(b"USING %b\r\n" % name)
            wire.accepted()
        wire.send(b"list-tubes\r\nlist-tube-used\r\n")
        for _ in range(50):
            other.ask(b"list-tube-used\r\n", b"USING default\r\n")
        _, chunk = wire.chunk()
        lines = chunk.split(b"\n")
        self.assertEqual(lines[:2], [b"---", b"- default"])
        self.assertEqual(sorted(lines[2:-1]), sorted(b"- " + name for name in names))
        wire.expect(b"USING %b\r\n" % names[-1])
        self.assertEqual(other.stats()["current-tubes"], str(MANY + 1))
        wire.send(b"".join(b"delete %d\r\n" % number for number in range(1, MANY + 1)) + b"use default\r\n")
        wire.expect(b"DELETED\r\n" * MANY + b"USING default\r\n")
        self.assertEqual(other.stats()["current-tubes"], "1")

    def test_a_client_may_watch_hundreds_of_tubes(self):
        wire, other = self.connections(2)
        wire.send(b"".join(b"watch w%d\r\n" % number for number in range(500)))
        for number in range(500):
            wire.expect(b"WATCHING %d\r\n" % (number + 2))
        self.assertEqual(wire.names(b"list-tubes-watched"), ["default"] + ["w%d" % number for number in range(500)])
        wire.send(b"reserve\r\n")
        self.waiting(1)
        other.ask(b"use w499\r\n" + put(b"x") + b"use w3\r\n" + put(b"y"),
                  b"USING w499\r\nINSERTED 1\r\nUSING w3\r\nINSERTED 2\r\n")
        wire.expect(b"RESERVED 1 1\r\nx\r\n")
        self.assertEqual(other.stats(b"stats-job 2")["state"], "ready")
        wire.ask(b"reserve-with-timeout 0\r\n", b"RESERVED 2 1\r\ny\r\n")

    @unittest.skipIf(BEANSTALKD, "beanstalkd has no limits")
    def test_tubes_beyond_the_limit_are_out_of_memory(self):
        self.start_on("queues: { here: {} }\n", daemon="queues_max: 4")
        wire = self.connect()
        watched = 0
        while (answer := wire.reply_to(b"watch t%d" % watched)).startswith("WATCHING"):
            watched += 1
            self.assertLess(watched, 5)
        self.assertEqual(answer, "OUT_OF_MEMORY")
        self.assertEqual(wire.reply_to(b"use other"), "OUT_OF_MEMORY")
        wire.ask(b"list-tube-used\r\nuse t0\r\n", b"USING default\r\nUSING t0\r\n")
        self.assertEqual(wire.reply_to(b"ignore t0"), "WATCHING %d" % watched)
        wire.ask(b"use t1\r\nuse other\r\n", b"USING t1\r\nUSING other\r\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
