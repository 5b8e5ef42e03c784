"""Traces of the built daemon: what is in the file, its limit, its end, and how it is begun and ended."""

import collections
import json
import os
import signal
import subprocess
import unittest

from control_support import MILLRACE, QueueTest
from support import PATIENCE, DaemonTest, run
from worker_words import WORDS

TASKS, THREADS, PROCESSES, STORE, JOBS = 1, 2, 3, 4, 5
ECHO = WORDS + """
for line in sys.stdin:
    job = json.loads(line)
    say(id=job["id"], ok=True)
"""


def events_of(path):
    """The events of a trace, which must be JSON."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def is_complete(path):
    """A trace is complete between two writes; within one, a reader may see a part of it."""
    try:
        return bool(events_of(path))
    except json.JSONDecodeError:
        return False


class Rows:
    """The spans of a trace by the name of their row, in the order of their begin."""

    def __init__(self, path):
        self.events = events_of(path)
        names = {(event["pid"], event["tid"]): event["args"]["name"] for event in self.events
                 if event["name"] == "thread_name"}
        self.rows = collections.defaultdict(list)
        for event in sorted((event for event in self.events if event["ph"] == "X"), key=lambda event: event["ts"]):
            self.rows[event["pid"], names[event["pid"], event["tid"]]].append(event)

    def jobs(self, row, group=TASKS, category="job"):
        return [event for event in self.rows[group, row] if event["cat"] == category]

    def waits(self, row):
        return {event["name"] for event in self.jobs(row, category="wait")}

    def states(self, job):
        """The states of a job, and what else was noted of it."""
        return [(event["ph"], event["name"]) for event in self.events
                if event["pid"] == JOBS and event.get("id") == job]


class Trace(DaemonTest):

    def setUp(self):
        super().setUp()
        self.trace = os.path.join(self.folder, "trace.json")

    def run_traced(self, text, *words):
        return run("--config", self.write(text), "--until-idle", "--trace", self.trace, "--log-format", "json", *words,
                   cwd=self.folder)

    def test_the_life_of_jobs_is_in_the_trace(self):
        with open(os.path.join(self.folder, "echo.py"), "w", encoding="utf-8") as program:
            program.write(ECHO)
        ended = self.run_traced("""
            daemon: { http: off }
            queues: { numbers: {}, words: { retry: { attempts: 2, first: 10ms, jitter: 0 } }, tasks: {} }
            producers:
              numbers: { kind: list, queue: numbers, items: [9637529763296797] }
              words: { kind: list, queue: words, items: [again] }
              tasks: { kind: list, queue: tasks, items: [work] }
            consumers:
              prime: { queue: numbers, handler: prime, run_on: threads, concurrency: 1 }
              word: { queue: words, handler: exec, command: [sh, -c, 'test "$1" -gt 1', sh, '${attempt}'] }
              task: { queue: tasks, handler: worker, command: [python3, echo.py] }
            """)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        trace = Rows(self.trace)
        [number] = trace.jobs("prime#1")
        self.assertEqual(number["name"], "9637529763296797")
        self.assertEqual((number["args"]["queue"], number["args"]["attempt"], number["args"]["outcome"]),
                         ("numbers", 1, "ok"))
        self.assertIn("an offload worker", trace.waits("prime#1"))
        offloaded = [event for (group, _), events in trace.rows.items() if group == THREADS for event in events]
        self.assertEqual([(event["name"], event["args"]["job"]) for event in offloaded],
                         [("9637529763296797", number["args"]["job"])])
        self.assertLessEqual(offloaded[0]["dur"], number["dur"])
        first, second = trace.jobs("word#1")
        self.assertEqual((first["args"]["outcome"], first["args"]["then"]), ("failed", "retried"))
        self.assertEqual((second["args"]["outcome"], second["args"]["attempt"]), ("ok", 2))
        self.assertGreaterEqual(second["ts"] + 0.01, first["ts"] + first["dur"])
        self.assertEqual(trace.states(first["args"]["job"]), [
            (phase, state) for state in ("ready", "reserved", "delayed", "ready", "reserved") for phase in "be"])
        [work] = trace.jobs("worker python3#1", PROCESSES, "offload")
        self.assertEqual(work["name"], "work")

    def test_a_trace_of_jobs_on_disk_shows_their_commits(self):
        ended = self.run_traced("""
            daemon: { http: off, data_dir: data }
            queues: { mail: {} }
            producers: { letters: { kind: list, queue: mail, items: [a] } }
            consumers: { send: { queue: mail, handler: noop } }
            """)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        trace = Rows(self.trace)
        [letter] = trace.jobs("send#1")
        self.assertEqual(trace.states(letter["args"]["job"]).count(("n", "committed")), 2)
        self.assertEqual({event["name"] for event in trace.rows[STORE, "writer"]}, {"commit"})

    def test_jobs_that_were_on_disk_before_the_trace_are_not_committed_by_it(self):
        settings = """
            daemon: { http: off, data_dir: data }
            queues: { mail: {}, later: {} }
            %s: { letters: { kind: list, queue: %s, items: [a, b] } }
            %s
            """
        filled = run("--config", self.write(settings % ("producers", "mail", "")), "--until-idle", cwd=self.folder)
        self.assertEqual(filled.returncode, 0, filled.stderr)
        ended = self.run_traced(settings % (
            "producers", "later", "consumers: { send: { queue: mail, handler: sleep, length: 1ms } }"))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        trace = Rows(self.trace)
        letters = trace.jobs("send#1")
        self.assertEqual([letter["name"] for letter in letters], ["a", "b"])
        for letter in letters:  # only its end
            self.assertEqual(trace.states(letter["args"]["job"]).count(("n", "committed")), 1)

    def test_a_trace_can_be_read_whenever_the_daemon_is_killed(self):
        daemon = self.daemon(self.write("""
            daemon: { http: off }
            queues: { ticks: {} }
            producers: { tick: { kind: interval, queue: ticks, every: 1ms } }
            consumers: { note: { queue: ticks, handler: noop } }
            """), "--trace", self.trace).started()
        while os.path.getsize(self.trace) < 10_000 or not is_complete(self.trace):
            pass
        daemon.signal(signal.SIGKILL)
        daemon.wait()
        # Only a kill within a write could leave a line that is not complete, and then the bracket is missing, too.
        with open(self.trace, encoding="utf-8") as file:
            lines = file.read().split("\n")
        complete = [line.rstrip(",") for line in lines if line.startswith("{") and line.rstrip(",").endswith("}")]
        self.assertGreater(len(complete), 50)
        for line in complete:
            json.loads(line)

    def test_a_stop_completes_the_trace_with_what_was_not_finished(self):
        daemon = self.daemon(self.write("""
            daemon: { http: off, drain_timeout: 0s }
            queues: { mail: {} }
            producers: { one: { kind: list, queue: mail, items: [Ann] } }
            consumers: { send: { queue: mail, handler: sleep, length: 1h } }
            """), "--trace", self.trace).started()
        daemon.signal()
        self.assertEqual(daemon.wait(), 0)
        self.assertEqual(len(daemon.entries("trace_ended")), 1)
        [letter] = Rows(self.trace).jobs("send#1") or [None]
        if letter is not None:  # the signal can come before the first job
            self.assertEqual((letter["args"]["outcome"], letter["args"]["then"]), ("cancelled", "ready"))

    def test_a_full_trace_ends_and_the_work_goes_on(self):
        ended = self.run_traced("""
            daemon: { http: off }
            queues: { numbers: {} }
            producers: { numbers: { kind: range, queue: numbers, from: 1, to: 5000 } }
            consumers: { note: { queue: numbers, handler: noop } }
            """, "--trace-limit", "64KiB")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(ended.stderr.count('"event":"trace_full"'), 1, ended.stderr)
        self.assertLessEqual(os.path.getsize(self.trace), 64 * 1024)
        self.assertIn("the trace is full", [event["name"] for event in events_of(self.trace)[-2:]])

    def test_a_trace_that_cannot_be_made_is_an_error_of_the_start(self):
        settings = self.write("daemon: { http: off }\n")
        for path, reason in ((self.folder, "is a directory"), (os.path.join(self.folder, "no", "x"), "No such file"),
                             ("/dev/null", "is a device, no regular file")):
            with self.subTest(path=path):
                ended = run("--config", settings, "--trace", path)
                self.assertEqual(ended.returncode, 3)
                self.assertIn("--trace: " + path, ended.stderr)
                self.assertIn(reason, ended.stderr)

    def test_wrong_options_of_a_trace_are_refused(self):
        settings = self.write("daemon: { http: off }\n")
        for words, reason in ((["--trace-limit", "1MiB"], "--trace-limit needs --trace FILE"),
                              (["--trace", self.trace, "--trace-limit", "1KiB"], "is too small"),
                              (["--trace", self.trace, "--trace-limit", "much"], "--trace-limit: "),
                              (["--trace", self.trace, "--check"], "--trace needs a daemon that runs")):
            with self.subTest(words=words):
                ended = run("--config", settings, *words)
                self.assertEqual(ended.returncode, 2, ended.stderr)
                self.assertIn(reason, ended.stderr)
                self.assertFalse(os.path.exists(self.trace))


class Control(QueueTest):

    def setUp(self):
        super().setUp()
        self.trace = os.path.join(self.folder, "trace.json")

    def assert_state(self, answer, state):
        content = self.expect(200, answer)
        self.assertEqual(content["state"], state, content)
        return content

    def test_a_trace_is_begun_and_ended_while_the_daemon_runs(self):
        daemon = self.start("queues: { mail: {} }\nconsumers: { send: { queue: mail, handler: noop } }\n")
        self.assertIsNone(self.assert_state(self.get("/v1/trace"), "none")["file"])
        for number in range(2):
            path = self.trace + str(number)
            begun = self.assert_state(self.post("/v1/trace", {"action": "start", "file": path, "limit": "1MiB"}),
                                      "running")
            self.assertEqual((begun["file"], begun["bytes_max"]), (path, 1 << 20))
            self.assert_refused(409, "trace_running",
                                self.post("/v1/trace", {"action": "start", "file": self.trace}))
            self.fill(self.connect(), 1, body=b"letter %d" % number)
            self.until_empty()
            ended = self.assert_state(self.post("/v1/trace", {"action": "stop"}), "complete")
            self.assertEqual((ended["file"], ended["bytes"]), (path, os.path.getsize(path)))
            names = [event["name"] for event in Rows(path).jobs("send#1")]
            self.assertEqual(names, [f"letter {number}"])
        self.assertEqual(daemon.wait_for("trace_requested")["uid"], os.getuid())
        self.assertFalse(os.path.exists(self.trace))

    def until_empty(self):
        while True:
            jobs = self.expect(200, self.get("/v1/queues/mail"))["jobs"]
            if jobs["ready"] + jobs["reserved"] == 0:
                return

    def test_a_trace_that_cannot_be_begun_or_ended_is_refused(self):
        self.start()
        self.assert_refused(409, "no_trace", self.post("/v1/trace", {"action": "stop"}))
        for body, part in (({}, "action"), ({"action": "begin"}, "action"), ({"action": "start"}, "file"),
                           ({"action": "start", "file": "trace.json"}, "file"),
                           ({"action": "start", "file": 5}, "file"), ({"action": "start", "file": "/a\0b"}, "file"),
                           ({"action": "start", "file": self.trace, "limit": "1KiB"}, "limit"),
                           ({"action": "start", "file": self.trace, "limit": 5}, "limit"),
                           ({"action": "stop", "file": self.trace}, "file"),
                           ({"action": "stop", "limit": "1MiB"}, "limit")):
            with self.subTest(body=body):
                self.assert_refused(400, "invalid_value", self.post("/v1/trace", body), "body." + part)
        with open(self.trace, "w", encoding="utf-8") as file:
            file.write("of somebody")
        pipe = self.folder + "/pipe"
        os.mkfifo(pipe)
        for path, reason in ((self.trace, "File exists"), (self.folder + "/no/x", "No such file"),
                             ("/dev/full", "is a device"), (self.folder, "is a directory"), (pipe, "is a pipe")):
            refusal = self.post("/v1/trace", {"action": "start", "file": path})
            self.assert_refused(409, "no_trace", refusal, "body.file")
            self.assertIn(reason, refusal[1]["error"]["message"])
        with open(self.trace, encoding="utf-8") as file:
            self.assertEqual(file.read(), "of somebody")
        self.assert_state(self.get("/v1/trace"), "none")

    def test_the_tool_begins_and_ends_traces(self):
        self.start()
        self.assertIn("no trace", self.client("trace").stdout)
        done = subprocess.run([MILLRACE, "trace", "start", "trace.json", "--control", "unix:" + self.socket],
                              capture_output=True, text=True, cwd=self.folder, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"running, into {self.trace}", self.client("trace").stdout)
        again = self.client("trace", "start", self.trace)
        self.assertEqual(again.returncode, 1)
        self.assertIn("A trace is running already", again.stderr)
        self.assertIn("complete", self.client("trace", "stop").stdout)
        events_of(self.trace)
        self.assertEqual(self.client("trace", "stop").returncode, 1)


del QueueTest

if __name__ == "__main__":
    unittest.main(verbosity=2)
