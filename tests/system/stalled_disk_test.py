"""A disk that stalls, and locks that other processes hold: conditions that pass. Nothing fails, and jobs that need
no disk go on.
"""

import errno
import fcntl
import os
import sqlite3
import threading
import time
import unittest

from beanstalk_wire import put
from crash_support import Crash
from fault_control import Faults
from support import PATIENCE, http_get

LISTENERS = "beanstalk: '127.0.0.1:0', http: '127.0.0.1:0'"
SETTINGS = "daemon: { data_dir: %s, max_job_size: 4MiB, " + LISTENERS + ", store: { %s } }\n"
QUEUES = "queues: { m: { durability: memory }, r: { durability: relaxed }, s: { durability: sync } }\n"
# SQLite's lock bytes in the -shm file: write, checkpoint, recover and five for readers.
LOCK_BYTES = range(120, 128)


class StalledDisk(Crash):
    def setUp(self):
        super().setUp()
        self.faults = Faults(self.folder, self.data_dir)

    def begin(self, store=""):
        self.start(config=self.write(SETTINGS % (self.data_dir, store) + QUEUES), env=self.faults.environment())
        # After it the block of ids is on disk, so that only what is changed waits for the disk.
        wire = self.use(b"s")
        self.first = wire.put(b"first")
        return wire

    def use(self, tube):
        wire = self.connect()
        wire.ask(b"use %b\r\nwatch %b\r\nignore default\r\n" % (tube, tube),
                 b"USING %b\r\nWATCHING 2\r\nWATCHING 1\r\n" % tube)
        return wire

    def tearDown(self):
        self.faults.clear()
        super().tearDown()


class Disk(StalledDisk):
    def test_one_client_that_fills_the_backlog_stops_nobody_who_needs_no_disk(self):
        greedy, small, other = self.begin("store_pending_bytes_max: 1MiB"), self.use(b"s"), self.use(b"m")
        self.faults.stall("sync")
        sender = threading.Thread(target=greedy.send, args=(put(b"x" * 50_000) * 400,), daemon=True)
        sender.start()
        self.until_held(1)
        number = other.put(b"memory")
        other.ask(b"reserve\r\ndelete %d\r\nlist-tube-used\r\n" % number,
                  b"RESERVED %d 6\r\nmemory\r\nDELETED\r\nUSING m\r\n" % number)
        other.ask(b"watch s\r\nreserve\r\n", b"WATCHING 2\r\nRESERVED %d 5\r\nfirst\r\n" % self.first)
        self.assertEqual(other.stats(b"stats-job %d" % self.first)["state"], "reserved")
        small.send(put(b"small"))
        self.assert_silent(small)
        self.faults.resume()
        small.accepted()
        for _ in range(400):
            greedy.accepted()
        sender.join(PATIENCE)

    def test_a_relaxed_queue_stops_acknowledging_while_its_changes_cannot_be_written(self):
        self.begin("relaxed_interval: 10ms, relaxed_lag_max: 1s")
        wire = self.use(b"r")
        numbers = [wire.put(b"1")]
        self.faults.stall("sync")
        numbers.append(wire.put(b"2"))
        self.ready_is(503)
        wire.send(put(b"3") + b"delete %d\r\n" % numbers[0])
        self.assert_silent(wire)
        memory = self.use(b"m")
        memory.put(b"goes on")
        self.faults.resume()
        wire.accepted()
        wire.expect(b"DELETED\r\n")
        self.ready_is(200)

    def test_told_to_end_while_the_disk_stalls_it_ends_when_all_is_written(self):
        wire = self.begin()
        self.faults.stall("sync")
        wire.send(put(b"held") * 10)
        self.faults.until_stalled("sync")
        self.server_.signal(15)
        self.server_.wait_for("draining")
        self.faults.resume()
        self.assertEqual(self.server_.process.wait(PATIENCE), 0)
        again = self.started(self.settings_of(name="again.yaml"))
        with again.connect() as looking:
            self.assertEqual(looking.stats()["current-jobs-ready"], "11")

    def test_told_to_end_while_a_large_body_is_read_it_ends_and_the_job_stays_ready(self):
        large = b"x" * (2 << 20)
        wire, other = self.begin("memory_limit: 0"), self.use(b"m")
        wire.ask(b"delete %d\r\n" % self.first, b"DELETED\r\n")
        number = wire.put(large)
        self.faults.stall("read")
        wire.send(b"reserve\r\n")
        self.faults.until_stalled("read")
        memory = other.put(b"memory")
        other.ask(b"reserve\r\n", b"RESERVED %d 6\r\nmemory\r\n" % memory)
        self.server_.signal(15)
        self.server_.wait_for("draining")
        other.ask(b"delete %d\r\n" % memory, b"DELETED\r\n")
        self.faults.resume()
        wire.expect(b"TIMED_OUT\r\n").expect_end()
        self.assertEqual(self.server_.process.wait(PATIENCE), 0)
        self.begin("memory_limit: 0")
        self.use(b"s").ask(b"reserve\r\n", b"RESERVED %d %d\r\n%b\r\n" % (number, len(large), large))

    def ready_is(self, status):
        self.until("/readyz", lambda found, _: found == status)

    def until_held(self, clients):
        """Until so many are not read any more."""
        line = 'millrace_backpressure_active{stage="client"} %d\n' % clients
        self.until("/metrics", lambda _, text: line in text)

    def until(self, path, reached):
        ends = time.monotonic() + PATIENCE
        while not reached(*(found := self.get(path))):
            self.assertLess(time.monotonic(), ends, found)
            time.sleep(0.01)

    def get(self, path):
        return http_get(self.server_.http_port, path)


