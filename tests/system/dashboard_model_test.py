"""The dashboards of deploy/grafana against the types that Grafana publishes: no key that Grafana does not know, and
none missing. tests/system/grafana/package-lock.json pins the version of the types.
"""

import glob
import json
import os
import subprocess
import tempfile
import unittest

import npm_support
from support import ROOT

SOURCE = os.path.join(ROOT, "tests", "system", "grafana")
INSTALLED = npm_support.folder_of("grafana")
DASHBOARDS = sorted(glob.glob(os.path.join(ROOT, "deploy", "grafana", "dashboards", "*.json")))


def setUpModule():
    try:
        npm_support.install(SOURCE, INSTALLED)
    except (OSError, subprocess.SubprocessError) as failure:
        raise unittest.SkipTest(f"the types of Grafana cannot be installed here: {failure}") from failure


class Model(unittest.TestCase):
    def errors(self, *files):
        command = ["node", os.path.join(SOURCE, "check_model.mjs"), INSTALLED, *files]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240)
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.returncode, 1 if done.stdout else 0)
        return done.stdout

    def test_each_dashboard_is_of_the_published_types(self):
        self.assertEqual(len(DASHBOARDS), 3)
        self.assertEqual(self.errors(*DASHBOARDS), "")

    def test_unknown_missing_and_mistyped_keys_are_found(self):
        with open(DASHBOARDS[0]) as file:
            board = json.load(file)
        panel = next(panel for panel in board["panels"] if panel["type"] == "timeseries")
        panel["gridPosition"] = {}
        panel["targets"][0]["expression"] = "up"
        del panel["options"]["legend"]
        panel["fieldConfig"]["defaults"]["min"] = "0"
        board["refresh"] = 30
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(board, file)
            file.flush()
            found = self.errors(file.name)
        for word in ("gridPosition", "expression", "legend", "defaults/min", "/refresh"):
            self.assertIn(word, found)


if __name__ == "__main__":
    unittest.main(verbosity=2)
