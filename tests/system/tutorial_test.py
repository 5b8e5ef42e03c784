#!/usr/bin/env python3
"""The workloads of config/tutorial run as they are written, in real time, and print what their Python originals print.

Their order and times are tested on a clock without delays (tests/service/tutorial_test.cpp); here a busy machine can
make lines late, so that lines are compared without their order, and no run may take less than it must wait.
"""

import os
import re
import subprocess
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor

from support import CONFIG, MILLRACED, PATIENCE, ROOT, DaemonTest, parsed

FOLDER = os.path.join(CONFIG, "tutorial")
ORIGINALS = os.path.join(ROOT, "tests", "tutorial")
SERVER = "page_server.py"
AT_ONCE = 16  # runs; they wait most of their time

# Name, arguments: exit status, seconds that it must wait, the Python original and its arguments.
RUNS = {
    ("arithmetic",): (0, 7, ["arithmetic"]),
    ("blocking",): (0, 7, ["blocking"]),
    ("blocking", "--mode", "threads"): (0, 4, ["blocking", "threads"]),
    ("cancel",): (0, 1, ["cancel"]),
    ("countdown",): (0, 3, ["countdown"]),
    ("countdown", "--mode", "sequential"): (0, 6.9, ["countdown", "sequential"]),
    ("cpu-bound",): (0, 0, ["cpu_bound"]),
    ("cpu-bound", "--mode", "processes"): (0, 0, None),
    ("fetch",): (0, 0.1, ["fetch", "50"]),
    ("fetch", "--mode", "sequential"): (0, 5, None),
    ("fetch-to-file",): (0, 0.3, ["fetch_to_file"]),
    ("fetch-to-file", "--mode", "sequential"): (0, 2, None),
    ("future",): (0, 2, ["future"]),
    ("hello",): (0, 2, ["hello"]),
    ("kitchen",): (0, 1.7, ["kitchen"]),
    ("kitchen", "--mode", "sequential"): (0, 2.8, None),
    ("kitchen-main-first",): (0, 1.5, ["kitchen", "main-first"]),
    ("numbers",): (0, 7, ["numbers"]),
    ("orders",): (0, 3, ["orders"]),
    ("primes",): (0, 0, ["primes"]),
    ("primes", "--mode", "processes"): (0, 0, ["primes"]),
    ("primes", "--mode", "threads"): (0, 0, ["primes"]),
    ("producers-consumers",): (0, 0, ["producers_consumers"]),
    ("sleep-sort",): (0, 0.9, ["sleep_sort"]),
    ("task-names",): (0, 7, ["task_names"]),
    ("three-names",): (0, 3, ["three_names"]),
    ("three-names", "--mode", "sequential"): (0, 6, ["three_names"]),
    ("timeout",): (4, 1.5, ["timeout"]),
    ("two-workers-one-queue",): (0, 1.6, ["two_workers"]),
    ("two-workers-one-queue", "--mode", "sequential"): (0, 3.2, ["two_workers", "sequential"]),
    ("wait",): (4, 3, ["wait"]),
}


def numbers(lines):
    """The numbers at the ends of the lines."""
    return sorted(int(line.rsplit(" ", 1)[1]) for line in lines)


def totals(lines):
    return numbers(line for line in lines if " total: " in line)


# Where chance decides who takes an item, what the lines of the workload and of its original must have in common.
BY_CHANCE = {("producers-consumers",): numbers, ("two-workers-one-queue",): totals}


