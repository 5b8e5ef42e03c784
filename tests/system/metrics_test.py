"""The pages over HTTP, the format of the metrics, and what they count."""

import contextlib
import gzip
import json
import re
import subprocess
import sys
import unittest
import urllib.request

from beanstalk_wire import Wire
from support import PATIENCE, DaemonTest

PARSE = """
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
print(json.dumps({family.name: (family.type, [sample[:3] for sample in family.samples])
                  for family in text_string_to_metric_families(sys.stdin.read())}))
"""


def python_with_parser():
    """A Python that has the package, which Debian installs for its own."""
    for python in (sys.executable, "/usr/bin/python3"):
        if not subprocess.run([python, "-c", "import prometheus_client"], capture_output=True).returncode:
            return python
    return None


PARSER = python_with_parser()

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

    def test_http_serves_health_readiness_and_an_index_and_404_elsewhere(self):
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

    def scraped(self, daemon, **headers):
        """The size of the answer and its page."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"http://127.0.0.1:{daemon.port}/metrics", headers=headers)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            body = answer.read()
            packed = answer.headers["Content-Encoding"] == "gzip"
        return len(body), (gzip.decompress(body) if packed else body).decode()

    @unittest.skipUnless(PARSER, "the package prometheus_client is in no Python here")
    def test_the_parser_of_the_python_client_accepts_the_page_in_open_metrics(self):
        daemon = self.running()
        page = self.scraped(daemon, Accept="application/openmetrics-text; version=1.0.0", Accept_Encoding="gzip")[1]
        done = subprocess.run([PARSER, "-c", PARSE], input=page, capture_output=True, text=True, timeout=90)
        self.assertEqual(done.returncode, 0, done.stderr)
        families = json.loads(done.stdout)
        kind, samples = families["millrace_jobs_finished"]
        self.assertEqual(kind, "counter")
        self.assertIn(["millrace_jobs_finished_total", {"queue": "numbers", "outcome": "ok"}, 100.0], samples)
        named = re.findall(r"(?m)^# TYPE (\S+) ", daemon.get("/metrics")[1])
        self.assertEqual(sorted(families), sorted(re.sub("_total$", "", name) for name in named))

    @unittest.skipUnless(PARSER, "the package prometheus_client is in no Python here")
    def test_the_parser_refuses_a_page_without_its_end(self):
        done = subprocess.run([PARSER, "-c", PARSE], input="a 1\n", capture_output=True, text=True, timeout=90)
        self.assertNotEqual(done.returncode, 0)

    def test_a_page_of_200_declared_queues_is_below_600_kb_and_a_tenth_of_it_when_compressed(self):
        names = ", ".join(f"a-queue-with-a-name-{number}: {{}}" for number in range(200))
        daemon = self.daemon(self.settings("queues: { %s }\n" % names)).started()
        size, page = self.scraped(daemon)
        self.assertEqual(page.count("millrace_queue_limit_jobs{"), 200)
        self.assertLess(size, 600_000)
        self.assertLess(self.scraped(daemon, Accept_Encoding="gzip")[0], 60_000)

    def test_a_page_of_200_queues_in_use_is_below_600_kb_and_a_tenth_of_it_when_compressed(self):
        names = ", ".join(f"queue-{number}: {{}}" for number in range(200))
        daemon = self.daemon(self.settings("  beanstalk: unix:%s/b\nqueues: { %s }\n" % (self.folder, names))).started()
        with contextlib.closing(Wire(f"{self.folder}/b")) as wire:
            for number in range(200):
                for command in (b"use", b"watch"):
                    wire.reply_to(command + b" queue-%d" % number)
                job = wire.put(b"abc")
                wire.ask(b"reserve\r\n", b"RESERVED %d 3\r\nabc\r\n" % job)
                wire.ask(b"delete %d\r\n" % job, b"DELETED\r\n")
                wire.reply_to(b"ignore queue-%d" % number)
        size, page = self.scraped(daemon)
        for histogram in ("job_wait", "job_service", "job_end_to_end"):
            self.assertEqual(page.count(f"millrace_{histogram}_seconds_count{{"), 200)  # one is __other__
        self.assertLess(size, 600_000)
        self.assertLess(self.scraped(daemon, Accept_Encoding="gzip")[0], 60_000)

    def bounds(self, page, series):
        return re.findall(r'(?m)^millrace_%s.*le="([^"]+)"' % re.escape(series), page)

    def test_histograms_of_queues_have_fewer_buckets_than_others_unless_the_settings_name_them(self):
        page = self.running().get("/metrics")[1]
        self.assertEqual(self.bounds(page, 'job_wait_seconds_bucket{queue="numbers"'),
                         ["0.001", "0.01", "0.1", "1", "10", "60", "600", "+Inf"])
        self.assertEqual(len(self.bounds(page, "loop_lag_seconds_bucket")), 26)
        daemon = self.daemon(self.settings("  histogram_buckets: [2ms, 3s]\n" + BUSY)).started()
        daemon.until('millrace_jobs_finished_total{queue="verdicts",outcome="ok"}', lambda done: done == 100)
        page = daemon.get("/metrics")[1]
        for series in ('job_wait_seconds_bucket{queue="numbers"', "loop_lag_seconds_bucket"):
            self.assertEqual(self.bounds(page, series), ["0.002", "3", "+Inf"])

    def test_jobs_are_counted_once_in_each_place(self):
        daemon = self.running()
        for series, value in (
            ('millrace_jobs_put_total{queue="numbers"}', 100),
            ('millrace_jobs_put_total{queue="verdicts"}', 100),
            ('millrace_jobs_finished_total{queue="numbers",outcome="ok"}', 100),
            ('millrace_jobs_finished_total{queue="numbers",outcome="failed"}', None),
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
