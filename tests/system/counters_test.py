"""Every counter of the live page is moved by doing what its help says. A counter without a scenario fails the test."""

import contextlib
import os
import re
import signal
import sqlite3
import unittest

from beanstalk_support import port_of
from beanstalk_wire import Wire, put
from support import ROOT, DaemonTest

SETTINGS = """
daemon: { http: 127.0.0.1:0, beanstalk: 127.0.0.1:0, data_dir: data, stall_threshold: 1ms }
queues:
  good: {}
  fails: {}
  buries: {}
  late: {}
  threads: {}
  processes: {}
  choosing: {}
  loop: {}
  lines: {}
  letters: {}
  small: { max_jobs: 1, overflow: reject }
  held: { max_jobs: 1, overflow: block }
  dropping: { max_jobs: 1, overflow: drop_oldest }
  tight: { max_bytes: 10 }
  rejecting: { max_jobs: 1, overflow: reject }
  handing_on: {}
  retries: { retry: { attempts: 3, first: 1ms } }
  postpones: {}
  limited: { deliveries_max: 1 }
  short: { expire_after: 1ms, dead_letter: letters }
  dropped: { expire_after: 1ms }
  wrong: { dead_letter: letters }
  worked: {}
  asked: {}
  members: {}
producers:
  batch: { kind: range, queue: members, to: 1, group: { then: letters } }
  ticks: { kind: interval, queue: good, every: 10ms }
  follows: { kind: lines, queue: lines, file: lines.txt, follow: true, line_bytes_max: 4 }
consumers:
  done: { queue: good, handler: noop }
  failing: { queue: fails, handler: fail, every: 1, dead_letter: letters }
  burying: { queue: buries, handler: prime }
  slow: { queue: late, handler: sleep, timeout: 10ms }
  computing: { queue: threads, handler: spin, run_on: threads }
  moving: { queue: choosing, handler: spin, run_on: auto }
  apart: { queue: processes, handler: spin, run_on: processes }
  holding: { queue: loop, handler: spin, run_on: loop }
  handing: { queue: handing_on, handler: hash, output: rejecting }
  retrying: { queue: retries, handler: fail, every: 1 }
  postponing: { queue: postpones, handler: fail, times: 1, later: 1ms }
  rejecting: { queue: wrong, handler: prime }
  asking: { queue: asked, handler: http, url: "http://127.0.0.1:1/" }
  working: { queue: worked, handler: worker, command: [sh, -c, "read job; sleep 0.01; exit 1"] }
"""

# Counters that move only when the daemon has a fault of its own: (file, name of the test that moves them in process).
ELSEWHERE = {
    "millrace_consumer_slot_restarts_total": (
        "tests/workload/unruly_test.cpp",
        "a slot that ends with an exception is logged and counted at once and starts again",
    ),
}


def documented():
    """The metrics of the table in config/README.md, without their prefix."""
    with open(os.path.join(ROOT, "config", "README.md"), encoding="utf-8") as file:
        table = re.search(r"(?ms)^\| metric \(prefix `millrace_`\).*?\n\n", file.read())[0]
    first_cells = re.findall(r"(?m)^\|([^|]*)\|", table)[1:]
    return {name for cell in first_cells for name in re.findall(r"`([a-z0-9_]+)`", cell)}


