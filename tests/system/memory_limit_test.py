"""Bodies of durable queues that memory_limit keeps on disk: clients and consumers notice no difference."""

import contextlib
import os
import sqlite3
import unittest

from beanstalk_support import MEMORY_MEANS_SOMETHING, BeanstalkTest
from beanstalk_wire import put
from support import run

MEBIBYTE = 1 << 20
JOBS = 6_000
BYTES = 1_024  # of a body; the bodies of all JOBS are six times as large as the usual memory_limit, 1MiB


def body_of(number):
    return (b"%08d" % number) * (BYTES // 8)


class MemoryLimit(BeanstalkTest):
    def begin(self, more="", limit="1MiB", killed=False):
        if self.server_:
            self.server_.kill() if killed else self.end(self.server_)
        data_dir = os.path.join(self.folder, "data")
        self.start(config=self.write(
            "daemon: { data_dir: %s, beanstalk: '127.0.0.1:0', http: '127.0.0.1:0', store: { memory_limit: %s } }\n%s" %
            (data_dir, limit, more)))
        return self.connect()

    def fill(self, wire, count=JOBS):
        for first in range(1, count + 1, 500):
            numbers = range(first, min(first + 500, count + 1))
            wire.ask(b"".join(put(body_of(n), priority=10) for n in numbers),
                     b"".join(b"INSERTED %d\r\n" % n for n in numbers))

    def reserved(self, wire, number):
        wire.ask(b"reserve-with-timeout 0\r\n", b"RESERVED %d %d\r\n%b\r\n" % (number, BYTES, body_of(number)))

    def test_all_jobs_come_out_in_order_with_their_bodies(self):
        wire = self.begin()
        self.fill(wire)
        for first in range(1, JOBS + 1, 100):
            numbers = range(first, first + 100)
            wire.ask(b"reserve\r\n" * 100,
                     b"".join(b"RESERVED %d %d\r\n%b\r\n" % (n, BYTES, body_of(n)) for n in numbers))
            wire.ask(b"".join(b"delete %d\r\n" % n for n in numbers), b"DELETED\r\n" * 100)
        wire.ask(b"reserve-with-timeout 0\r\n", b"TIMED_OUT\r\n")

    def test_a_body_on_disk_is_peeked_at_reserved_by_id_buried_and_kicked(self):
        wire = self.begin()
        self.fill(wire)
        for number in (JOBS, JOBS // 2, 1):
            wire.ask(b"peek %d\r\n" % number, b"FOUND %d %d\r\n%b\r\n" % (number, BYTES, body_of(number)))
        self.assertEqual(wire.stats(b"stats-job %d" % JOBS)["state"], "ready")
        wire.ask(
            b"reserve-job %d\r\nbury %d 0\r\npeek-buried\r\nkick-job %d\r\n" % ((JOBS, ) * 3),
            b"RESERVED %d %d\r\n%b\r\nBURIED\r\nFOUND %d %d\r\n%b\r\nKICKED\r\n" % ((JOBS, BYTES, body_of(JOBS)) * 2))
        self.reserved(wire, JOBS)
        wire.ask(b"delete %d\r\npeek %d\r\n" % (JOBS, JOBS), b"DELETED\r\nNOT_FOUND\r\n")
        # A client that says all it wants at once and closes its side gets all of it.
        with self.connect() as other:
            other.send(b"peek %d\r\nreserve\r\n" % (JOBS - 1))
            other.end_sending()
            other.expect(b"FOUND %d %d\r\n%b\r\nRESERVED 1 %d\r\n%b\r\n" %
                         (JOBS - 1, BYTES, body_of(JOBS - 1), BYTES, body_of(1)))

    def test_a_damaged_body_is_never_delivered(self):
        self.fill(self.begin(limit="0"), 3)
        self.end(self.server_)
        data = os.path.join(self.folder, "data")
        with contextlib.closing(sqlite3.connect(os.path.join(data, "millrace.db"), isolation_level=None)) as file:
            file.execute("UPDATE job SET body = zeroblob(length(body)) WHERE id = 2")
        self.server_ = None
        wire = self.begin(limit="0")
        self.reserved(wire, 1)
        wire.ask(b"reserve-with-timeout 5\r\n", b"RESERVED 3 %d\r\n%b\r\n" % (BYTES, body_of(3)))
        self.assertEqual(wire.stats(b"stats-job 2")["state"], "buried")
        wire.ask(b"peek 2\r\n", b"NOT_FOUND\r\n")
        self.end(self.server_)
        # Where all bodies are read at the start, that is refused, and the row is named.
        ended = run("--config", self.write("daemon: { http: off, data_dir: %s }\n" % data))
        self.assertEqual(ended.returncode, 3, ended.stderr)
        self.assertIn("row 2 of table job: its body differs from its checksum", ended.stderr)
        self.server_ = None

    def test_what_is_on_disk_survives_restarts_and_a_kill(self):
        wire = self.begin()
        self.fill(wire)
        wire = self.begin()
        self.reserved(wire, 1)
        wire.ask(b"delete 1\r\n", b"DELETED\r\n")
        wire = self.begin(killed=True)
        self.reserved(wire, 2)
        # Without the limit all of it is read at the start.
        wire = self.begin(limit="1GiB")
        for number in range(2, JOBS + 1):
            self.reserved(wire, number)

    def test_consumers_of_the_file_get_bodies_from_disk(self):
        wire = self.begin()
        wire.reply_to(b"use in")
        self.fill(wire)
        wire = self.begin("""
queues: { in: {}, out: {} }
consumers: { one: { queue: in, handler: hash, run_on: threads, concurrency: 8, output: out } }
""")
        wire.ask(b"watch out\r\nignore default\r\n", b"WATCHING 2\r\nWATCHING 1\r\n")
        seen = set()
        for _ in range(JOBS):
            wire.send(b"reserve\r\n")
            words, verdict = wire.chunk()
            seen.add(verdict)
            wire.ask(b"delete %b\r\n" % words[1], b"DELETED\r\n")
        self.assertEqual(len(seen), JOBS)

    @unittest.skipUnless(MEMORY_MEANS_SOMETHING, "a sanitizer keeps memory")
    def test_a_backlog_of_100_mib_uses_less_than_40_mib_of_memory(self):
        wire = self.begin(limit="8MiB")
        before = self.server_.resident_bytes()
        self.fill(wire, 100_000)
        self.assertLess(self.server_.resident_bytes() - before, 40 * MEBIBYTE)  # and not 100


del BeanstalkTest

if __name__ == "__main__":
    unittest.main(verbosity=2)
