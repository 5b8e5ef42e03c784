"""Many clients, many requests at once, slow readers and slow writers: everybody is served in order, and memory stays
bounded."""

import resource
import threading
import unittest

from beanstalk_support import MEMORY_MEANS_SOMETHING, BeanstalkTest
from beanstalk_wire import DEFAULT_LIMIT, put

CROWD = 2000
MIB = 1 << 20


def setUpModule():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 3 * CROWD), hard))


class Crowds(BeanstalkTest):
    def test_thousands_of_connections_are_served(self):
        crowd = self.connections(CROWD)
        for wire in crowd:
            wire.send(put(b"x"))
        numbers = {int(wire.accepted()) for wire in crowd}
        self.assertEqual(len(numbers), CROWD)
        self.assertEqual(crowd[0].stats()["current-connections"], str(CROWD))
        for wire in crowd:
            wire.send(b"reserve\r\n")
        held = {wire: int(wire.chunk()[0][1]) for wire in crowd}
        self.assertEqual(set(held.values()), numbers)
        for wire in crowd[::2]:
            wire.reset()
        while crowd[1].stats()["current-jobs-ready"] != str(CROWD // 2):
            pass
        for wire in crowd[1::2]:
            wire.ask(b"delete %d\r\n" % held[wire], b"DELETED\r\n")
        self.assertEqual(crowd[1].stats()["current-jobs-reserved"], "0")

    def test_thousands_wait_and_each_is_served_once(self):
        crowd, producer = self.connections(CROWD), self.connect()
        for wire in crowd:
            wire.send(b"reserve\r\n")
        self.waiting(CROWD)
        producer.send(put(b"x") * CROWD)
        for number in range(1, CROWD + 1):
            producer.expect(b"INSERTED %d\r\n" % number)
        self.assertEqual({int(wire.chunk()[0][1]) for wire in crowd}, set(range(1, CROWD + 1)))
        self.assert_silent(*crowd)

    def test_byte_at_a_time_clients_side_by_side(self):
        crowd = self.connections(50)
        texts = [b"use t%d\r\n" % n + put(b"%d\r\n" % n) + b"peek-ready\r\n" for n in range(50)]
        for place in range(max(map(len, texts))):
            for wire, text in zip(crowd, texts):
                wire.send(text[place:place + 1]) if place < len(text) else None
        for number, wire in enumerate(crowd):
            body = b"%d\r\n" % number
            wire.expect(b"USING t%d\r\n" % number)
            wire.accepted()
            self.assertEqual(wire.chunk()[1], body)

    @unittest.skipUnless(MEMORY_MEANS_SOMETHING, "a sanitizer's memory")
    def test_silent_connections_cost_little(self):
        first = self.connect()
        first.stats()
        before = self.server.resident_bytes()
        crowd = self.connections(1000)
        for half, wire in enumerate(crowd):
            if half % 2:
                wire.send(b"put 0 0 60 65535\r\nabc")
        first.stats()
        self.server.settle()
        self.assertLess(self.server.resident_bytes() - before, 16 * MIB)


class Pipelines(BeanstalkTest):
    def test_thousands_of_requests_in_one_piece(self):
        wire = self.connect()
        count = 5000
        wire.send(b"".join(put(b"%d" % number) + b"peek %d\r\n" % number for number in range(1, count + 1)))
        for number in range(1, count + 1):
            body = b"%d" % number
            wire.expect(b"INSERTED %d\r\nFOUND %d %d\r\n%b\r\n" % (number, number, len(body), body))
        wire.send(b"reserve\r\n" * count)
        for number in range(1, count + 1):
            body = b"%d" % number
            wire.expect(b"RESERVED %d %d\r\n%b\r\n" % (number, len(body), body))
        wire.send(b"".join(b"delete %d\r\nbogus\r\n" % number for number in range(1, count + 1)))
        wire.expect(b"DELETED\r\nUNKNOWN_COMMAND\r\n" * count)

    def test_others_are_served_beside_a_long_pipeline(self):
        busy, other = self.connections(2)
        count = 100_000
        sender = threading.Thread(target=busy.send, args=(b"list-tube-used\r\n" * count,))
        sender.start()
        for _ in range(100):
            other.ask(b"list-tube-used\r\n", b"USING default\r\n")
        self.assertEqual(busy.receive(15 * count), b"USING default\r\n" * count)
        sender.join()

    def test_large_bodies_one_behind_the_other(self):
        wire = self.connect()
        bodies = [bytes([65 + number % 26]) * (DEFAULT_LIMIT - number) for number in range(40)]
        sender = threading.Thread(target=wire.send, args=(b"".join(map(put, bodies)) + b"reserve\r\n" * 40,))
        sender.start()
        wire.expect(b"".join(b"INSERTED %d\r\n" % number for number in range(1, 41)))
        for number, body in enumerate(bodies, 1):
            wire.expect(b"RESERVED %d %d\r\n%b\r\n" % (number, len(body), body))
        sender.join()


class SlowReaders(BeanstalkTest):
    def test_a_client_that_does_not_read_is_held_and_loses_nothing(self):
        lazy, other = self.connect(receive_buffer=4096), self.connect()
        bodies = [bytes([65 + number]) * (DEFAULT_LIMIT - number) for number in range(3)]
        for body in bodies:
            other.put(body)
        count = 2000  # 120 MiB of replies
        before = self.server.resident_bytes()
        lazy.send(b"".join(b"peek %d\r\n" % (number % 3 + 1) for number in range(count)))
        for _ in range(200):
            other.ask(b"peek 4\r\nlist-tube-used\r\n", b"NOT_FOUND\r\nUSING default\r\n")
            if MEMORY_MEANS_SOMETHING:
                self.assertLess(self.server.resident_bytes() - before, 24 * MIB)
        number = other.put(b"meanwhile", priority=1)
        other.ask(b"delete %d\r\n" % number, b"DELETED\r\n")
        for number in range(count):
            body = bodies[number % 3]
            lazy.expect(b"FOUND %d %d\r\n%b\r\n" % (number % 3 + 1, len(body), body))
        lazy.ask(b"list-tube-used\r\n", b"USING default\r\n")

    def test_many_that_do_not_read_and_go(self):
        other = self.connect()
        other.put(b"x" * DEFAULT_LIMIT)
        before = self.server.resident_bytes()
        crowd = [self.server.connect(receive_buffer=4096) for _ in range(30)]
        for wire in crowd:
            wire.send(b"peek 1\r\n" * 500)
        for _ in range(100):
            other.ask(b"list-tube-used\r\n", b"USING default\r\n")
        if MEMORY_MEANS_SOMETHING:
            self.assertLess(self.server.resident_bytes() - before, 96 * MIB)
        for number, wire in enumerate(crowd):
            wire.reset() if number % 2 else wire.close()
        while other.stats()["current-connections"] != "1":
            pass

    def test_a_job_for_one_who_does_not_read_comes_back_when_he_goes(self):
        lazy, other = self.connect(receive_buffer=4096), self.connect()
        sender = threading.Thread(target=other.send, args=(put(b"x" * DEFAULT_LIMIT) * 200,))
        sender.start()
        for number in range(1, 201):
            other.expect(b"INSERTED %d\r\n" % number)
        sender.join()
        lazy.send(b"reserve\r\n" * 200)
        while other.stats()["current-jobs-reserved"] == "0":
            pass
        lazy.reset()
        while other.stats()["current-jobs-ready"] != "200":
            pass


if __name__ == "__main__":
    unittest.main(verbosity=2)
