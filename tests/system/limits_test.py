"""Bad input and limits: each has an answer, and nothing grows without bound."""

import os
import unittest

from support import DaemonTest, run


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Limits(DaemonTest):
    def outcomes(self, settings, *words):
        """Runs until idle. Some jobs or bodies must fail. Returns the daemon and the printed lines."""
        daemon = self.daemon(settings, "--until-idle", *words)
        printed = daemon.printed.rest()
        self.assertEqual(daemon.wait(), 4, "\n".join(daemon.log.rest()))
        return daemon, printed

    def test_a_number_with_a_million_digits_is_refused(self):
        settings = self.settings(
            "queues: { numbers: {}, verdicts: {} }\n"
            "producers: { p: { kind: list, queue: numbers, items: ['%s', '7'] } }\n"
            "consumers:\n"
            "  primality: { queue: numbers, handler: prime, output: verdicts }\n"
            "  report: { queue: verdicts, handler: print }\n" % ("1" * 1_000_000)
        )
        daemon, printed = self.outcomes(settings)
        self.assertEqual(printed, ["7 is a prime number."])
        self.assertTrue(any("bits_max" in line for line in daemon.log.all), daemon.log.all)

    def test_a_line_that_is_too_long_is_skipped_and_said(self):
        with open(os.path.join(self.folder, "numbers.txt"), "w", encoding="ascii") as file:
            file.write("5\n" + "1" * 1_000_000 + "\n7\n")
        settings = self.settings(
            "queues: { numbers: {} }\n"
            "producers: { p: { kind: lines, queue: numbers, file: %s/numbers.txt } }\n"
            "consumers: { report: { queue: numbers, handler: print } }\n" % self.folder
        )
        daemon, printed = self.outcomes(settings)
        self.assertEqual(printed, ["5", "7"])
        self.assertTrue(any("long" in line for line in daemon.log.all), daemon.log.all)

    def test_a_file_that_is_missing_is_a_mistake_of_the_settings(self):
        settings = self.settings(
            "queues: { q: {} }\n"
            "producers: { p: { kind: lines, queue: q, file: %s/missing.txt } }\n"
            "consumers: { c: { queue: q, handler: noop } }\n" % self.folder
        )
        for check in (["--check"], []):
            ended = run("--config", settings, *check)
            self.assertEqual(ended.returncode, 2, check)
            self.assertRegex(ended.stderr + ended.stdout, r":4:\d+: producers\.p\.file: .*missing\.txt.*No such file")

    def test_words_instead_of_numbers_fail_with_a_message(self):
        settings = self.settings(
            "queues: { q: {} }\n"
            "producers: { p: { kind: list, queue: q, items: ['seven', '', '-7', '7 8', '7'] } }\n"
            "consumers: { c: { queue: q, handler: prime } }\n"
        )
        daemon, _ = self.outcomes(settings)
        (summary,) = daemon.entries("summary")
        self.assertIn("1 ok, 4 failed", summary["message"])

    def test_a_fast_producer_and_no_consumer_stay_within_the_queue(self):
        settings = self.settings(
            "queues: { full: { max_jobs: 20k, overflow: block } }\n"
            "producers: { fast: { kind: random, queue: full } }\n"
        )
        daemon = self.daemon(settings).started()
        daemon.until('millrace_backpressure_active{stage="producer"}', lambda held: held == 1)
        before = resident_bytes(daemon.process.pid)
        for _ in range(50):
            daemon.get("/metrics")
        self.assertEqual(daemon.metric('millrace_queue_jobs{queue="full",state="ready"}'), 20_000)
        self.assertLess(resident_bytes(daemon.process.pid) - before, 64 << 20)
        daemon.signal()
        self.assertEqual(daemon.wait(), 0)

    def test_a_queue_full_of_buried_jobs_is_said_and_does_not_wait_for_ever(self):
        settings = self.settings(
            "queues: { small: { max_jobs: 5 } }\n"
            "producers: { p: { kind: range, queue: small, from: 1, to: 100 } }\n"
            "consumers: { c: { queue: small, handler: fail, every: 1 } }\n"
        )
        daemon = self.daemon(settings, "--until-idle")
        self.assertEqual(daemon.wait(), 4)
        (line,) = daemon.entries("queue_stuck")
        self.assertEqual((line["queue"], line["buried"]), ("small", 5))
        self.assertEqual(len(daemon.entries("summary")), 1)
        daemon = self.daemon(settings).started()
        daemon.wait_for("queue_stuck")
        daemon.signal()
        self.assertEqual(daemon.wait(), 0)

    def test_a_full_queue_that_nobody_serves_does_not_wait_for_ever(self):
        for consumers, held_in in (
            # Without a consumer the producer waits; otherwise the output of each slot waits.
            ("", "work"),
            ("consumers: { c: { queue: work, handler: noop, output: done } }\n", "done"),
            ("consumers: { c: { queue: work, handler: prime, concurrency: 2, output: done } }\n", "done"),
            ("consumers: { c: { queue: work, handler: sleep, length: 1ms, concurrency: 2, output: done } }\n", "done"),
        ):
            for mode in ((), ("--mode", "sequential")):
                settings = self.settings(
                    "queue_defaults: { max_jobs: 3 }\n"
                    "queues: { work: {}, done: {} }\n"
                    "producers: { p: { kind: range, queue: work, from: 1, to: 100 } }\n" + consumers
                )
                daemon = self.daemon(settings, "--until-idle", *mode)
                self.assertEqual(daemon.wait(), 4)
                self.assertEqual([line["queue"] for line in daemon.entries("queue_stuck")], [held_in])
                (held_up,) = daemon.entries("held_up")
                self.assertIn(held_in, held_up["message"])

    def test_a_producer_after_jobs_that_nobody_takes_does_not_wait_for_ever(self):
        settings = self.settings(
            "queues: { lonely: {}, served: {} }\n"
            "producers:\n"
            "  first: { kind: range, queue: lonely, from: 1, to: 3 }\n"
            "  second: { kind: range, queue: served, from: 1, to: 3, after: first }\n"
            "consumers: { c: { queue: served, handler: noop } }\n"
        )
        daemon = self.daemon(settings, "--until-idle")
        self.assertEqual(daemon.wait(), 4)
        (held_up,) = daemon.entries("held_up")
        self.assertIn("`after`", held_up["message"])

    def test_an_outcome_that_finds_no_capacity_is_told_at_the_end(self):
        for overflow in ("block", "reject"):
            settings = self.settings(
                "queues: { work: {}, outcomes: { max_jobs: 1, overflow: " + overflow + " } }\n"
                "producers:\n"
                "  one: { kind: range, queue: work, from: 1, to: 3, group: { then: outcomes } }\n"
                "  two: { kind: range, queue: work, from: 1, to: 3, group: { then: outcomes } }\n"
                "consumers: { c: { queue: work, handler: noop } }\n"
            )
            daemon = self.daemon(settings, "--until-idle")
            self.assertEqual(daemon.wait(), 4)
            (held_up,) = daemon.entries("held_up")
            self.assertIn("outcomes", held_up["message"])

    def test_in_sequence_a_full_output_queue_is_emptied_before_more_is_put(self):
        for handler in ("noop", "hash"):
            settings = self.settings(
                "queues: { work: {}, done: { max_jobs: 1 } }\n"
                "producers: { p: { kind: range, queue: work, from: 1, to: 10 } }\n"
                "consumers:\n"
                f"  c: {{ queue: work, handler: {handler}, output: done }}\n"
                "  d: { queue: done, handler: noop }\n"
            )
            daemon = self.daemon(settings, "--until-idle", "--mode", "sequential")
            self.assertEqual(daemon.wait(), 0)

    def test_in_sequence_an_output_waits_for_the_retries_that_fill_its_queue(self):
        settings = self.settings(
            "queues: { work: {}, done: { max_jobs: 1, retry: { attempts: 2, first: 10ms } } }\n"
            "producers: { p: { kind: range, queue: work, from: 1, to: 5 } }\n"
            "consumers:\n"
            "  c: { queue: work, handler: noop, output: done }\n"
            "  d: { queue: done, handler: fail, times: 1 }\n"
        )
        daemon = self.daemon(settings, "--until-idle", "--mode", "sequential")
        self.assertEqual(daemon.wait(), 0)

    def test_a_full_queue_that_nobody_serves_lets_other_work_come_to_its_end(self):
        settings = self.settings(
            "queues: { lonely: { max_jobs: 3 }, served: {} }\n"
            "producers:\n"
            "  p: { kind: range, queue: lonely, from: 1, to: 100 }\n"
            "  other: { kind: range, queue: served, from: 1, to: 4, rate: 2/s }\n"
            "consumers: { c: { queue: served, handler: sleep, length: 1500ms } }\n"
        )
        daemon = self.daemon(settings, "--until-idle")
        self.assertEqual(daemon.wait(), 4)
        (summary,) = daemon.entries("summary")
        self.assertIn("4 ok", summary["message"])

    def test_full_queues_reject_or_drop_as_their_overflow_says(self):
        for overflow, series in (
            ("reject", 'millrace_jobs_rejected_total{queue="small",reason="overflow"}'),
            ("drop_oldest", 'millrace_jobs_finished_total{queue="small",outcome="dropped"}'),
        ):
            settings = self.settings(
                f"queues: {{ small: {{ max_jobs: 3, overflow: {overflow} }} }}\n"
                "producers: { p: { kind: range, queue: small, from: 1, to: 10 } }\n"
            )
            daemon = self.daemon(settings).started()
            daemon.until(series, lambda count: count == 7)
            self.assertEqual(daemon.metric('millrace_queue_jobs{queue="small",state="ready"}'), 3)
            daemon.signal()
            self.assertEqual(daemon.wait(), 0)

    def test_a_timeout_cancels_a_computation_on_the_loop_and_on_threads(self):
        for place in ("loop", "threads"):
            settings = self.settings(
                "queues: { q: {} }\n"
                "producers: { p: { kind: list, queue: q, items: [600s] } }\n"
                f"consumers: {{ c: {{ queue: q, handler: spin, run_on: {place}, timeout: 50ms }} }}\n"
            )
            daemon, _ = self.outcomes(settings)
            (summary,) = daemon.entries("summary")
            self.assertIn("timeout", summary["message"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
