"""The alert rules of deploy/prometheus: promtool's cases, the metrics that they name, and alerts that fire in a real
Prometheus because of what real daemons do.
"""

import os
import re
import subprocess
import unittest

from prometheus_support import PrometheusTest
from support import ROOT

FOLDER = os.path.join(ROOT, "deploy", "prometheus")
RULES = os.path.join(FOLDER, "millrace.rules.yml")
CASES = os.path.join(FOLDER, "millrace.rules_test.yml")

TROUBLE = """
daemon: { http: 127.0.0.1:0, data_dir: %s }
queues:
  alone: {}
  words: {}
  full: { max_jobs: 1, overflow: reject }
producers:
  nobody: { kind: range, queue: alone, from: 1, to: 3 }
  wrong: { kind: list, queue: words, items: [WORDS], rate: 100/s }
  too_many: { kind: range, queue: full, from: 1, to: 1000000, rate: 100/s }
consumers:
  prime: { queue: words, handler: prime }
""".replace("WORDS", ", ".join(["seven"] * 20_000))  # no numbers: each job fails


def read(path):
    with open(path) as file:
        return file.read()


def hurried(rules):
    """The same rules without patience: what takes minutes happens within seconds."""
    rules = re.sub(r"^ +for: .*\n", "", rules, flags=re.MULTILINE)
    return re.sub(r"\[\d+m\]", "[10s]", rules).replace("vector(600)", "vector(1)")


class Alerts(PrometheusTest):
    def test_promtool_accepts_the_rules_and_their_cases(self):
        for command in (["check", "rules", RULES], ["check", "config", os.path.join(FOLDER, "prometheus.yml")],
                        ["test", "rules", CASES]):
            done = subprocess.run(["promtool", *command], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(self):
        alerts = set(re.findall(r"alert: (\w+)", read(RULES)))
        self.assertGreater(len(alerts), 10)
        cases = read(CASES)
        fires = set(re.findall(r"labels: 'ALERTS\{alertname=\"(\w+)\"", cases))
        silent = set(re.findall(r"expr: ALERTS\{alertname=\"(\w+)\".*\n +eval_time: .*\n +exp_samples: \[\]", cases))
        self.assertEqual((sorted(alerts - fires), sorted(alerts - silent)), ([], []))

    def test_each_alert_says_what_it_means_and_how_urgent_it_is(self):
        for alert in read(RULES).split("- alert: ")[1:]:
            for part in ("severity: page", "severity: ticket"), ("summary: ",), ("description: >-",):
                self.assertTrue([text for text in part if text in alert], f"{part} in:\n{alert}")

    def test_each_metric_of_the_rules_is_on_the_page(self):
        daemon = self.daemon(self.write(TROUBLE % self.data_dir())).started()
        page = daemon.get("/metrics")[1]
        exported = set(re.findall(r"^([a-z_]+)[{ ]", page, re.MULTILINE))
        expressions = re.sub(r"(summary|description):.*?(?=\n      - |\Z)", "", read(RULES), flags=re.DOTALL)
        named = set(re.findall(r"\b(?:millrace|process)_[a-z_]+\b", expressions))
        self.assertGreater(len(named), 15)
        self.assertEqual(sorted(named - exported), [])

    def data_dir(self):
        return os.path.join(self.folder, "data-of-daemon")

    def test_alerts_fire_in_a_live_prometheus(self):
        troubled = self.daemon(self.write(TROUBLE % self.data_dir())).started()
        cramped = self.daemon(self.write(
            "daemon: { http: 127.0.0.1:0, data_dir: %s, store: { disk_reserve: 1000000GiB } }\n" %
            os.path.join(self.folder, "data-cramped"), "cramped.yaml")).started()
        port = self.prometheus(troubled.port, cramped.port, rules=self.write(hurried(read(RULES)), "rules.yml"))
        self.until(port, "sum(up)", lambda up: up == 2)
        for alert, label in (("MillraceOldestJobTooOld", 'queue="alone"'), ("MillraceNoConsumer", 'queue="alone"'),
                             ("MillraceJobsFail", 'queue="words"'), ("MillraceQueueFull", 'queue="full"'),
                             ("MillraceDiskSpace", f'instance="127.0.0.1:{cramped.port}"')):
            self.until(port, f'ALERTS{{alertname="{alert}", alertstate="firing", {label}}}', lambda value: value == 1)
        self.assertIsNone(self.query(port, 'ALERTS{alertname=~"MillraceDown|MillraceStoreErrors"}'))
        cramped.signal()
        self.assertEqual(cramped.wait(), 0)
        self.until(port, f'ALERTS{{alertname="MillraceDown", instance="127.0.0.1:{cramped.port}"}}',
                   lambda value: value == 1)


del PrometheusTest

if __name__ == "__main__":
    unittest.main(verbosity=2)
