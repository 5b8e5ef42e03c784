"""The pages over HTTP, the format of the metrics, and what they count."""

import subprocess
import unittest

from support import DaemonTest

BUSY = """queues: { numbers: {}, verdicts: {} }
producers: { p: { kind: range, queue: numbers, from: 1, to: 100 } }
consumers:
  primality: { queue: numbers, handler: prime, run_on: threads, concurrency: 2, output: verdicts }
  report: { queue: verdicts, handler: noop }
"""


class Metrics(DaemonTest):
    def running(self):
        daemon = self.daemon(self.settings(BUSY)).started()
        daemon.until('millrace_jobs_finished_total{queue="verdicts",outcome="ok"}', lambda done: done == 100)
        return daemon

    def test_pages(self):
        daemon = self.running()
        self.assertEqual(daemon.get("/healthz"), (200, "ok\n"))
        self.assertEqual(daemon.get("/readyz"), (200, "ready\n"))
        self.assertIn("/metrics", daemon.get("/")[1])
        self.assertEqual(daemon.get("/nowhere")[0], 404)

    def test_promtool_is_silent(self):
        page = self.running().get("/metrics")[1]
        checked = subprocess.run(["promtool", "check", "metrics"],
                                 input=page,
                                 capture_output=True,
                                 text=True,
                                 timeout=90)
        self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, "", ""))

    def test_jobs_are_counted_once_in_each_place(self):
        daemon = self.running()
        for series, value in (
            ('millrace_jobs_put_total{queue="numbers"}', 100),
            ('millrace_jobs_put_total{queue="verdicts"}', 100),
            ('millrace_jobs_finished_total{queue="numbers",outcome="ok"}', 100),
            ('millrace_jobs_finished_total{queue="numbers",outcome="failed"}', 0),
            ('millrace_producer_jobs_total{producer="p"}', 100),
            ('millrace_queue_jobs{queue="numbers",state="ready"}', 0),
            ('millrace_job_service_seconds_count{queue="numbers"}', 100),
            ('millrace_job_end_to_end_seconds_count{queue="verdicts"}', 100),
            ('millrace_consumer_concurrency{consumer="primality"}', 2),
            ('millrace_offload_busy_workers{pool="threads"}', 0),
        ):
            self.assertEqual(daemon.metric(series), value, series)

    def test_back_pressure_is_real_and_measured(self):
        daemon = self.daemon(
            self.settings(
                "queues: { small: { max_jobs: 10 } }\n"
                "producers: { fast: { kind: range, queue: small, from: 1, to: 1000000 } }\n"
                "consumers: { slow: { queue: small, handler: sleep } }\n"
            )
        ).started()
        daemon.until('millrace_backpressure_active{stage="producer"}', lambda held: held == 1)
        before = daemon.metric('millrace_backpressure_seconds_total{stage="producer"}')
        daemon.until('millrace_backpressure_seconds_total{stage="producer"}', lambda total: total > before)
        self.assertLessEqual(daemon.metric('millrace_queue_jobs{queue="small",state="ready"}'), 10)

    def test_the_build_names_its_version(self):
        page = self.running().get("/metrics")[1]
        self.assertRegex(page, r'(?m)^millrace_build_info\{.*version="\d+\.\d+\.\d+".*\} 1$')


if __name__ == "__main__":
    unittest.main(verbosity=2)
