"""How the daemon ends: idle, drained, stopped at once."""

import json
import os
import signal
import subprocess
import unittest

from beanstalk_wire import Wire, put
from support import DaemonTest, run


def naps(length, count=1, drain_timeout="30s"):
    items = ", ".join([length] * count)
    return (
        f"daemon: {{ http: 127.0.0.1:0, drain_timeout: {drain_timeout} }}\n"
        "queues: { q: {} }\n"
        f"producers: {{ naps: {{ kind: list, queue: q, items: [{items}] }} }}\n"
        "consumers: { sleeper: { queue: q, handler: sleep } }\n"
    )


class Shutdown(DaemonTest):
    def napping(self, *words, **more):
        """A daemon whose one slot is asleep."""
        daemon = self.daemon(self.write(naps(*words, **more)))
        daemon.started()
        daemon.until('millrace_consumer_active{consumer="sleeper"}', lambda active: active == 1)
        return daemon

    def test_a_drain_lets_running_jobs_end(self):
        daemon = self.napping("1s", 3)
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), 0)
        (line,) = daemon.entries("drained")
        self.assertEqual((line["finished"], line["cancelled"], line["ready"]), (1, 0, 2), line)

    def test_a_signal_during_the_start_ends_the_daemon_as_a_drain_does(self):
        settings = os.path.join(self.folder, "fifo")
        os.mkfifo(settings)
        daemon = self.daemon(settings)
        with open(settings, "w") as file:  # opens when the daemon begins to read
            daemon.signal(signal.SIGTERM)
            file.write(naps("1ms"))
        self.assertEqual(daemon.wait(), 0)
        self.assertEqual(len(daemon.entries("drained")), 1)

    def test_a_daemon_that_drains_is_not_ready(self):
        daemon = self.napping("60s")
        self.assertEqual(daemon.get("/readyz"), (200, "ready\n"))
        daemon.signal(signal.SIGTERM)
        daemon.wait_for("draining")
        status, reason = daemon.get("/readyz")
        self.assertEqual((status, reason), (503, "draining: SIGTERM\n"))
        self.assertEqual(daemon.get("/healthz")[0], 200)
        daemon.signal(signal.SIGINT)
        self.assertEqual(daemon.wait(), 1)

    def test_jobs_that_take_too_long_are_cancelled(self):
        daemon = self.napping("600s", 2, drain_timeout="100ms")
        daemon.signal()
        self.assertEqual(daemon.wait(), 0)
        (line,) = daemon.entries("drained")
        self.assertEqual((line["cancelled"], line["ready_again"], line["ready"]), (1, 1, 2), line)

    def test_a_second_signal_stops_at_once(self):
        daemon = self.napping("600s")
        daemon.signal(signal.SIGTERM)
        daemon.wait_for("draining")
        daemon.signal(signal.SIGINT)
        self.assertEqual(daemon.wait(), 1)
        self.assertEqual(len(daemon.entries("stopped")), 1)
        self.assertEqual(daemon.entries("drained"), [])

    def test_the_same_signal_at_the_same_moment_is_one(self):
        daemon = self.napping("1s")
        daemon.signal(signal.SIGTERM)  # as timeout(1) does: to the process, and to its group
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), 0)
        self.assertEqual(len(daemon.entries("signal")), 1)

    def test_a_second_signal_stops_computations_too(self):
        daemon = self.daemon(
            self.settings(
                "queues: { q: {} }\n"
                "producers: { p: { kind: list, queue: q, items: [600s, 600s, 600s] } }\n"
                "consumers: { burner: { queue: q, handler: spin, run_on: threads, concurrency: 3 } }\n"
            )
        )
        daemon.started()
        daemon.until('millrace_consumer_active{consumer="burner"}', lambda active: active == 3)
        daemon.signal()
        daemon.wait_for("draining")
        daemon.signal(signal.SIGINT)
        self.assertEqual(daemon.wait(), 1)

    def test_an_input_that_says_nothing_does_not_hold_the_end(self):
        reading, writing = os.pipe()
        self.addCleanup(os.close, writing)
        settings = self.settings(
            "queues: { q: {} }\n"
            "producers: { typed: { kind: lines, queue: q, file: '-' } }\n"
            "consumers: { c: { queue: q, handler: noop } }\n"
        )
        daemon = self.daemon(settings, stdin=reading).started()
        os.close(reading)
        os.write(writing, b"one\n")
        daemon.until('millrace_jobs_finished_total{queue="q",outcome="ok"}', lambda done: done == 1)
        daemon.signal()
        self.assertEqual(daemon.wait(), 0)

    def with_beanstalk_listener(self, rest="", drain_timeout="60s"):
        text = "daemon: { http: '127.0.0.1:0', beanstalk: '127.0.0.1:0', drain_timeout: %s }\n%s" % (drain_timeout,
                                                                                                     rest)
        daemon = self.daemon(self.write(text))
        host, port = daemon.wait_for("started")["beanstalk"].rsplit(":", 1)
        return daemon, (host, int(port))

    def client(self, address):
        wire = Wire(address)
        self.addCleanup(wire.close)
        return wire

    def test_a_drain_lets_clients_finish_the_jobs_they_hold(self):
        daemon, address = self.with_beanstalk_listener(
            "queues: { q: {} }\nconsumers: { c: { queue: q, handler: noop } }\n")
        worker, waiting = self.client(address), self.client(address)
        for body in (b"a", b"b", b"c"):
            worker.put(body)
        worker.ask(b"reserve\r\nreserve\r\n", b"RESERVED 1 1\r\na\r\nRESERVED 2 1\r\nb\r\n")
        waiting.ask(b"watch none\r\nignore default\r\n", b"WATCHING 2\r\nWATCHING 1\r\n").send(b"reserve\r\n")
        daemon.signal()
        daemon.wait_for("draining")
        waiting.expect(b"TIMED_OUT\r\n").expect_end()
        worker.ask(b"reserve\r\n", b"TIMED_OUT\r\n")
        worker.ask(b"touch 2\r\n" + put(b"late"), b"TOUCHED\r\nDRAINING\r\n")
        worker.ask(b"use q\r\ndelete 1\r\n", b"USING q\r\nDELETED\r\n")
        worker.ask(b"bury 2 0\r\n", b"BURIED\r\n").expect_end()
        self.assertEqual(daemon.wait(), 0)
        (line,) = daemon.entries("drained")
        counts = [line[key] for key in ("finished", "ready_again", "ready", "buried", "cancelled")]
        self.assertEqual(counts, [2, 0, 1, 1, 0], line)
        (line,) = daemon.entries("ended")
        self.assertEqual((line["finished"], line["ready_again"]), (2, 0))

    def test_what_clients_still_hold_when_the_time_is_over_is_ready_again(self):
        daemon, address = self.with_beanstalk_listener(drain_timeout="200ms")
        worker, gone = self.client(address), self.client(address)
        for body in (b"a", b"b", b"c"):
            worker.put(body)
        worker.ask(b"reserve\r\nreserve\r\n", b"RESERVED 1 1\r\na\r\nRESERVED 2 1\r\nb\r\n")
        gone.ask(b"reserve\r\n", b"RESERVED 3 1\r\nc\r\n")
        daemon.signal()
        daemon.wait_for("draining")
        gone.close()
        worker.ask(b"delete 2\r\n", b"DELETED\r\n").expect_end()
        self.assertEqual(daemon.wait(), 0)
        (line,) = daemon.entries("drained")
        counts = [line[key] for key in ("finished", "ready_again", "ready", "cancelled")]
        self.assertEqual(counts, [1, 2, 2, 0], line)
        self.assertIn("drain_timeout is over", line["message"])

    def test_a_second_signal_does_not_wait_for_clients(self):
        daemon, address = self.with_beanstalk_listener()
        worker = self.client(address)
        worker.put(b"a")
        worker.ask(b"reserve\r\n", b"RESERVED 1 1\r\na\r\n")
        daemon.signal(signal.SIGTERM)
        daemon.wait_for("draining")
        daemon.signal(signal.SIGINT)
        worker.expect_end()
        self.assertEqual(daemon.wait(), 1)
        (line,) = daemon.entries("ended")
        self.assertEqual((line["finished"], line["ready_again"]), (0, 1), line)

    def test_nothing_to_do_is_a_clean_end(self):
        daemon = self.daemon(self.settings("")).started()
        daemon.signal()
        self.assertEqual(daemon.wait(), 0)
        self.assertEqual(len(daemon.entries("ended")), 1)

    def test_a_signal_during_until_idle_still_gives_the_summary(self):
        daemon = self.daemon(self.write(naps("600s", drain_timeout="50ms")), "--until-idle").started()
        daemon.until('millrace_consumer_active{consumer="sleeper"}', lambda active: active == 1)
        daemon.signal()
        self.assertEqual(daemon.wait(), 0)
        self.assertEqual(len(daemon.entries("summary")), 1)

    def test_idle_ends_with_4_when_not_every_job_was_done(self):
        q = "queues: { q: { max_jobs: 10, overflow: %s } }\n"
        blocks = q % "block"
        items = "producers: { p: { kind: list, queue: q, items: [%s] } }\n"
        prime = "consumers: { c: { queue: q, handler: prime%s } }\n"
        closed = os.open(os.devnull, os.O_WRONLY)  # cannot be read
        self.addCleanup(os.close, closed)
        reads = "producers: { p: { kind: lines, queue: q, file: '-' } }\n"
        for code, settings, stdin in (
            (0, blocks + items % "1, 3" + prime % "", subprocess.DEVNULL),
            (4, blocks + items % "1, x, 3" + prime % "", subprocess.DEVNULL),
            (4, blocks + items % "1, x, 3" + prime % ", dead_letter: dead", subprocess.DEVNULL),
            (4, blocks + items % "10s" + "consumers: { c: { queue: q, handler: sleep, timeout: 1ms } }\n",
             subprocess.DEVNULL),
            (4, q % "reject" + "producers: { p: { kind: range, queue: q, from: 1, to: 20 } }\n", subprocess.DEVNULL),
            (4, blocks + reads + prime % "", closed),
        ):
            with self.subTest(settings=settings):
                daemon = self.daemon(self.settings(settings), "--until-idle", stdin=stdin)
                self.assertEqual(daemon.wait(), code)
                self.assertEqual(len(daemon.entries("not_all_done")), 0 if code == 0 else 1)

    def test_the_summary_can_be_one_json_object(self):
        settings = self.settings(
            "queues: { q: {}, done: {} }\n"
            "producers: { p: { kind: list, queue: q, items: [1, x, 3] } }\n"
            "consumers: { c: { queue: q, handler: prime, output: done } }\n"
        )
        for log_format in ("text", "json"):
            ended = run(
                "--config", settings, "--until-idle", "--summary", "json", "--log-format", log_format
            )
            self.assertEqual(ended.returncode, 4)
            summary = json.loads(ended.stderr.splitlines()[-1])
            self.assertFalse(summary["all_done"])
            self.assertEqual(summary["jobs"]["ok"], 2)
            self.assertEqual(summary["consumers"]["c"]["failed"], 1)
            self.assertEqual(summary["producers"]["p"], {"jobs": 3, "errors": 0, "failed": False})
            self.assertEqual(summary["buried"], 1)
            self.assertEqual(
                summary["queues"]["done"], {"ready": 2, "reserved": 0, "delayed": 0, "buried": 0, "served": False}
            )
            self.assertGreater(summary["wait_seconds"]["p99"], 0)
            self.assertGreater(summary["peak_memory_bytes"], 0)
        self.assertIn("--until-idle", run("--config", settings, "--summary", "json").stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