class Descriptors(StalledDisk):
    def test_a_body_is_read_when_a_descriptor_is_free_again(self):
        # The first start creates the files, the second one opens them as the third does.
        for _ in range(2):
            self.faults.only("open", "data")
            self.begin("memory_limit: 0")
            opened = self.faults.of("open").calls  # the last of them by the reader of bodies
            self.end(self.server_)
            self.faults.renew()
        self.faults.only("open", "data")
        self.faults.fail("open", errno.EMFILE, nth=opened, times=10)
        self.begin("memory_limit: 0")
        wire = self.use(b"s")
        wire.ask(b"reserve\r\n", b"RESERVED %d 5\r\nfirst\r\n" % 1)
        self.assertEqual(self.faults.met(), 10)


class Locks(StalledDisk):
    def test_a_lock_that_another_process_holds_is_waited_for(self):
        wire = self.begin("memory_limit: 0")
        with open(os.path.join(self.data_dir, "millrace.db-shm"), "r+b") as index:
            for held in ([byte] for byte in LOCK_BYTES):
                with self.subTest(bytes=held):
                    self.one_put_while_held(wire, index, held)
            self.one_put_while_held(wire, index, LOCK_BYTES)
        wire.ask(b"peek %d\r\n" % self.first, b"FOUND %d 5\r\nfirst\r\n" % self.first)
        self.end(self.server_)
        self.assertFalse([line for line in self.server_.log.rest() if "store_failed" in line])

    def one_put_while_held(self, wire, index, held):
        for byte in held:
            self.lock(index, byte)
        tries = self.faults.of("lock").calls
        wire.send(put(b"x"))
        ends = time.monotonic() + PATIENCE
        # The put is done in spite of the lock, or it tries again and again.
        while not wire.has_something() and self.faults.of("lock").calls < tries + 5:
            self.assertLess(time.monotonic(), ends, "neither an answer nor another try")
            time.sleep(0.001)
        for byte in held:
            fcntl.lockf(index, fcntl.LOCK_UN, 1, byte)
        wire.accepted()

    def lock(self, index, byte):
        ends = time.monotonic() + PATIENCE
        while True:
            try:
                return fcntl.lockf(index, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
            except BlockingIOError:
                self.assertLess(time.monotonic(), ends, f"the daemon never lets go of {byte}")

    def test_an_operator_who_copies_the_log_or_packs_the_file_disturbs_nothing(self):
        self.begin("memory_limit: 0")
        clients = self.clients_of(self.server_, "operator")
        for statement in ("pragma wal_checkpoint(truncate)", "vacuum", "pragma wal_checkpoint(restart)") * 5:
            file = os.path.join(self.data_dir, "millrace.db")
            operator = sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)
            operator.execute(statement)
            operator.close()
            self.ledger.wait_for(20)
        self.assertEqual(self.ledger.complaints, [])
        self.assertEqual(self.ledger.clients, len(clients), "clients were cut off")
        self.ledger.draining = True
        self.end(self.server_)
        for client in clients:
            client.join()
        self.assertEqual(self.ledger.complaints, [])


del StalledDisk, Crash

if __name__ == "__main__":
    unittest.main(verbosity=2)