class Counters(DaemonTest):
    def begin(self, settings):
        daemon = self.daemon(self.write(settings))
        entry = daemon.wait_for("started")
        daemon.port = port_of(entry["http"])
        daemon.beanstalk = ("127.0.0.1", port_of(entry["beanstalk"]))
        return daemon

    def wire(self, daemon):
        wire = Wire(daemon.beanstalk)
        self.addCleanup(wire.close)
        return wire

    def put(self, queue, body=b"x", **options):
        """One job of a client; the first word of the reply."""
        self.client.reply_to(b"use " + queue)
        self.client.send(put(body, **options))
        return self.client.line().split(b" ")[0]

    def reserved(self, queue, **options):
        """A client's job of its own, taken; its id."""
        self.client.reply_to(b"use " + queue)
        self.client.reply_to(b"watch " + queue)
        self.client.reply_to(b"ignore default")
        job = self.client.put(b"x", **options)
        self.client.ask(b"reserve-job %d\r\n" % job, b"RESERVED %d 1\r\nx\r\n" % job)
        return job

    def bury(self):
        job = self.reserved(b"buried")
        self.assertEqual(self.client.reply_to(b"bury %d 0" % job), "BURIED")
        return job

    def scenarios(self):
        """What moves a series, by its name. Each family of counters has at least one."""
        put_into = lambda queue, body=b"x", times=1: lambda: [self.put(queue, body) for _ in range(times)]
        tell = lambda line: lambda: self.client.reply_to(line)
        return {
            'millrace_jobs_put_total{queue="small"}': put_into(b"small"),
            'millrace_jobs_reserved_total{queue="taken"}': lambda: self.reserved(b"taken"),
            'millrace_jobs_released_total{queue="taken"}': lambda: self.client.reply_to(
                b"release %d 0 0" % self.reserved(b"taken")),
            'millrace_jobs_kicked_total{queue="buried"}': lambda: self.client.reply_to(b"kick-job %d" % self.bury()),
            'millrace_jobs_ttr_expired_total{queue="taken"}': lambda: self.reserved(b"taken", ttr=1),
            'millrace_jobs_retried_total{queue="retries"}': put_into(b"retries"),
            'millrace_jobs_postponed_total{queue="postpones"}': put_into(b"postpones"),
            'millrace_jobs_interrupted_total{queue="taken"}': lambda: self.reserved(b"taken", ttr=1),
            'millrace_jobs_finished_total{queue="good",outcome="ok"}': put_into(b"good"),
            'millrace_jobs_finished_total{queue="fails",outcome="failed"}': put_into(b"fails"),
            'millrace_jobs_finished_total{queue="late",outcome="timeout"}': put_into(b"late", b"1h"),
            'millrace_jobs_finished_total{queue="dropping",outcome="dropped"}': put_into(b"dropping", times=2),
            'millrace_jobs_finished_total{queue="taken",outcome="deleted"}': lambda: self.client.reply_to(
                b"delete %d" % self.reserved(b"taken")),
            'millrace_jobs_buried_total{queue="buried",reason="client"}': self.bury,
            'millrace_jobs_finished_total{queue="dropped",outcome="expired"}': put_into(b"dropped"),
            'millrace_jobs_buried_total{queue="buries",reason="rejected"}': put_into(b"buries", b"no number"),
            'millrace_jobs_buried_total{queue="retries",reason="failed"}': put_into(b"retries"),
            'millrace_jobs_buried_total{queue="limited",reason="undeliverable"}': lambda: self.reserved(
                b"limited", ttr=1),
            'millrace_jobs_buried_total{queue="late",reason="timeout"}': put_into(b"late", b"1h"),
            'millrace_jobs_buried_total{queue="handing_on",reason="output_full"}': put_into(b"handing_on", times=2),
            'millrace_jobs_dead_lettered_total{queue="fails",reason="failed"}': put_into(b"fails"),
            'millrace_jobs_dead_lettered_total{queue="wrong",reason="rejected"}': put_into(b"wrong", b"no number"),
            'millrace_jobs_dead_lettered_total{queue="short",reason="expired"}': put_into(b"short"),
            'millrace_jobs_rejected_total{queue="small",reason="overflow"}': put_into(b"small", times=2),
            'millrace_jobs_rejected_total{queue="tight",reason="too_large"}': put_into(b"tight", b"more than ten"),
            'millrace_producer_jobs_total{producer="ticks"}': lambda: None,  # it puts one every 10 ms
            'millrace_producer_errors_total{producer="follows"}': self.too_long_line,
            'millrace_offload_busy_seconds_total{pool="threads"}': put_into(b"threads", b"20ms"),
            'millrace_offload_busy_seconds_total{pool="workers"}': put_into(b"worked"),
            'millrace_offload_busy_seconds_total{pool="processes"}': put_into(b"processes", b"20ms"),
            'millrace_consumer_moved_total{consumer="moving"}': put_into(b"choosing", b"20ms"),
            'millrace_offload_worker_restarts_total{reason="exited"}': put_into(b"worked"),
            "millrace_http_client_connections_opened_total": put_into(b"asked"),
            "millrace_loop_busy_seconds_total": tell(b"stats"),
            'millrace_loop_stalls_total{task="holding"}': put_into(b"loop", b"50ms", times=20),
            'millrace_backpressure_seconds_total{stage="put"}': self.held_put,
            'millrace_connections_opened_total{protocol="beanstalk"}': lambda: self.wire(self.running).reply_to(
                b"list-tube-used"),
            'millrace_protocol_errors_total{protocol="beanstalk",code="unknown_command"}': tell(b"nonsense"),
            'millrace_protocol_errors_total{protocol="beanstalk",code="bad_format"}': tell(b"delete x"),
            'millrace_protocol_errors_total{protocol="beanstalk",code="out_of_memory"}': put_into(b"small", times=2),
            'millrace_commands_total{protocol="beanstalk",command="peek"}': tell(b"peek 1"),
            'millrace_read_pauses_total{protocol="beanstalk",cause="unread_replies"}': self.unread_replies,
            "millrace_groups_finished_total": self.end_member,
            "process_cpu_seconds_total": put_into(b"threads", b"50ms"),
        }

    def end_member(self):
        with contextlib.closing(Wire(self.running.beanstalk)) as other:
            other.reply_to(b"watch members")
            other.reply_to(b"ignore default")
            other.send(b"reserve\r\n")
            job = int(other.line().split(b" ")[1])
            other.line()
            self.assertEqual(other.reply_to(b"delete %d" % job), "DELETED")

    def too_long_line(self):
        with open(os.path.join(self.folder, "lines.txt"), "a", encoding="ascii") as file:
            file.write("longer than that\n")

    def unread_replies(self):
        """More replies than the sockets hold and than the daemon keeps for a client (1 MiB)."""
        job = self.client.put(b"x" * 60_000)
        other = Wire(self.running.beanstalk, receive_buffer=1 << 16)
        self.addCleanup(other.close)
        other.send(b"peek %d\r\n" % job * 400)

    def held_put(self):
        with contextlib.closing(Wire(self.running.beanstalk)) as other:
            other.send(b"use held\r\n" + put(b"x") * 2)
            self.running.until('millrace_backpressure_active{stage="put"}', lambda held: held >= 1)

    def unread_replies(self):
        """A client that asks for 60 MB and reads nothing, which is more than the system buffers and the limit hold."""
        deaf = self.wire(self.running)
        job = deaf.put(b"x" * 60_000)
        deaf.send(b"peek %d\r\n" % job * 1_000)

    def moves(self, daemon, series, action):
        with self.subTest(series):
            before = daemon.metric(series) or 0
            action()
            daemon.until(series, lambda value: value > before)

    def test_every_counter_moves_when_that_happens_which_its_help_names(self):
        with open(os.path.join(self.folder, "lines.txt"), "w", encoding="ascii"):
            pass
        self.running = self.begin(SETTINGS)
        self.client = self.wire(self.running)
        self.client.put(b"so that each family has a series")
        scenarios = self.scenarios()
        for series, action in scenarios.items():
            self.moves(self.running, series, action)
        moved = {series.split("{")[0] for series in scenarios} | set(self.OTHERS) | set(ELSEWHERE)
        page = self.running.get("/metrics")[1]
        self.assertEqual(moved, set(re.findall(r"(?m)^# TYPE (\S+) counter$", page)))
        self.assertEqual(documented(), set(re.findall(r"(?m)^# TYPE millrace_(\S+) ", page)))

    # Families with a test of their own below.
    OTHERS = ("millrace_store_errors_total",)

    def test_a_put_that_is_refused_while_draining_is_counted(self):
        daemon = self.begin("daemon: { http: 127.0.0.1:0, beanstalk: 127.0.0.1:0 }\n")
        self.client = self.wire(daemon)
        self.put(b"default")
        self.assertEqual(daemon.metric("millrace_draining"), 0)
        daemon.signal(signal.SIGUSR1)
        daemon.wait_for("refusing_puts")
        self.assertEqual(daemon.metric("millrace_draining"), 1)
        self.moves(daemon, 'millrace_jobs_rejected_total{queue="default",reason="draining"}',
                   lambda: self.assertEqual(self.put(b"default"), b"DRAINING"))

    def test_a_put_that_a_full_disk_refuses_is_counted_and_the_disk_is_shown(self):
        store = "store: { disk_reserve: 100000TiB }"
        daemon = self.begin("daemon: { http: 127.0.0.1:0, beanstalk: 127.0.0.1:0, data_dir: data, %s }\n" % store)
        self.client = self.wire(daemon)
        self.moves(daemon, 'millrace_jobs_rejected_total{queue="default",reason="no_space"}',
                   lambda: self.assertEqual(self.put(b"default"), b"OUT_OF_MEMORY"))
        self.assertEqual(daemon.metric('millrace_store_disk_reserve_bytes{store="disk"}'), 100000 << 40)
        self.assertGreater(daemon.metric('millrace_store_free_bytes{store="disk"}'), 0)

    def test_a_body_that_cannot_be_read_is_an_error_of_the_store(self):
        settings = "daemon: { http: 127.0.0.1:0, beanstalk: 127.0.0.1:0, data_dir: data, store: { memory_limit: 0 } }\n"
        daemon = self.begin(settings)
        with contextlib.closing(Wire(daemon.beanstalk)) as wire:
            wire.put(b"read at the start")
            wire.put(b"left on disk")
        daemon.signal()
        daemon.wait()
        with contextlib.closing(sqlite3.connect(os.path.join(self.folder, "data", "millrace.db"),
                                                isolation_level=None)) as file:
            file.execute("UPDATE job SET body = zeroblob(length(body)) WHERE id = 2")
        daemon = self.begin(settings)
        self.client = self.wire(daemon)
        self.moves(daemon, 'millrace_store_errors_total{store="disk"}',
                   lambda: self.assertEqual(self.client.reply_to(b"peek 2"), "NOT_FOUND"))
        buried = 'millrace_jobs_buried_total{queue="default",reason="io_error"}'
        self.moves(daemon, buried, lambda: self.client.reply_to(b"reserve-job 2"))

    def test_the_tests_that_move_the_other_counters_are_there(self):
        for family, (path, name) in ELSEWHERE.items():
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                text = file.read()
            self.assertIn('TEST_CASE("' + name, text, family)


if __name__ == "__main__":
    unittest.main(verbosity=2)
