"""The dashboards of deploy/grafana: made from their source, complete, and every query of every panel has an answer
from a real Prometheus while a daemon works, fails, times out, fills a queue and writes to disk.
"""

import importlib.machinery
import importlib.util
import itertools
import json
import math
import os
import re
import signal
import socket
import subprocess
import threading
import time
import unittest
import xml.etree.ElementTree

from activation_support import Activated
from beanstalk_wire import Wire, put
from prometheus_support import PrometheusTest
from support import PATIENCE, ROOT

FOLDER = os.path.join(ROOT, "deploy", "grafana")
NAMES = ("overview", "queue", "internals")
RULES = os.path.join(ROOT, "deploy", "prometheus", "millrace.rules.yml")

# A query for the values of a variable: a selector, and a label.
LABEL_VALUES = re.compile(r"label_values\((.+), (\w+)\)")

# Draws the committed pictures after so many minutes under the workload.
PICTURES = os.environ.get("MILLRACE_PICTURES", "")

# Exported, and in no dashboard or rule.
UNUSED = {
    "millrace_backpressure_seconds_total": "the gauge shows the same at a glance",
    "process_virtual_memory_bytes": "says nothing about what is used",
}

WORK = """
daemon: { http: 127.0.0.1:0, beanstalk: 127.0.0.1:0, data_dir: %s, stall_threshold: 1ms }
queues:
  numbers: {}
  failed: {}
  naps: { retry: { attempts: 2, first: 10ms } }
  heavy: {}
  full: { max_jobs: 1, overflow: reject }
producers:
  primes: { kind: range, queue: numbers, from: 1, to: 1000000000, rate: 100/s }
  wrong: { kind: list, queue: numbers, items: [WORDS], rate: 50/s }
  too_many: { kind: range, queue: full, from: 1, to: 1000000000, rate: 20/s }
  sleepy: { kind: list, queue: naps, items: [NAPS], rate: 20/s }
  rare: { kind: range, queue: heavy, from: 1, to: 1000000000, rate: 5/s }
consumers:
  stalling: { queue: heavy, handler: spin, length: 20ms }
  prime: { queue: numbers, handler: prime, run_on: threads, dead_letter: failed }
  sleeper: { queue: naps, handler: sleep, timeout: 1ms, concurrency: 4 }
""".replace("WORDS", ", ".join(["seven"] * 20_000)).replace("NAPS", ", ".join(["10ms"] * 20_000))


def dashboards():
    for name in NAMES:
        with open(os.path.join(FOLDER, "dashboards", name + ".json")) as file:
            yield name, json.load(file)


def panels():
    for name, board in dashboards():
        for panel in board["panels"]:
            if panel["type"] != "row":
                yield name, panel


def queries():
    """(dashboard, panel, expression)"""
    return [(name, panel["title"], target["expr"]) for name, panel in panels() for target in panel["targets"]]


def filled_in(expression, values):
    """The expression with a value for each variable in it."""
    for variable, value in values.items():
        expression = expression.replace(variable, value)
    return expression


