"""Settings that change while the daemon runs: SIGHUP reads the file again and applies what differs, or nothing."""

import os
import signal
import time
import unittest
import urllib.request

from beanstalk_wire import put
from durable_support import Durable
from support import PATIENCE


class Reload(Durable):
    """A daemon with clients whose file the test rewrites."""

    def begin(self, parts, daemon="", **options):
        self.rewrite(parts, daemon)
        return self.start(config=self.path, **options)

    def rewrite(self, parts, daemon=""):
        more = daemon and ", " + daemon
        self.path = self.write("daemon: { http: '127.0.0.1:0', beanstalk: '127.0.0.1:0'%s }\n%s" % (more, parts))

    def reload(self, parts=None, daemon="", event="reloaded"):
        if parts is not None:
            self.rewrite(parts, daemon)
        self.server.signal(signal.SIGHUP)
        return self.server.wait_for(event)

    def metric(self, series):
        return self.metrics().get(series)

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.server.http_port}/metrics", timeout=PATIENCE) as page:
            lines = page.read().decode().splitlines()
        return {series: float(value) for series, value in
                (line.rsplit(" ", 1) for line in lines if line.startswith("millrace_"))}

    def take(self, wire, tube, count):
        """So many bodies of a tube, each deleted; waits for them."""
        wire.reply_to(b"watch " + tube.encode())
        found = []
        for _ in range(count):
            wire.send(b"reserve-with-timeout %d\r\n" % PATIENCE)
            words, body = wire.chunk()
            found.append(body)
            wire.ask(b"delete %b\r\n" % words[1], b"DELETED\r\n")
        return found

    SLEEPER = "queues: { work: {}, done: {} }\nconsumers: { c: { queue: work, handler: sleep, output: done, %s } }\n"

    def test_a_changed_consumer_continues_with_its_new_settings_and_clients_notice_nothing(self):
        self.begin(self.SLEEPER % "text: old")
        wire, other = self.connections(2)
        wire.reply_to(b"use work")
        wire.put(b"1ms")
        self.assertEqual(self.take(other, "done", 1), [b"old"])
        said = self.reload(self.SLEEPER % "text: new, concurrency: 3")
        self.assertEqual((said["changed"], said["changes"]), (1, "consumer c: changed"))
        wire.put(b"1ms")
        self.assertEqual(self.take(other, "done", 1), [b"new"])
        metrics = self.metrics()
        self.assertEqual(metrics['millrace_consumer_concurrency{consumer="c"}'], 3)
        self.assertEqual(metrics['millrace_connections_opened_total{protocol="beanstalk"}'], 2)

    def test_a_file_that_did_not_change_changes_nothing(self):
        self.begin(self.SLEEPER % "text: old")
        self.assertIn("nothing differs", self.reload()["message"])

    def test_a_bad_file_changes_nothing_and_the_metrics_say_so(self):
        self.begin(self.SLEEPER % "text: old")
        succeeded = "millrace_config_last_reload_successful"
        applied_at = "millrace_config_last_reload_success_timestamp_seconds"
        before = self.metrics()
        self.assertEqual(before[succeeded], 1)
        said = self.reload(self.SLEEPER % "text: new, concurency: 3", event="reload_refused")
        self.assertIn("settings.yaml:3:73: consumers.c.concurency: unknown key", said["reason"])
        metrics = self.metrics()
        self.assertEqual((metrics[succeeded], metrics[applied_at]), (0, before[applied_at]))
        os.remove(self.path)
        self.assertIn("cannot be read", self.reload(event="reload_refused")["reason"])
        wire = self.connect()
        wire.reply_to(b"use work")
        wire.put(b"1ms")
        self.assertEqual(self.take(wire, "done", 1), [b"old"])
        self.reload(self.SLEEPER % "text: new")
        metrics = self.metrics()
        self.assertEqual(metrics[succeeded], 1)
        self.assertGreater(metrics[applied_at], before[applied_at])

    def test_every_reload_closes_the_files_of_handlers_and_the_next_line_opens_them_again(self):
        lines = os.path.join(self.folder, "lines")
        parts = ("queues: { q: {}, done: {} }\n"
                 "consumers: { c: { queue: q, handler: file, path: lines, output: done } }\n")

        def is_open():
            folder = f"/proc/{self.server.process.pid}/fd"
            return lines in {os.path.realpath(os.path.join(folder, name)) for name in os.listdir(folder)}

        def closed_by_reload(text, event):
            """False: it took so long that the file may have been closed because it got no line."""
            began = time.monotonic()
            wire.put(b"a line")
            self.assertEqual(self.take(other, "done", 1), [b"a line"])
            self.reload(text, event=event)
            while is_open():
                self.assertLess(time.monotonic(), began + PATIENCE)
                time.sleep(0.01)
            return time.monotonic() < began + 10

        self.begin(parts)
        wire, other = self.connections(2)
        wire.reply_to(b"use q")
        wire.put(b"first")
        self.take(other, "done", 1)
        self.assertTrue(is_open())
        for text, event in ((None, "reloaded"), (parts + "nonsense: 1\n", "reload_refused")):
            self.assertTrue(any(closed_by_reload(text, event) for _ in range(3)))

    def test_what_cannot_change_is_refused_by_name_and_nothing_is_applied(self):
        self.begin(self.SLEEPER % "text: old")
        said = self.reload(self.SLEEPER % "text: new", daemon="data_dir: d, offload: { threads: 7 }",
                           event="reload_refused")
        self.assertIn("settings.yaml:1:68: daemon.data_dir: cannot change while the daemon runs (expected no value",
                      said["reason"])
        self.assertIn("more", said["reason"])
        wire = self.connect()
        wire.reply_to(b"use work")
        wire.put(b"1ms")
        self.assertEqual(self.take(wire, "done", 1), [b"old"])

    def test_a_source_that_cannot_be_opened_is_refused(self):
        self.begin(self.SLEEPER % "text: old")
        producer = "producers: { p: { kind: lines, file: missing.txt, queue: work } }\n"
        said = self.reload(self.SLEEPER % "text: new" + producer, event="reload_refused")
        self.assertIn("producers.p.file", said["reason"])

    def test_what_is_logged_changes_in_place(self):
        self.begin(self.SLEEPER % "text: old")
        self.reload(self.SLEEPER % "text: old", daemon="log: { events: [reloaded=warning] }")
        self.assertEqual(self.reload()["level"], "warning")

    APPLIED_AT = "millrace_config_last_reload_success_timestamp_seconds"

    def until(self, series, reached):
        ends = time.monotonic() + PATIENCE
        while not reached(value := self.metric(series)):
            self.assertLess(time.monotonic(), ends, f"{series} stayed at {value}")

    def test_the_level_of_the_log_changes_in_place(self):
        self.begin(self.SLEEPER % "text: old")
        before = self.metric(self.APPLIED_AT)
        self.rewrite(self.SLEEPER % "text: old", daemon="log: { level: warning }")
        self.server.signal(signal.SIGHUP)
        self.until(self.APPLIED_AT, lambda applied_at: applied_at > before)
        said = self.reload(self.SLEEPER % "text: new")
        self.assertIn("consumer c: changed", said["changes"], "the reload before was logged")

    def test_the_drain_timeout_changes_in_place(self):
        self.begin("", daemon="drain_timeout: 1h")
        wire = self.connect()
        wire.put(b"held")
        wire.ask(b"reserve\r\n", b"RESERVED 1 4\r\nheld\r\n")
        self.reload("", daemon="drain_timeout: 0s")
        self.server.signal(signal.SIGTERM)
        self.assertIn("drain_timeout is over", self.server.wait_for("drained")["message"])
        self.assertEqual(self.server.process.wait(PATIENCE), 0)

    def test_the_threshold_of_stalls_changes_in_place(self):
        parts = ("queues: { work: {}, done: {} }\n"
                 "consumers: { c: { queue: work, handler: block, run_on: loop, output: done } }\n")
        stalls = 'millrace_loop_stalls_total{task="c"}'

        def block():
            wire.put(b"50ms")
            self.take(other, "done", 1)
            return self.metric(stalls)

        self.begin(parts, daemon="stall_threshold: 1h")
        wire, other = self.connections(2)
        wire.reply_to(b"use work")
        self.assertIsNone(block())
        self.reload(parts, daemon="stall_threshold: 1ms")
        ends = time.monotonic() + PATIENCE
        while not block():  # a watch that had no processor meanwhile reports nothing
            self.assertLess(time.monotonic(), ends)

    def test_limits_overflow_and_defaults_of_queues_change_in_place(self):
        self.begin("queue_defaults: { max_jobs: 1 }\nqueues: { q: { max_jobs: 1 } }\n")
        first, second, made = self.connections(3)
        for wire, tube in ((first, b"q"), (second, b"q"), (made, b"of-a-client")):
            wire.reply_to(b"use " + tube)
        first.put(b"one")
        second.send(put(b"two"))
        self.assert_silent(second)
        made.put(b"one")
        made.send(put(b"two"))
        self.assert_silent(made)
        self.reload("queue_defaults: { max_jobs: 2 }\nqueues: { q: { max_jobs: 2, overflow: reject } }\n")
        self.assertTrue(second.line().startswith(b"INSERTED"))
        self.assertTrue(made.line().startswith(b"INSERTED"))
        first.ask(put(b"three"), b"OUT_OF_MEMORY\r\n")

    def test_a_removed_queue_keeps_its_jobs_until_it_is_empty(self):
        self.begin("queues: { old: { max_jobs: 5 }, other: {} }\n")
        wire = self.connect()
        wire.reply_to(b"use old")
        wire.put(b"one")
        wire.reply_to(b"use default")
        said = self.reload("queues: { other: {} }\n")
        self.assertEqual(said["changes"], "queue old: removed")
        self.assertIn("old", wire.names())
        self.assertEqual(self.take(wire, "old", 1), [b"one"])
        wire.reply_to(b"ignore old")
        self.assertNotIn("old", wire.names())
        self.assertIn("other", wire.names())

    def test_producers_consumers_and_queues_are_added_and_removed(self):
        self.begin("queues: { q: {} }\nproducers: { slow: { kind: range, to: 9, queue: q, rate: 0.001 } }\n")
        wire = self.connect()
        self.assertEqual(self.take(wire, "q", 1), [b"1"])
        self.reload("queues: { r: {}, s: {} }\nproducers: { fast: { kind: range, to: 3, queue: r } }\n"
                    "consumers: { copy: { queue: r, handler: noop, output: s } }\n")
        self.assertEqual(self.take(wire, "s", 3), [b"1", b"2", b"3"])
        metrics = self.metrics()
        self.assertEqual(metrics['millrace_producer_jobs_total{producer="slow"}'], 1)
        self.assertEqual(metrics['millrace_producer_jobs_total{producer="fast"}'], 3)

    def test_a_producer_with_another_pace_goes_on_with_its_source(self):
        producer = "queues: { q: {} }\nproducers: { p: { kind: range, to: 9, queue: q, rate: %s } }\n"
        self.begin(producer % "0.001")
        wire = self.connect()
        self.assertEqual(self.take(wire, "q", 1), [b"1"])
        self.reload(producer % "1000")
        self.assertEqual(self.take(wire, "q", 8), [b"%d" % n for n in range(2, 10)])

    def test_a_producer_on_disk_that_begins_again_goes_on_behind_its_last_line(self):
        self.write("".join(f"{n}\n" for n in range(6)), "words.txt")
        producer = ("queues: { q: { max_jobs: 2 } }\n"
                    "producers: { p: { kind: lines, file: words.txt, queue: q, %s } }\n")
        disk = "data_dir: data"
        self.begin(producer % "empty_lines: false", daemon=disk)
        wire = self.connect()
        self.assertEqual(self.take(wire, "q", 2), [b"0", b"1"])
        self.reload(producer % "empty_lines: true", daemon=disk)
        self.assertEqual(self.take(wire, "q", 4), [b"2", b"3", b"4", b"5"])

    def test_a_reload_during_a_drain_is_refused(self):
        self.begin(self.SLEEPER % "text: old")
        wire, holder = self.connections(2)
        wire.reply_to(b"use held")
        wire.put(b"one")
        holder.reply_to(b"watch held")
        holder.send(b"reserve\r\n")
        words, _ = holder.chunk()
        self.server.signal(signal.SIGTERM)
        self.server.wait_for("draining")
        self.assertEqual(self.reload(event="reload_refused")["reason"], "the daemon drains")
        holder.ask(b"delete %b\r\n" % words[1], b"DELETED\r\n")
        self.assertEqual(self.server.process.wait(PATIENCE), 0)

    def test_a_drain_ends_a_reload_that_waits_for_a_job(self):
        self.begin(self.SLEEPER % "text: old")
        wire = self.connect()
        wire.reply_to(b"use work")
        wire.put(b"1s")
        while int(wire.stats(b"stats-tube work")["current-jobs-reserved"]) != 1:
            pass
        self.rewrite(self.SLEEPER % "text: new")
        self.server.signal(signal.SIGHUP)
        wire.close()
        self.server.signal(signal.SIGTERM)
        self.assertEqual(self.server.process.wait(PATIENCE), 0)

    def test_nothing_is_lost_or_done_twice_while_consumers_change(self):
        jobs, rounds = 500, 12
        parts = "queues: { work: {}, done: {} }\nconsumers: { c: { queue: work, handler: %s, output: done } }\n"
        handlers = ("noop", "sleep, length: 1ms, concurrency: 40", "hash, run_on: threads, concurrency: 4")
        self.begin(parts % "noop")
        wire, other = self.connections(2)
        wire.reply_to(b"use work")
        ids = set()
        for round_ in range(rounds):
            wire.send(b"".join(put(b"%d" % (round_ * jobs + n)) for n in range(jobs)))
            self.reload(parts % handlers[(round_ + 1) % len(handlers)])
            for _ in range(jobs):
                ids.add(wire.line())
        self.assertEqual(len(ids), rounds * jobs)
        self.assertEqual(len(self.take(other, "done", rounds * jobs)), rounds * jobs)
        tube = other.stats(b"stats-tube work")
        self.assertEqual((tube["current-jobs-ready"], tube["current-jobs-reserved"]), ("0", "0"))
        self.assertEqual(int(other.stats(b"stats-tube done")["total-jobs"]), rounds * jobs)

    def test_a_new_retry_and_dead_letter_of_a_queue_hold_for_its_next_failure(self):
        parts = "queues: { work: { %s }, letters: {} }\nconsumers: { c: { queue: work, handler: fail, every: 1 } }\n"
        self.begin(parts % "")
        wire, other = self.connections(2)
        wire.reply_to(b"use work")
        wire.put(b"first")
        self.assertEqual(other.stats(b"stats-tube work")["current-jobs-buried"], "1")
        said = self.reload(parts % "retry: { attempts: 3, first: 1ms }, dead_letter: letters")
        self.assertEqual(said["changes"], "queue work: changed")
        wire.put(b"second")
        self.assertEqual(self.take(other, "letters", 1), [b"second"])
        self.assertEqual(self.metric('millrace_jobs_retried_total{queue="work"}'), 2)
        self.assertEqual(self.metric('millrace_jobs_buried_total{queue="work",reason="failed"}'), 1)
        self.assertEqual(self.metric('millrace_jobs_dead_lettered_total{queue="work",reason="failed"}'), 1)

    def test_without_a_file_a_reload_is_refused(self):
        self.start()
        self.assertIn("no settings file", self.reload(event="reload_refused")["reason"])


del Durable

if __name__ == "__main__":
    unittest.main(verbosity=2)
