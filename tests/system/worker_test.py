"""Workers in any language: the examples of config/workers.md word by word, and each way in which a job can end."""

import json
import os
import re
import shutil
import signal
import time
import unittest

from support import CONFIG, PATIENCE, DaemonTest
from worker_words import WORDS

COUNTED = ["brevity is the soul of wit: 6", "to be or not to be: 6", "words, words, words: 3"]
PAGE = os.path.join(CONFIG, "workers.md")

# Does to each job what its body says.
WORKER = WORDS + r"""
for line in sys.stdin:
    job = json.loads(line)
    word, id = job["body"], job["id"]
    if word == "exit":
        print("something is wrong\nwith this job", file=sys.stderr, flush=True)
        sys.exit(3)
    elif word == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif word == "garbage":
        print("hello", flush=True)
    elif word == "half":
        sys.stdout.write('{"id": %d, "ok": tr' % id)
        sys.stdout.flush()
        sys.exit(0)
    elif word == "long":
        print(json.dumps({"id": id, "ok": True, "result": "x" * 5000}), flush=True)
    elif word == "large":
        say(id=id, ok=True, result="x" * 12_000_000)
    elif word == "spin":
        while True:
            pass
    elif word == "other":
        say(id=id + 1000, ok=True)
    elif word == "twice":
        say(id=id, ok=True, result="once")
        say(id=id, ok=True, result="again")
    elif word == "close":
        os.close(1)
        time.sleep(600)
    elif word == "pid":
        say(id=id, progress="looking")
        say(id=id, ok=True, result=os.getpid())
    elif word == "facts":
        say(id=id, ok=True, result={"queue": job["queue"], "attempt": job["attempt"], "in": os.getcwd(),
                                    "color": os.environ.get("COLOR"), "path": "PATH" in os.environ})
    elif word == "bytes":
        import base64
        say(id=id, ok=True, result_base64=base64.b64encode(b"\xff\xfe").decode())
    elif not obey(word, job):
        say(id=id, ok=True, result="done " + word)
"""


