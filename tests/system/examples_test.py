"""The examples of config/ run as they are written, and print what their comments say."""

import hashlib
import json
import os
import unittest

from support import CONFIG, DaemonTest


class Examples(DaemonTest):
    def run_example(self, name):
        """What it printed, sorted, and its summary. Such a run ends because nothing is left to do."""
        daemon = self.daemon(os.path.join(CONFIG, name), "--until-idle", "--summary", "json")
        printed = sorted(daemon.printed.rest())
        status = daemon.wait()
        return printed, status, json.loads(daemon.log.rest()[-1])

    def test_the_retries_example_tries_again_and_sets_failed_jobs_aside(self):
        printed, status, summary = self.run_example("retries.yaml")
        self.assertEqual(printed, [
            "Dear Ada, your order is on its way.",
            "Dear Bo, your order is on its way.",
        ])
        self.assertEqual(status, 4)
        self.assertEqual(summary["dead_lettered"], 2)
        self.assertEqual(summary["buried"], 0)
        self.assertEqual(summary["consumers"]["post"]["ok"], 3)
        self.assertEqual(summary["consumers"]["post"]["retried"], 6)
        self.assertEqual(summary["consumers"]["post"]["failed"], 0)
        self.assertEqual(summary["consumers"]["fax"]["retried"], 1)
        self.assertEqual(summary["consumers"]["fax"]["failed"], 1)
        self.assertEqual(summary["consumers"]["report"]["failed"], 1)
        self.assertEqual(summary["consumers"]["report"]["retried"], 0)
        self.assertEqual(summary["queues"], {
            "failed": {"ready": 2, "reserved": 0, "delayed": 0, "buried": 0, "served": False},
        })

    def test_the_expiry_example_reports_what_came_too_late(self):
        printed, status, summary = self.run_example("expiry.yaml")
        self.assertEqual(printed, ["ice cream came too late.", "umbrellas came too late."])
        self.assertEqual(status, 4)
        self.assertEqual(summary["dead_lettered"], 2)
        self.assertEqual(summary["consumers"]["sell"]["ok"], 1)
        self.assertEqual(summary["queues"], {})

    def test_the_files_example_appends_to_one_file_for_each_country(self):
        with open(os.path.join(CONFIG, "files.yaml"), encoding="utf-8") as file:
            settings = self.write(file.read(), "files.yaml")
        self.finish(settings)
        self.finish(settings)
        # Started in another folder: paths are relative to the file of settings.
        lines = {}
        for country in ("AT", "PT"):
            with open(os.path.join(self.folder, f"sales-{country}.log"), encoding="utf-8") as file:
                lines[country] = file.read()
        self.assertEqual(lines, {"AT": "AT 7\n" * 2, "PT": "PT 12.5\nPT 30\n" * 2})

    def test_the_checksums_example_prints_the_sums_of_files(self):
        printed, status, summary = self.run_example("checksums.yaml")
        names = ["fermat-prime.txt", "mersenne-prime.txt"]
        expected = []
        for name in names:
            with open(os.path.join(CONFIG, "data", name), "rb") as file:
                expected.append(f"{hashlib.sha256(file.read()).hexdigest()}  {name}")
        self.assertEqual(printed, sorted(expected))
        self.assertEqual(status, 4)
        self.assertEqual(summary["consumers"]["checksum"]["ok"], 2)
        self.assertEqual(summary["consumers"]["checksum"]["failed"], 1)

    def test_jobs_that_are_tried_again_and_end_well_are_no_failures(self):
        settings = self.settings(
            "queues: { work: { retry: { attempts: 3, first: 1ms } } }\n"
            "producers: { p: { kind: range, queue: work, from: 1, to: 5 } }\n"
            "consumers: { c: { queue: work, handler: fail, times: 2 } }\n")
        daemon = self.daemon(settings, "--until-idle", "--summary", "json")
        self.assertEqual(daemon.wait(), 0)
        summary = json.loads(daemon.log.rest()[-1])
        self.assertTrue(summary["all_done"])
        self.assertEqual(summary["jobs"]["ok"], 5)
        self.assertEqual(summary["jobs"]["retried"], 10)


if __name__ == "__main__":
    unittest.main(verbosity=2)
