"""The log as text and as JSON."""

import json
import os
import re
import unittest

from support import DaemonTest, run

FAILING = """queues: { q: {} }
producers: { words: { kind: list, queue: q, items: ["two\\nlines", "a \\"quote\\"", "ü"] } }
consumers: { c: { queue: q, handler: prime } }
"""


class Logs(DaemonTest):
    def test_text_has_time_level_event_and_sentence(self):
        ended = run("--config", self.settings(FAILING), "--until-idle", "--log-format", "text")
        self.assertEqual(ended.returncode, 4, ended.stderr)
        lines = ended.stderr.splitlines()
        self.assertRegex(lines[0], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warning|error) +[a-z_]+  ")
        started = next(line for line in lines if " started  " in line)
        self.assertRegex(started,
                         r" info +started  millraced is running version=\S+ pid=\d+ http=127\.0\.0\.1:[1-9]\d* ")
        self.assertFalse([line for line in lines if re.search(r"[\x00-\x1f]", line)])

    def test_every_line_of_json_parses_the_summary_too(self):
        ended = run("--config", self.settings(FAILING), "--until-idle", "--log-format", "json", "--log-level", "debug")
        entries = [json.loads(line) for line in ended.stderr.splitlines()]
        self.assertLessEqual({"time", "level", "event", "message"}, set.intersection(*map(set, entries)))
        self.assertIn("started", [entry["event"] for entry in entries])
        self.assertIn("summary", [entry["event"] for entry in entries])

    @unittest.skipIf(os.path.exists("/run/systemd/journal/socket"), "this machine has a journal")
    def test_without_a_journal_one_line_says_so_and_the_rest_is_text(self):
        ended = run("--config", self.settings(FAILING), "--until-idle", "--log-format", "journald")
        lines = ended.stderr.splitlines()
        self.assertEqual([line for line in lines if "journal" in line], lines[:1])
        self.assertIn("logging text to standard error", lines[0])
        self.assertRegex(lines[1], r"^\d{4}-\d\d-\d\dT.* info +started ")
        self.assertRegex(ended.stderr, r"(?m)^.*failed.*3")  # the summary
        missing = self.write("daemon: { http: 127.0.0.1:0, data_dir: missing/data }\n")
        ended = run("--config", missing, "--log-format", "journald")
        self.assertEqual(ended.returncode, 3)
        self.assertRegex(ended.stderr, r"could_not_start .*missing/data")

    def test_lines_below_the_level_are_left_out(self):
        ended = run("--config", self.settings(FAILING), "--until-idle", "--log-format", "json", "--log-level", "error")
        self.assertNotIn('"level":"info"', ended.stderr)

    def test_settings_give_single_events_another_level(self):
        logged = "log: { level: error, events: [job_failed=error] }"
        settings = self.write("daemon: { http: 127.0.0.1:0, %s }\n%s" % (logged, FAILING))
        ended = run("--config", settings, "--until-idle", "--log-format", "json")
        entries = {entry["event"]: entry for entry in map(json.loads, ended.stderr.splitlines())}
        self.assertNotIn("started", entries)
        self.assertEqual(entries["job_failed"]["level"], "error")
        ended = run("--config", settings, "--until-idle", "--log-format", "json", "--log-level", "info")
        self.assertIn('"event":"started"', ended.stderr)

    def test_a_handler_that_holds_the_loop_is_named_while_it_does(self):
        settings = self.settings(
            "queues: { work: {} }\n"
            "producers: { p: { kind: list, queue: work, items: [1s, soon] } }\n"
            "consumers: { faulty: { queue: work, handler: block } }\n")
        daemon = self.daemon(settings, "--until-idle")
        self.assertEqual(daemon.wait(), 4)
        (stall,) = daemon.entries("loop_stall_stack")
        self.assertEqual(stall["task"], "faulty#1")
        self.assertIn("blocking::step", stall["stack"])
        events = [json.loads(line)["event"] for line in daemon.log.rest() if line.startswith("{")]
        self.assertLess(events.index("loop_stalled"), events.index("loop_stall_stack"))
        self.assertLess(events.index("loop_stall_stack"), events.index("loop_stall_ended"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