class Tutorial(DaemonTest):
    def setUp(self):
        super().setUp()
        server = subprocess.Popen([sys.executable, "-B", os.path.join(ORIGINALS, SERVER), "0"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.communicate)
        self.environment = dict(os.environ, PAGES=server.stdout.readline().strip())

    def test_the_best_order_for_the_kitchen_is_found_by_trying_all(self):
        ended = subprocess.run([sys.executable, "-B", os.path.join(FOLDER, "best_order.py"), MILLRACED], check=True,
                               capture_output=True, text=True, timeout=PATIENCE)
        *orders, sequential, given, best = ended.stdout.splitlines()
        minutes = {line.split(":")[0]: int(line.split(" ")[-2]) for line in orders}
        self.assertEqual(len(minutes), 6)
        for names, least in (("soup, roast, cake", 17), ("soup, cake, roast", 20), ("roast, soup, cake", 15),
                             ("roast, cake, soup", 15), ("cake, soup, roast", 20), ("cake, roast, soup", 18)):
            self.assertGreaterEqual(minutes[names], least, names)
        self.assertRegex(sequential, r"^one after another: \d+ minutes$")
        self.assertEqual(given, f"the order given: {minutes['soup, roast, cake']} minutes (soup, roast, cake)")
        found = re.fullmatch(r"the best order: (\d+) minutes \((.*)\)", best)
        self.assertEqual(minutes[found[2]], min(minutes.values()))
        self.assertEqual(int(found[1]), min(minutes.values()))

    def test_every_workload_is_here(self):
        files = {name.removesuffix(".yaml") for name in os.listdir(FOLDER) if name.endswith(".yaml")}
        self.assertEqual(files, {name for name, *_ in RUNS})

    def test_every_original_is_run(self):
        files = {name.removesuffix(".py") for name in os.listdir(ORIGINALS)}
        self.assertEqual(files - {SERVER.removesuffix(".py")},
                         {original[0] for _, _, original in RUNS.values() if original})

    def copy_of(self, run):
        """The file that a run may write."""
        return os.path.join(self.folder, "-".join(run) + ".txt")

    def lines_of_copy(self, run):
        with open(self.copy_of(run), encoding="utf-8") as file:
            return sorted(file.read().splitlines())

    def run_both(self, run):
        """Of the workload: exit status, sorted lines, summary, stalled tasks; and the sorted lines of its original."""
        name, *arguments = run
        daemon = self.daemon(os.path.join(FOLDER, name + ".yaml"), "--until-idle", "--summary", "json", *arguments,
                             env=dict(self.environment, COPY=self.copy_of(run)))
        original = RUNS[run][2]
        expected = None
        if original:
            program = [sys.executable, "-B", os.path.join(ORIGINALS, original[0] + ".py"), *original[1:]]
            expected = sorted(subprocess.run(program, check=True, capture_output=True, text=True, timeout=PATIENCE,
                                             env=dict(self.environment, COPY=self.copy_of(original)))
                              .stdout.splitlines())
        printed = sorted(daemon.printed.rest())
        log = [entry for line in daemon.log.rest() if (entry := parsed(line))]
        stalled = {entry["task"] for entry in log if entry.get("event") == "loop_stalled"}
        return daemon.wait(), printed, log[-1], stalled, expected

    def test_each_prints_what_its_original_prints_and_waits_no_less_than_it_must(self):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            ended = list(pool.map(self.run_both, RUNS))
        for (run, (status, seconds, _)), (got, printed, summary, _, expected) in zip(RUNS.items(), ended):
            with self.subTest(" ".join(run)):
                self.assertEqual(got, status)
                self.assertGreaterEqual(summary["wall_seconds"], seconds)
                if expected is not None and run not in BY_CHANCE:
                    self.assertEqual(printed, expected)
                if run in BY_CHANCE:
                    self.assertEqual(BY_CHANCE[run](printed), BY_CHANCE[run](expected))
        lines = {run: printed for run, (_, printed, *_) in zip(RUNS, ended)}
        stalled = {run: tasks for run, (_, _, _, tasks, _) in zip(RUNS, ended)}
        self.assertTrue(any(task.startswith("orders#") for task in stalled[("blocking",)]), stalled)
        self.assertEqual(lines[("fetch", "--mode", "sequential")], lines[("fetch",)])
        self.assertEqual(lines[("cpu-bound",)], ["Order complete"] * 4)
        self.assertEqual(lines[("cpu-bound", "--mode", "processes")], ["Order complete"] * 4)
        self.assertEqual(numbers(lines[("producers-consumers",)]), list(range(1, 31)))
        self.assertEqual(totals(lines[("two-workers-one-queue",)]), [2, 5, 10, 15])
        self.assertIn("Task Two: nothing to do", lines[("two-workers-one-queue", "--mode", "sequential")])
        pages = sorted(f"{number}: page {number}" for number in range(1, 21))
        for run in (("fetch-to-file",), ("fetch-to-file", "--mode", "sequential"), ["fetch_to_file"]):
            self.assertEqual(self.lines_of_copy(run), pages)


if __name__ == "__main__":
    unittest.main(verbosity=2)
