#!/usr/bin/env python3
"""`millrace compare` runs the built daemon and other programs, and shows them side by side."""

import json
import os
import subprocess
import unittest
import xml.etree.ElementTree as xml

from support import CONFIG, MILLRACED, PATIENCE, ROOT, DaemonTest

MILLRACE = os.path.join(os.path.dirname(MILLRACED), "millrace")
RACE = os.path.join(CONFIG, "tutorial", "sleep-sort.yaml")
ORIGINAL = "python3 -B " + os.path.join(ROOT, "tests", "tutorial", "sleep_sort.py")


class Compare(DaemonTest):
    def compare(self, *words):
        return subprocess.run([MILLRACE, "compare", *words], capture_output=True, text=True, timeout=PATIENCE)

    def test_modes_and_another_program_are_shown_side_by_side(self):
        drawing = os.path.join(self.folder, "drawing.svg")
        ended = self.compare(RACE, "--modes", "sequential,loop", "--against", ORIGINAL, "--json", "--plot", drawing)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        in_sequence, on_loop, original = json.loads(ended.stdout)["results"]
        self.assertEqual([line["text"] for line in in_sequence["lines"]], ["5", "3", "9", "1", "8", "2"])
        for one in (on_loop, original):
            self.assertEqual(sorted(line["text"] for line in one["lines"]), ["1", "2", "3", "5", "8", "9"])
        self.assertGreaterEqual(in_sequence["wall_seconds"]["median"], 2.8)
        self.assertGreaterEqual(on_loop["wall_seconds"]["median"], 0.9)
        self.assertGreater(on_loop["service_seconds"]["p99"], 0.1)
        self.assertIn("p99", on_loop["loop_lag_seconds"])
        self.assertEqual(xml.parse(drawing).getroot().tag, "{http://www.w3.org/2000/svg}svg")

    def test_a_workload_whose_jobs_fail_is_compared_too(self):
        ended = self.compare(os.path.join(CONFIG, "tutorial", "timeout.yaml"), "--modes", "as-written", "--runs", "2")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertRegex(ended.stdout, r"timeout +as-written .* 4\n")
        self.assertIn("timed out: 1h, done after 500ms", ended.stdout)

    def test_what_cannot_run_is_explained(self):
        missing = self.compare(os.path.join(self.folder, "nothing.yaml"))
        self.assertEqual(missing.returncode, 1)
        self.assertIn("nothing.yaml: cannot be read", missing.stderr)
        failing = self.compare(RACE, "--modes", "loop", "--against", "exit 7")
        self.assertEqual(failing.returncode, 1)
        self.assertIn("exit 7 ended with status 7", failing.stderr)
        absent = self.compare(RACE, "--daemon", os.path.join(self.folder, "millraced"))
        self.assertEqual(absent.returncode, 3)
        self.assertIn("millraced: No such file", absent.stderr)
        unwritable = self.compare(RACE, "--modes", "loop", "--plot", os.path.join(self.folder, "no", "x.svg"))
        self.assertEqual(unwritable.returncode, 1)
        self.assertIn("cannot be written", unwritable.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
