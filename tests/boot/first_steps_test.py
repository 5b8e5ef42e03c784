#!/usr/bin/env python3
"""Someone follows deploy/README.md: installs the package with apt, looks at the service as it is, and lets Prometheus
scrape it."""

import json
import re
import unittest

from boot_support import text_of
from booted import PATIENCE
from service_support import ServiceTest

PAGE = text_of("deploy", "README.md")
LINES, = re.findall(r"^```yaml\n(rule_files:\n.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
SETTINGS_OF_PROMETHEUS = "/etc/prometheus/prometheus.yml"
PROVISIONING = "/usr/share/millrace/grafana/provisioning/dashboards.yml"

# Puts the lines of the page into the lists of the file that are there already.
ADD = """
import sys
path, lines = sys.argv[1:]
text = open(path).read()
for part in lines.replace("scrape_configs:", "\\0scrape_configs:").split("\\0"):
    head = "\\n" + part.splitlines()[0] + "\\n"
    assert text.count(head) == 1, head
    text = text.replace(head, "\\n" + part)
open(path, "w").write(text)
"""

# Asks Prometheus until each expression has finite numbers only, and prints the last answers. It tells nobody when it
# has scraped.
ASK = """
import json, math, sys, time, urllib.parse, urllib.request
def ask(expression):
    query = urllib.parse.urlencode({"query": expression})
    try:
        with urllib.request.urlopen("http://127.0.0.1:9090/api/v1/query?" + query, timeout=60) as answer:
            return [float(series["value"][1]) for series in json.load(answer)["data"]["result"]]
    except OSError:
        return []
ends = time.monotonic() + float(sys.argv[1])
expressions = sys.argv[2:]
while True:
    answers = [ask(expression) for expression in expressions]
    if all(values and all(map(math.isfinite, values)) for values in answers) or time.monotonic() > ends:
        break
    time.sleep(0.2)
print(json.dumps(answers))
"""

# Those of the health row and those that need no traffic.
PANELS = ("Up", "Refusing", "Jobs/s done", "Failed", "Oldest ready job", "Puts that wait", "Buried", "Store lag",
          "Jobs put", "Jobs ready", "Memory", "Connections")
VARIABLES = {"$job": "millrace", "$instance": ".*", "$queue": ".*", "$__rate_interval": "1m"}


class FirstSteps(ServiceTest):
    @classmethod
    def prepare(cls):
        cls.without_index_of_man_pages()
        install = ["apt-get", "install", "--yes", "--no-install-recommends", "/root/old.deb"]
        cls.machine.run(*install, check=True)
        cls.active = cls.machine.run("systemctl", "is-active", "millraced").stdout

    def read(self, path):
        return self.machine.run("cat", path, check=True).stdout

    def answers(self, *expressions):
        """The values of each, once all have some."""
        found = json.loads(self.python(ASK, str(PATIENCE), *expressions))
        self.assertEqual([expression for expression, values in zip(expressions, found) if not values], [])
        return found

    def test_1_the_service_runs_with_the_settings_of_the_package(self):
        self.assertEqual(self.active, "active\n")
        self.assertEqual(self.get("http://127.0.0.1:9464/readyz"), "ready\n")
        status = self.machine.run("millrace", "status")
        self.assertEqual((status.returncode, status.stderr), (0, ""))
        self.assertIn("ready", status.stdout)
        self.assertEqual(self.client(rf"delete {self.put('x')}\r\n"), ["DELETED"])

    def test_2_prometheus_scrapes_it_with_the_lines_of_the_page(self):
        example = self.read("/usr/share/millrace/prometheus/prometheus.yml")
        self.assertIn(LINES[LINES.index("scrape_configs:"):], example)
        self.systemctl("start", "prometheus")
        self.answers("vector(1)")
        self.python(ADD, SETTINGS_OF_PROMETHEUS, LINES)
        self.machine.run("promtool", "check", "config", SETTINGS_OF_PROMETHEUS, check=True)
        self.systemctl("reload", "prometheus")
        self.assertEqual(self.answers('up{job="millrace"}', 'millrace:queue_ready_age_seconds:limit{queue=""}'),
                         [[1], [600]])
        loaded = json.loads(self.get("http://127.0.0.1:9090/api/v1/rules"))["data"]["groups"]
        rules = self.read("/usr/share/millrace/prometheus/millrace.rules.yml")
        self.assertEqual(sorted(group["name"] for group in loaded),
                         sorted(re.findall(r"^  - name: (\S+)$", rules, re.MULTILINE)))

    def test_3_the_dashboard_that_grafana_finds_has_answers(self):
        folder = re.search(r"path: (\S+)", self.read(PROVISIONING))[1]
        panels = json.loads(self.read(f"{folder}/overview.json"))["panels"]
        expressions = [target["expr"] for panel in panels if panel["title"] in PANELS
                       for target in panel.get("targets", ())]
        self.assertGreaterEqual(len(expressions), len(PANELS))
        for variable, value in VARIABLES.items():
            expressions = [expression.replace(variable, value) for expression in expressions]
        self.answers(*expressions)


del ServiceTest

if __name__ == "__main__":
    unittest.main(verbosity=2)