class Customer(threading.Thread):
    """A client that does right and wrong until it is told to stop."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.stopped = address, threading.Event()

    def run(self):
        with Wire(self.address) as wire:
            while not self.stopped.wait(0.1):
                wire.send(put(b"job"))
                wire.line()
                wire.send(b"reserve-with-timeout 0\r\n")
                number = int(wire.line().split()[1])
                wire.line()
                wire.ask(b"bury %d 0\r\n" % number, b"BURIED\r\n")
                wire.ask(b"nonsense\r\n", b"UNKNOWN_COMMAND\r\n")


class Dashboards(PrometheusTest):
    def test_they_are_what_their_source_makes(self):
        loader = importlib.machinery.SourceFileLoader("make", os.path.join(FOLDER, "make"))
        make = importlib.util.module_from_spec(importlib.util.spec_from_loader("make", loader))
        loader.exec_module(make)
        self.assertEqual(sorted(make.DASHBOARDS), sorted(NAMES))
        for name, board in dashboards():
            self.assertEqual(board, json.loads(json.dumps(make.dashboard(name))), f"run deploy/grafana/make: {name}")

    def test_each_panel_says_what_it_shows_and_what_is_normal(self):
        for name, panel in panels():
            for part in (panel["title"], panel["description"], panel["fieldConfig"]["defaults"]["unit"]):
                self.assertTrue(part, f"{name}: {panel['title']}")

    def test_the_first_row_says_whether_all_is_well(self):
        for name, dashboard in dashboards():
            row, *panels = dashboard["panels"]
            self.assertEqual((row["type"], row["title"]), ("row", "Health"), name)
            first_row = itertools.takewhile(lambda panel: panel["type"] != "row", panels)
            self.assertEqual({panel["type"] for panel in first_row}, {"stat"}, name)

    def test_panels_do_not_overlap(self):
        for name, board in dashboards():
            cells = set()
            for panel in board["panels"]:
                place = panel["gridPos"]
                covered = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                           for y in range(place["y"], place["y"] + place["h"])}
                self.assertFalse(cells & covered, f"{name}: {panel['title']}")
                self.assertLessEqual(place["x"] + place["w"], 24)
                cells |= covered

    def work(self):
        """A daemon under this workload, a customer, and a Prometheus that scrapes it."""
        daemon = self.daemon(self.write(WORK % os.path.join(self.folder, "data-of-daemon")))
        entry = daemon.wait_for("started")
        daemon.port = int(entry["http"].rsplit(":", 1)[1])
        customer = Customer(("127.0.0.1", int(entry["beanstalk"].rsplit(":", 1)[1])))
        customer.start()
        self.addCleanup(customer.join, PATIENCE)
        self.addCleanup(customer.stopped.set)
        return daemon, self.prometheus(daemon.port)

    def wait_for_answers(self, port):
        self.until(port, "count(millrace_build_info)", lambda daemons: daemons == 1)
        variables = {name: self.variables(port, board) for name, board in dashboards()}
        open_queries = dict.fromkeys(queries())
        ends = time.monotonic() + PATIENCE
        while open_queries and time.monotonic() < ends:
            open_queries = {(name, title, expression): None for name, title, expression in open_queries
                            if not self.has_answer(port, filled_in(expression, variables[name]))}
            time.sleep(0.2)  # it scrapes once a second and tells nobody
        self.assertEqual(list(open_queries), [])

    def variables(self, port, board):
        """All values of each variable of a dashboard, as Grafana writes them into an expression."""
        values = {"$__rate_interval": "10s"}
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                selector, label = LABEL_VALUES.fullmatch(variable["query"]).groups()
                found = self.label_values(port, filled_in(selector, values), label)
                self.assertTrue(found, f"{board['title']}: {variable['query']}")
                values["$" + variable["name"]] = "(" + "|".join(map(re.escape, found)).replace("\\", "\\\\") + ")"
        return values

    def test_annotations_mark_reloads_and_starts(self):
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)
        settings = self.write("daemon: { http: '127.0.0.1:0' }\n", "millraced.yaml")
        first, port = self.begin(listening, settings), self.prometheus(listening.getsockname()[1])
        self.until(port, "count(millrace_build_info)", lambda daemons: daemons == 1)
        marks = {}
        for _, board in dashboards():
            values = self.variables(port, board)
            for one in board["annotations"]["list"]:
                marks.setdefault(one["name"], set()).add(filled_in(one["expr"], values))
        self.assertEqual(set(marks), {"reloads", "starts"})
        first.process.send_signal(signal.SIGHUP)
        first.wait_for("reloaded")
        for expression in marks["reloads"]:
            self.until(port, expression, lambda changes: changes > 0)
        first.process.send_signal(signal.SIGTERM)
        self.assertEqual(first.process.wait(PATIENCE), 0)
        for expression in marks["starts"]:
            self.assertIsNone(self.query(port, expression))
        self.begin(listening, settings)
        for expression in marks["starts"]:
            self.until(port, expression, lambda changes: changes > 0)

    def begin(self, listening, settings):
        """A daemon whose address for HTTP stays when it ends."""
        daemon = Activated([listening], ["http"], "--config", settings)
        self.addCleanup(daemon.kill)
        daemon.wait_for("started")
        return daemon

    def test_each_dashboard_can_be_drawn_from_live_answers(self):
        _, port = self.work()
        self.wait_for_answers(port)
        self.until(port, "sum(millrace_loop_stalls_total)", lambda stalls: stalls > 0)
        time.sleep(60 * float(PICTURES or 0))
        folder = os.path.join(FOLDER, "pictures") if PICTURES else self.folder
        command = [os.path.join(FOLDER, "draw"), f"http://127.0.0.1:{port}", folder, "--minutes", PICTURES or "1"]
        subprocess.run(command, check=True, timeout=PATIENCE)
        for name, board in dashboards():
            drawn = xml.etree.ElementTree.parse(os.path.join(folder, name + ".svg")).getroot()
            words = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")]
            for title in [board["title"], *(panel["title"] for panel in board["panels"])]:
                self.assertIn(title, words)
            self.assertNotIn("no data", words, name)

    def test_each_query_has_an_answer_and_each_metric_a_use(self):
        daemon, port = self.work()
        self.wait_for_answers(port)
        exported = set(re.findall(r"^# TYPE ([a-z_]+) ", daemon.get("/metrics")[1], re.MULTILINE))
        with open(RULES) as rules:
            used = " ".join(expression for *_, expression in queries()) + rules.read() + json.dumps(list(dashboards()))
        words = {re.sub(r"_(bucket|sum|count)$", "", word) for word in re.findall(r"\b[a-z_]+\b", used)}
        self.assertEqual(sorted(exported - words), sorted(UNUSED))

    def has_answer(self, port, expression):
        return any(map(math.isfinite, self.values(port, expression)))


del PrometheusTest

if __name__ == "__main__":
    unittest.main(verbosity=2)