def is_running(process):
    """A process of that id runs, and is no zombie."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ends(process):
    """The process ends within PATIENCE."""
    until = time.monotonic() + PATIENCE
    while is_running(process) and time.monotonic() < until:
        time.sleep(0.01)
    return not is_running(process)


class Examples(DaemonTest):

    def test_the_example_runs_as_it_is(self):
        self.assertEqual(sorted(self.finish(os.path.join(CONFIG, "workers.yaml"))), COUNTED)

    def test_the_page_shows_the_files_word_by_word(self):
        with open(PAGE, encoding="utf-8") as file:
            page = file.read()
        for language, name in (("python", "count_words.py"), ("js", "count_words.mjs"), ("sh", "count_words.sh")):
            shown = re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)[1]
            with open(os.path.join(CONFIG, "workers", name), encoding="utf-8") as file:
                self.assertEqual(file.read(), shown, name)

    def test_the_workload_of_the_page_is_that_of_the_example(self):
        with open(PAGE, encoding="utf-8") as page, open(os.path.join(CONFIG, "workers.yaml"), encoding="utf-8") as file:
            shown = re.search(r"```yaml\nconsumers:\n(.*?)```", page.read(), re.DOTALL)[1]
            self.assertIn(shown, file.read())

    def follow(self, command):
        """Runs what the page shows, with another command."""
        with open(os.path.join(CONFIG, "workers.yaml"), encoding="utf-8") as file:
            text = file.read().replace("[python3, count_words.py]", command)
        shutil.copytree(os.path.join(CONFIG, "workers"), os.path.join(self.folder, "workers"))
        self.assertEqual(sorted(self.finish(self.write(text))), COUNTED)

    @unittest.skipUnless(shutil.which("node"), "needs node")
    def test_the_worker_in_node(self):
        self.follow("[node, count_words.mjs]\n    in_flight: 32")

    @unittest.skipUnless(shutil.which("jq"), "needs jq")
    def test_the_worker_in_a_shell(self):
        self.follow("[sh, count_words.sh]")


class Workers(DaemonTest):

    def run_jobs(self, bodies, options="", queue="", status=0):
        """The results that were printed, and the letters by body."""
        with open(os.path.join(self.folder, "worker.py"), "w", encoding="utf-8") as file:
            file.write(WORKER)
        settings = self.write(
            "daemon: { http: off }\n"
            f"queues: {{ jobs: {{ {queue} }}, results: {{}}, dead: {{}} }}\n"
            f"producers: {{ p: {{ kind: list, queue: jobs, items: {json.dumps(bodies)} }} }}\n"
            "consumers:\n"
            f"  work: {{ queue: jobs, handler: worker, command: [python3, worker.py], directory: {self.folder},\n"
            f"          output: results {', ' + options if options else ''} }}\n"
            "  show: { queue: results, handler: print }\n")
        daemon = self.daemon(settings, "--until-idle", "--summary", "json")
        printed = sorted(daemon.printed.rest())
        self.assertEqual(daemon.wait(), status, "\n".join(daemon.log.rest()))
        *entries, self.summary = [json.loads(line) for line in daemon.log.rest()]
        named = lambda event: [entry for entry in entries if entry["event"] == event]
        self.failures, self.interruptions, self.ends = map(named, ("job_failed", "job_interrupted", "worker_ended"))
        return printed

    def test_a_worker_may_answer_in_each_form(self):
        printed = self.run_jobs(["a", "facts", "later"],
                                "environment: [COLOR=blue], kill_after: 1m, timeout: 1m, recycle_after: 1h")
        facts = json.loads(next(line for line in printed if line.startswith("{")))
        self.assertEqual(facts, {"queue": "jobs", "attempt": 1, "in": os.path.realpath(self.folder), "color": "blue",
                                 "path": True})
        self.assertEqual([line for line in printed if line[0] != "{"], ["done a", "done later"])
        self.assertEqual(self.summary["jobs"]["postponed"], 1)
        self.assertEqual(self.ends, [])

    def test_a_failed_job_is_tried_again_and_a_rejected_one_is_not(self):
        self.assertEqual(self.run_jobs(["error", "reject"], queue="retry: { attempts: 2, first: 1ms }", status=4), [])
        reasons = sorted((one["reason"], one["message"]) for one in self.failures)
        self.assertEqual(reasons, [("failed", "fails on purpose")] * 2 + [("rejected", "useless")])

    def test_a_job_that_ends_its_worker_three_times_is_undeliverable_and_others_go_on(self):
        for word, end in (("exit", "exit status 3; standard error: something is wrong | with this job"),
                          ("die", "killed by SIGKILL"), ("half", "exit status 0")):
            with self.subTest(word):
                self.assertEqual(self.run_jobs([word, "a", "b"], status=4), ["done a", "done b"])
                self.assertEqual(len(self.interruptions), 2)
                self.assertEqual(len(self.failures), 1)
                self.assertEqual(self.failures[0]["reason"], "undeliverable")
                self.assertTrue(self.failures[0]["message"].startswith("the worker python3 (process "))
                self.assertTrue(self.failures[0]["message"].endswith(" ended: " + end), self.failures)
                self.assertEqual(self.summary["buried"], 1)

    def test_deliveries_max_of_the_queue_says_how_often_a_worker_may_end(self):
        self.run_jobs(["exit"], queue="deliveries_max: 1", status=4)
        self.assertEqual((len(self.interruptions), len(self.failures)), (0, 1))

    def test_a_line_that_is_no_answer_fails_its_job_and_ends_the_worker(self):
        for word, problem in (("garbage", "the line is no JSON"), ("long", "longer than output_max (4KiB)"),
                              ("other", "which it does not have")):
            with self.subTest(word):
                self.assertEqual(self.run_jobs([word, "a"], "output_max: 4KiB", status=4), ["done a"])
                self.assertEqual(self.interruptions, [])
                self.assertIn("broke the protocol: ", self.failures[0]["message"])
                self.assertIn(problem, self.failures[0]["message"])
                self.assertEqual(self.ends[0]["reason"], "protocol")

    def test_the_first_of_two_answers_counts(self):
        self.assertIn("once", self.run_jobs(["twice"]))

    def test_a_worker_that_closes_its_output_is_replaced(self):
        self.assertEqual(self.run_jobs(["close", "a"], "kill_after: 50ms", status=4), ["done a"])
        self.assertEqual(len(self.interruptions), 2)

    def test_a_job_that_is_late_ends_its_worker_at_once(self):
        for word in ("hang", "deaf"):
            with self.subTest(word):
                self.assertEqual(self.run_jobs([word, "a"], "timeout: 2s, kill_after: 100ms", status=4), ["done a"])
                self.assertEqual([one["reason"] for one in self.failures], ["timeout"])
                self.assertEqual(self.ends[0]["reason"], "cancelled")

    def test_a_worker_that_computes_too_long_fails_its_job_with_the_limit_named_and_others_go_on(self):
        self.assertEqual(self.run_jobs(["spin", "a"], "cpu_max: 1s", status=4), ["done a"])
        self.assertEqual([one["reason"] for one in self.failures], ["limit"])
        self.assertRegex(self.failures[0]["message"],
                         r"^the worker python3: process \d+ \(python3\S*\) and its group use \S+ of processor time, "
                         r"more than cpu_max \(1s\)$")
        self.assertEqual([one["reason"] for one in self.ends], ["limit"])

    def test_an_answer_of_megabytes_arrives_as_it_is(self):
        self.assertEqual(self.run_jobs(["large", "a"], "output_max: 16MiB"), ["done a", "x" * 12_000_000])

    def test_a_worker_is_replaced_after_so_many_jobs(self):
        printed = self.run_jobs(["pid"] * 7, "recycle_after: 3")
        self.assertEqual(sorted(printed.count(process) for process in set(printed)), [1, 3, 3])

    def test_jobs_are_spread_over_all_workers(self):
        printed = self.run_jobs(["pid"] * 40, "workers: 4, in_flight: 2, concurrency: 8")
        self.assertEqual(len(printed), 40)
        self.assertGreater(len(set(printed)), 1)
        self.assertLessEqual(len(set(printed)), 4)

    def test_a_program_that_is_not_there_is_named(self):
        settings = self.write("daemon: { http: off }\nqueues: { q: {} }\n"
                              "producers: { p: { kind: list, queue: q, items: [a] } }\n"
                              "consumers: { c: { queue: q, handler: worker, command: [no-such-program] } }\n")
        daemon = self.daemon(settings, "--until-idle")
        self.assertEqual(daemon.wait(), 4)
        failure = daemon.entries("job_failed")[0]
        self.assertIn("the worker no-such-program could not be started: ", failure["message"])
        self.assertEqual(failure["reason"], "undeliverable")

    def endless(self, options=""):
        with open(os.path.join(self.folder, "worker.py"), "w", encoding="utf-8") as file:
            file.write(WORKER)
        return self.settings(
            "queues: { jobs: { max_jobs: 10 }, results: {} }\n"
            "producers: { p: { kind: interval, queue: jobs, every: 10ms, body: pid } }\n"
            "consumers:\n"
            f"  work: {{ queue: jobs, handler: worker, command: [python3, worker.py], directory: {self.folder},\n"
            f"          output: results, workers: 2, concurrency: 2 {options} }}\n"
            "  show: { queue: results, handler: print }\n")

    def worker_ids(self, daemon, count=2):
        seen = set()
        while len(seen) < count:
            line = daemon.printed.next()
            self.assertIsNotNone(line, "\n".join(daemon.log.all))
            seen.add(int(line))
        return seen

    def test_workers_end_with_the_daemon(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number):
                daemon = self.daemon(self.endless())
                workers = self.worker_ids(daemon)
                daemon.signal(number)
                daemon.wait()
                for process in workers:
                    self.assertTrue(ends(process), process)
                if number == signal.SIGTERM:
                    self.assertEqual(daemon.process.returncode, 0)

    def test_a_reload_replaces_the_workers_of_a_changed_consumer(self):
        path = self.endless()
        daemon = self.daemon(path)
        daemon.started()
        before = self.worker_ids(daemon)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("workers: 2,", "workers: 2, recycle_after: 1h,"))
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("reloaded")
        for process in before:
            self.assertTrue(ends(process), process)
        daemon.signal()
        self.assertEqual(daemon.wait(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
