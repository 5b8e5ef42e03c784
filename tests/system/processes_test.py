"""`run_on: processes`: the same results as on threads, and processes that die, are late, or outlive nobody."""

import contextlib
import hashlib
import json
import os
import signal
import unittest

from beanstalk_wire import Wire
from support import PATIENCE, DaemonTest
from worker_test import ends


class Processes(DaemonTest):
    def workload(self, items, daemon="", queue="", processes=2, limits="", **keys):
        keys = {"queue": "jobs", "handler": "spin", "run_on": "processes", "output": "results", **keys}
        consumer = ", ".join(f"{key}: {value}" for key, value in keys.items())
        return self.settings(
            f"  offload: {{ processes: {processes}{limits} }}\n  {daemon}\n"
            f"queues: {{ jobs: {{ {queue} }}, results: {{}} }}\n"
            f"producers: {{ p: {{ kind: list, queue: jobs, items: {json.dumps(items)} }} }}\n"
            f"consumers: {{ work: {{ {consumer} }}, show: {{ queue: results, handler: print }} }}\n")

    def computing(self, daemon, count=2):
        """The processes that compute for the daemon, when `count` have a job."""
        daemon.until('millrace_offload_busy_workers{pool="processes"}', lambda busy: busy == count)
        found = []
        for name in os.listdir("/proc"):
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except (OSError, ValueError):
                continue
            if parent == daemon.process.pid and b"--computing-process" in words:
                found.append(int(name))
        return found

    def test_results_are_those_of_threads(self):
        bodies = ["9637529763296797", "157", "158", "no number", "1" * 1500, "7" * 100_000, ""]
        for handler in ("prime", "hash"):
            with self.subTest(handler):
                seen = {}
                for place in ("threads", "processes"):
                    path = self.workload(bodies, handler=handler, run_on=place, concurrency=16)
                    daemon = self.daemon(path, "--until-idle")
                    printed = sorted(daemon.printed.rest())
                    status = daemon.wait()
                    errors = sorted(entry["message"] for entry in daemon.entries("job_failed"))
                    seen[place] = status, printed, errors
                self.assertEqual(seen["threads"], seen["processes"])
                self.assertGreater(len(seen["threads"][1]), 2)

    def test_steps_that_compute_give_the_same_results_wherever_they_run(self):
        bodies = ["a", "7" * 100_000, ""]

        def hashed(text):
            return hashlib.sha256(text.encode()).hexdigest()

        for place in ("loop", "threads", "processes", "auto"):
            with self.subTest(place):
                path = self.settings(
                    "  offload: { processes: 2 }\nqueues: { jobs: {}, results: {} }\n"
                    f"producers: {{ p: {{ kind: list, queue: jobs, items: {json.dumps(bodies)} }} }}\n"
                    f"consumers:\n  work: {{ queue: jobs, concurrency: 3, run_on: {place}, output: results,\n"
                    "    repeat: 2, steps: [ { handler: hash }, { handler: sleep, length: 1ms },\n"
                    "      { handler: hash } ] }\n"
                    "  show: { queue: results, handler: print }\n")
                self.assertEqual(sorted(self.finish(path)),
                                 sorted(hashed(hashed(hashed(hashed(body)))) for body in bodies))

    def test_bodies_that_are_large_or_no_text_arrive_as_they_are(self):
        large = "large " * 50_000
        path = self.workload([large, "\x00\x01 é"], handler="hash", concurrency=2)
        self.assertEqual(sorted(self.finish(path)),
                         sorted(hashlib.sha256(body.encode()).hexdigest() for body in (large, "\x00\x01 é")))
        path = self.workload([large], length="1ms")
        self.assertEqual(self.finish(path), [large])

    def test_a_process_that_dies_interrupts_its_own_job_only_and_is_replaced(self):
        path = self.workload(["1h", "1h"], queue="deliveries_max: 1", concurrency=2)
        daemon = self.daemon(path, "--until-idle", "--summary", "json")
        daemon.started()
        processes = self.computing(daemon)
        self.assertEqual(len(processes), 2)
        os.kill(processes[0], signal.SIGKILL)
        failure = daemon.wait_for("job_failed")
        self.assertEqual(failure["reason"], "undeliverable")
        self.assertEqual(failure["message"], f"the computing process (process {processes[0]}) ended: killed by SIGKILL")
        daemon.until('millrace_offload_worker_restarts_total{reason="killed"}', lambda count: count == 1)
        daemon.until('millrace_offload_workers{pool="processes"}', lambda count: count == 2)
        self.assertEqual(daemon.metric('millrace_offload_busy_workers{pool="processes"}'), 1)
        os.kill(processes[1], signal.SIGKILL)
        self.assertEqual(daemon.wait(), 4)
        self.assertEqual(json.loads(daemon.log.rest()[-1])["buried"], 2)

    def test_a_computation_that_takes_more_processor_time_than_its_limit_fails_and_others_go_on(self):
        path = self.workload(["1h", "1ms"], limits=", process_cpu_max: 200ms", processes=1)
        daemon = self.daemon(path, "--until-idle")
        self.assertEqual(daemon.wait(), 4)
        self.assertEqual(daemon.printed.rest(), ["1ms"])
        failure = daemon.entries("job_failed")[0]
        self.assertEqual(failure["reason"], "limit")
        self.assertRegex(failure["message"],
                         r"^the computing process: process \d+ \(millrace-work\) and its group use \S+ of processor "
                         r"time, more than process_cpu_max \(200ms\)$")

    def test_a_computation_that_is_late_or_cancelled_leaves_its_process_to_others(self):
        daemon = self.daemon(self.workload(["1h", "1ms"], processes=1, timeout="5s"), "--until-idle")
        self.assertEqual(daemon.printed.rest(), ["1ms"])
        self.assertEqual(daemon.wait(), 4)
        self.assertEqual([entry["reason"] for entry in daemon.entries("job_failed")], ["timeout"])
        self.assertEqual(daemon.entries("worker_ended"), [])

    def test_a_drain_gives_jobs_back_and_no_process_is_left(self):
        daemon = self.daemon(self.workload(["1h"] * 4, daemon="drain_timeout: 100ms", concurrency=4))
        daemon.started()
        processes = self.computing(daemon)
        daemon.signal()
        self.assertEqual(daemon.wait(), 0)
        self.assertEqual(daemon.entries("drained")[0]["cancelled"], 4)
        for process in processes:
            self.assertTrue(ends(process), process)

    def test_no_process_outlives_a_daemon_that_is_killed(self):
        daemon = self.daemon(self.workload(["1h", "1h"], concurrency=2))
        daemon.started()
        processes = self.computing(daemon)
        daemon.signal(signal.SIGKILL)
        daemon.process.wait(PATIENCE)
        for process in processes:
            self.assertTrue(ends(process), process)

    def test_a_job_during_which_the_daemon_dies_three_times_is_undeliverable(self):
        path = self.write(
            f"daemon: {{ http: 127.0.0.1:0, data_dir: {self.folder}/data, beanstalk: 'unix:{self.folder}/b' }}\n"
            "queues: { jobs: { dead_letter: dead }, dead: {}, other: {} }\n"
            "producers: { p: { kind: list, queue: jobs, items: [1h] } }\n"
            "consumers: { work: { queue: jobs, handler: spin, run_on: processes } }\n")
        for _ in range(3):
            daemon = self.daemon(path).started()
            self.computing(daemon, 1)
            with contextlib.closing(Wire(f"{self.folder}/b")) as wire:
                wire.reply_to(b"use other")
                wire.put(b"commits what came before it")
            daemon.signal(signal.SIGKILL)
            self.assertEqual(daemon.wait(), -signal.SIGKILL)
        daemon = self.daemon(path).started()
        with contextlib.closing(Wire(f"{self.folder}/b")) as wire:
            facts = wire.stats(b"stats-job 1")
        self.assertEqual((facts["tube"], facts["reserves"]), ("dead", "3"))
        daemon.signal()
        self.assertEqual(daemon.wait(), 0)

    def test_options_that_a_reload_changes_hold_for_the_next_job(self):
        path = self.settings("  beanstalk: off\n"
                             "queues: { jobs: {}, results: {}, dead: {} }\n"
                             "producers: { p: { kind: interval, queue: jobs, every: 10ms, body: '257' } }\n"
                             "consumers:\n"
                             "  work: { queue: jobs, handler: prime, bits_max: 8, run_on: processes, output: results,\n"
                             "          dead_letter: dead }\n"
                             "  show: { queue: results, handler: print }\n")
        daemon = self.daemon(path)
        self.assertIn("8", daemon.wait_for("job_failed")["message"])
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("bits_max: 8", "bits_max: 9"))
        daemon.signal(signal.SIGHUP)
        self.assertEqual(daemon.printed.next(), "257 is a prime number.")
        daemon.signal()
        self.assertEqual(daemon.wait(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
