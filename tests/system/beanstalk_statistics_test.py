"""The statistics: their keys, their order, their quotes, and what they count."""

import os
import re
import unittest

from beanstalk_support import BEANSTALKD, BeanstalkTest, not_beanstalkd
from beanstalk_wire import DEFAULT_LIMIT, put

JOBS = [
    "current-jobs-urgent", "current-jobs-ready", "current-jobs-reserved", "current-jobs-delayed", "current-jobs-buried"
]
COMMANDS = [
    "put", "peek", "peek-ready", "peek-delayed", "peek-buried", "reserve", "reserve-with-timeout", "delete", "release",
    "use", "watch", "ignore", "bury", "kick", "touch", "stats", "stats-job", "stats-tube", "list-tubes",
    "list-tube-used", "list-tubes-watched", "pause-tube"
]
CONNECTIONS = ["current-connections", "current-producers", "current-workers", "current-waiting", "total-connections"]
SERVER = JOBS + ["cmd-" + command for command in COMMANDS
                 ] + ["job-timeouts", "total-jobs", "max-job-size", "current-tubes"] + CONNECTIONS + [
                     "pid", "version", "rusage-utime", "rusage-stime", "uptime", "binlog-oldest-index",
                     "binlog-current-index", "binlog-records-migrated", "binlog-records-written", "binlog-max-size",
                     "draining", "id", "hostname", "os", "platform"
                 ]
TUBE = ["name"] + JOBS + [
    "total-jobs", "current-using", "current-watching", "current-waiting", "cmd-delete", "cmd-pause-tube", "pause",
    "pause-time-left"
]
JOB = [
    "id", "tube", "state", "pri", "age", "delay", "ttr", "time-left", "file", "reserves", "timeouts", "releases",
    "buries", "kicks"
]


class Form(BeanstalkTest):
    def assert_form(self, chunk, keys, texts):
        """`---`, the keys in order, integers plain, these are strings, in double quotes where they need them
        (beanstalk_yaml_test.py)."""
        lines = chunk.decode().split("\n")
        self.assertEqual((lines[0], lines[-1]), ("---", ""))
        pairs = [line.split(": ", 1) for line in lines[1:-1]]
        self.assertEqual([key for key, _ in pairs], keys)
        for key, value in pairs:
            form = r'"[^"]*"|[^"].*' if key in texts else {
                "state": "ready|reserved|delayed|buried", "draining": "true|false", "id": r"[0-9a-f]{16}|\d+",
                "rusage-utime": r"\d+\.\d{6}", "rusage-stime": r"\d+\.\d{6}"
            }.get(key, r"\d+")
            self.assertRegex(value, f"^({form})$", key)

    texts = () if BEANSTALKD else ("name", "tube", "hostname", "os", "platform")

    @not_beanstalkd("prints strings bare before 1.13")
    def test_the_statistics_of_the_server_have_the_form_of_the_protocol(self):
        self.assert_form(self.connect().chunk_for(b"stats"), SERVER, self.texts + ("version",))

    def test_the_statistics_of_the_server_have_the_keys_of_the_protocol(self):
        self.assertEqual(list(self.connect().stats()), SERVER)

    @not_beanstalkd("prints strings bare before 1.13")
    def test_the_statistics_of_a_tube_have_the_form_of_the_protocol(self):
        wire = self.connect()
        wire.reply_to(b"use 0.5")
        chunk = wire.chunk_for(b"stats-tube 0.5")
        self.assert_form(chunk, TUBE, self.texts)
        self.assertIn(b'\nname: "0.5"\n', chunk)

    def test_the_statistics_of_a_tube_have_the_keys_of_the_protocol(self):
        self.assertEqual(list(self.connect().stats(b"stats-tube default")), TUBE)

    @not_beanstalkd("prints strings bare before 1.13")
    def test_the_statistics_of_a_job_have_the_form_of_the_protocol(self):
        wire = self.connect()
        wire.put(b"x")
        self.assert_form(wire.chunk_for(b"stats-job 1"), JOB, self.texts)

    def test_the_statistics_of_a_new_job_count_nothing(self):
        wire = self.connect()
        wire.put(b"x", priority=9, ttr=30)
        expected = dict.fromkeys(JOB, "0") | {"id": "1", "tube": "default", "state": "ready", "pri": "9", "ttr": "30"}
        stats = wire.stats(b"stats-job 1")
        self.assertTrue(stats.pop("age").isdigit() and expected.pop("age"))
        self.assertEqual(stats, expected)
        self.assertEqual(list(wire.stats(b"stats-job 1")), JOB)

    def test_values_that_clients_turn_into_something(self):
        stats = self.connect().stats()
        self.assertTrue(re.fullmatch(r"\d+\.\d+(\.\d+)?", stats["version"]), stats["version"])
        self.assertGreaterEqual(tuple(map(int, stats["version"].split(".")[:2])), (1, 8))
        self.assertEqual(stats["draining"], "false")
        self.assertEqual(int(stats["pid"]), self.server.process.pid)
        self.assertEqual(int(stats["max-job-size"]), DEFAULT_LIMIT)
        self.assertEqual(stats["hostname"], os.uname().nodename)
        self.assertRegex(stats["id"], r"^[0-9a-f]{16}$")
        first = self.server_
        self.start()
        self.assertNotEqual(self.connect().stats()["id"], stats["id"])
        self.end(first)


class Counts(BeanstalkTest):
    def test_the_statistics_of_a_new_server_count_its_one_connection(self):
        stats = self.connect().stats()
        counters = {
            key: stats[key]
            for key in JOBS + ["cmd-" + command
                               for command in COMMANDS] + ["job-timeouts", "total-jobs", "current-tubes"] + CONNECTIONS
        }
        ones = {"cmd-stats", "current-connections", "total-connections", "current-tubes"}
        self.assertEqual(counters, {key: "1" if key in ones else "0" for key in counters})

    def test_each_command_counts_once_its_arguments_parse(self):
        wire = self.connect()
        wire.ask(b"use t\r\npause-tube t 100\r\n", b"USING t\r\nPAUSED\r\n")
        requests = {
            b"peek": b"peek 99", b"peek-ready": b"peek-ready", b"peek-delayed": b"peek-delayed",
            b"peek-buried": b"peek-buried", b"reserve-with-timeout": b"reserve-with-timeout 0", b"delete": b"delete 99",
            b"release": b"release 99 0 0", b"use": b"use t", b"watch": b"watch t", b"ignore": b"ignore t",
            b"bury": b"bury 99 0", b"kick": b"kick 1", b"touch": b"touch 99", b"stats": b"stats",
            b"stats-job": b"stats-job 99", b"stats-tube": b"stats-tube none", b"list-tubes": b"list-tubes",
            b"list-tube-used": b"list-tube-used", b"list-tubes-watched": b"list-tubes-watched",
            b"pause-tube": b"pause-tube none 1"
        }
        for word, request in requests.items():
            counter = "cmd-" + word.decode()
            before = wire.stats()
            wire.send(request + b"\r\n")
            wire.chunk()
            after = wire.stats()
            changed = {
                key: int(after[key]) - int(before[key])
                for key in after
                if key.startswith("cmd-") and after[key] != before[key]
            }
            self.assertEqual(changed, {"cmd-stats": 2} if counter == "cmd-stats" else {"cmd-stats": 1, counter: 1},
                             word)

    def test_what_is_refused_for_its_form_does_not_count(self):
        wire = self.connect()
        lines = (b"peek x", b"delete x", b"release 1 0", b"use  t", b"watch -", b"ignore -", b"bury 1", b"touch x",
                 b"stats-job x", b"stats-tube -", b"pause-tube none x", b"put 0 0 1 x", b"kick x")
        for line in lines:
            self.assertEqual(wire.reply_to(line), "BAD_FORMAT", line)
        stats = wire.stats()
        self.assertEqual([key for key in stats if key.startswith("cmd-") and stats[key] != "0"], ["cmd-stats"])

    def test_the_statistics_count_puts_and_reserves(self):
        wire, other = self.connections(2)
        wire.ask(
            put(b"x", priority=1023) + put(b"y", priority=1024) + put(b"z", delay=100),
            b"INSERTED 1\r\nINSERTED 2\r\nINSERTED 3\r\n")
        self.assertEqual([wire.stats()[key] for key in JOBS], ["1", "2", "0", "1", "0"])
        self.assertEqual([wire.stats(b"stats-tube default")[key] for key in JOBS], ["1", "2", "0", "1", "0"])
        other.ask(b"reserve\r\nbury 1 0\r\nreserve\r\n", b"RESERVED 1 1\r\nx\r\nBURIED\r\nRESERVED 2 1\r\ny\r\n")
        stats = wire.stats()
        self.assertEqual([stats[key] for key in JOBS], ["0", "0", "1", "1", "1"])
        self.assertEqual((stats["cmd-put"], stats["cmd-reserve"], stats["total-jobs"]), ("3", "2", "3"))
        self.assertEqual((stats["current-producers"], stats["current-workers"]), ("1", "1"))
        other.ask(b"reserve-job 3\r\nkick-job 1\r\n", b"RESERVED 3 1\r\nz\r\nKICKED\r\n")
        after = wire.stats()
        self.assertEqual({key for key in COMMANDS if after["cmd-" + key] != stats["cmd-" + key]}, {"stats"})
        other.ask(b"delete 1\r\ndelete 99\r\n", b"DELETED\r\nNOT_FOUND\r\n")
        self.assertEqual(wire.stats(b"stats-tube default")["cmd-delete"], "1")
        self.assertEqual(wire.stats()["total-jobs"], "3")

    def test_the_statistics_count_producers_workers_and_waiting_connections(self):
        wire, producer, worker, taker, waiter = self.connections(5)
        producer.put(b"x")
        producer.put(b"y")
        taker.ask(b"reserve-job 99\r\n", b"NOT_FOUND\r\n")
        self.assertEqual(wire.stats()["current-workers"], "0")
        taker.ask(b"reserve-job 1\r\n", b"RESERVED 1 1\r\nx\r\n")
        worker.ask(b"reserve\r\n", b"RESERVED 2 1\r\ny\r\n")
        waiter.send(b"watch t\r\nreserve\r\n")
        waiter.expect(b"WATCHING 2\r\n")
        self.waiting(1)
        while (stats := wire.stats())["current-connections"] != "5":  # the one that looked for waiting ones goes
            pass
        self.assertEqual([stats[key] for key in CONNECTIONS[:4]], ["5", "1", "3", "1"])
        tube = wire.stats(b"stats-tube default")
        self.assertEqual([tube[key] for key in ("current-using", "current-watching", "current-waiting")],
                         ["5", "5", "1"])
        tube = wire.stats(b"stats-tube t")
        self.assertEqual([tube[key] for key in ("current-using", "current-watching", "current-waiting")],
                         ["0", "1", "1"])
        for gone in (producer, worker, taker, waiter):
            gone.close()
        while (stats := wire.stats())["current-connections"] != "1":
            pass
        self.assertEqual([stats[key] for key in CONNECTIONS[:4]], ["1", "0", "0", "0"])
        self.assertGreaterEqual(int(stats["total-connections"]), 6)

    def test_the_statistics_of_a_tube_count_its_jobs_commands_and_pause(self):
        wire = self.connect()
        wire.ask(b"use t\r\n" + put(b"a") * 3 + b"delete 1\r\npause-tube t 1000\r\n",
                 b"USING t\r\nINSERTED 1\r\nINSERTED 2\r\nINSERTED 3\r\nDELETED\r\nPAUSED\r\n")
        stats = wire.stats(b"stats-tube t")
        left = int(stats.pop("pause-time-left"))
        self.assertTrue(900 < left <= 1000, left)
        expected = dict.fromkeys(TUBE[:-1], "0") | {
            "name": "t", "current-jobs-urgent": "2", "current-jobs-ready": "2", "total-jobs": "3", "current-using": "1",
            "cmd-delete": "1", "cmd-pause-tube": "1", "pause": "1000"
        }
        self.assertEqual(stats, expected)
        wire.ask(b"pause-tube t 0\r\n", b"PAUSED\r\n")
        stats = wire.stats(b"stats-tube t")
        self.assertEqual((stats["pause"], stats["pause-time-left"], stats["cmd-pause-tube"]), ("0", "0", "2"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
