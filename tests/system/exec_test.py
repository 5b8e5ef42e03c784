"""Commands of `handler: exec` that end in every way, and daemons that end around them."""

import contextlib
import glob
import os
import select
import signal
import time
import unittest
import uuid

from beanstalk_wire import Wire
from support import PATIENCE, DaemonTest


WATCHED = "the memory of child processes is watched, not limited by control groups"


class Exec(DaemonTest):
    def setUp(self):
        super().setUp()
        # Every process of this test has it in its environment, wherever it was forked.
        self.mark = f"MILLRACE_TEST_MARK={uuid.uuid4().hex}"

    def consumer(self, queue="work", **keys):
        """A consumer whose jobs are scripts."""
        keys = {"queue": queue, "handler": "exec", "command": '[sh, -c, "${body}"]',
                "environment": f"[{self.mark}]", **keys}
        return "{ " + ", ".join(f"{key}: {value}" for key, value in keys.items()) + " }"

    def workload(self, scripts, daemon="", **keys):
        items = ", ".join("'" + script.replace("'", "''") + "'" for script in scripts)
        return self.write(
            f"daemon: {{ http: off, {daemon} }}\n"
            "queues: { work: {}, results: {} }\n"
            f"producers: {{ p: {{ kind: list, queue: work, items: [{items}] }} }}\n"
            f"consumers: {{ c: {self.consumer(output='results', **keys)}, r: {{ queue: results, handler: print }} }}\n")

    def processes(self):
        """The processes of this test that run."""
        found = []
        for path in glob.glob("/proc/[0-9]*/environ"):
            try:
                with open(path, "rb") as file:
                    if self.mark.encode() in file.read().split(b"\0"):
                        found.append(int(path.split("/")[2]))
            except OSError:
                pass  # it has ended meanwhile
        return found

    def await_none(self):
        """A process that was killed is gone when the system has removed it."""
        while left := self.processes():
            for process in left:
                with contextlib.suppress(ProcessLookupError):
                    end = os.pidfd_open(process)
                    self.addCleanup(os.close, end)
                    ended, _, _ = select.select([end], [], [], PATIENCE)
                    self.assertTrue(ended, f"still running: {process}")

    def errors(self, daemon):
        return sorted(entry["message"] for entry in daemon.entries("job_failed"))

    def run_until_idle(self, settings, status):
        daemon = self.daemon(settings, "--until-idle")
        printed = sorted(daemon.printed.rest())
        self.assertEqual(daemon.wait(), status, "\n".join(daemon.log.rest()))
        self.await_none()
        return printed, self.errors(daemon)

    def test_commands_that_crash_close_their_pipes_or_end_at_once(self):
        printed, errors = self.run_until_idle(self.workload([
            "echo fine",
            "exec <&- >&- 2>&-; exit 0",
            "exit 3",
            "echo reason >&2; exit 4",
            "exec <&- >&- 2>&-; exit 5",
            "kill -SEGV $$",
            "kill -KILL $$",
        ]), 4)
        self.assertEqual(printed, ["", "fine"])
        self.assertEqual(errors, [
            "exit status 3", "exit status 4: reason", "exit status 5", "killed by SIGKILL", "killed by SIGSEGV"])

    def test_commands_that_hang_or_ignore_sigterm_are_late(self):
        printed, errors = self.run_until_idle(self.workload([
            "sleep 1000",
            "sleep 1000 & sleep 1000 & wait",
            "trap '' TERM; while :; do sleep 1000; done",
        ], timeout="200ms", kill_after="100ms", concurrency=3), 4)
        self.assertEqual(printed, [])
        self.assertEqual(errors, ["no answer within 200ms"] * 3)

    def test_a_command_that_joins_another_group_is_ended_all_the_same(self):
        join = "import os, time; os.setpgid(0, os.getpgid(os.getppid())); time.sleep(1000)"
        printed, errors = self.run_until_idle(self.workload([
            f'exec python3 -c "{join}"',
            f'sleep 1000 & exec python3 -c "{join}"',
        ], timeout="1s", kill_after="100ms", concurrency=2), 4)
        self.assertEqual(printed, [])
        self.assertEqual(errors, ["no answer within 1s"] * 2)

    def test_a_command_that_forks_and_ends_leaves_nothing_behind(self):
        printed, errors = self.run_until_idle(self.workload([
            "sleep 1000 & echo forked",
            "(trap '' TERM HUP; sleep 1000) >/dev/null 2>&1 & echo ignored",
        ]), 0)
        self.assertEqual(printed, ["forked", "ignored"])
        self.assertEqual(errors, [])

    def test_a_command_that_prints_gigabytes_is_stopped_at_output_max(self):
        printed, errors = self.run_until_idle(self.workload([
            "yes", "yes >&2 & sleep 0.2; echo errors have no limit", "trap '' TERM PIPE; yes; yes",
        ], output_max="64KiB", kill_after="100ms", concurrency=3), 4)
        self.assertEqual(printed, ["errors have no limit"])
        self.assertEqual(len(errors), 2)
        for error in errors:
            self.assertRegex(error, r"^the output of process \d+ is longer than output_max \(64KiB\)$")

    def test_a_command_beyond_its_memory_or_processor_time_fails_with_the_limit_named(self):
        greedy = "yes 'a line that is kept' | head -c 200000000 | sort -S 1G; sleep 1000"
        for script, limit, process, figure in (
                (greedy, {"memory_max": "40MiB"}, r"\(sort\) and its group use",
                 r"memory, more than memory_max \(40MiB"),
                ("while :; do :; done", {"cpu_max": "100ms"}, r"\(sh\) and its group use",
                 r"processor time, more than cpu_max \(100ms")):
            with self.subTest(limit):
                daemon = self.daemon(self.workload([script, "echo fine"], **limit), "--until-idle")
                self.assertEqual(daemon.printed.rest(), ["fine"])
                self.assertEqual(daemon.wait(), 4)
                self.await_none()
                (entry,) = daemon.entries("job_failed")
                self.assertRegex(entry["message"], rf"^process \d+ {process} \S+ of {figure}\)$")
                self.assertEqual(entry["reason"], "limit")
                # Once, and only where memory is limited.
                self.assertEqual([each["message"] for each in daemon.entries("memory_limits")],
                                 [WATCHED] if "memory_max" in limit else [])

    def test_a_command_that_asks_for_it_comes_later_and_one_that_is_wrong_never(self):
        count = os.path.join(self.folder, "count")
        printed, errors = self.run_until_idle(self.workload([
            f"echo x >> {count}; [ $(wc -l < {count}) -ge 3 ] || exit 75; echo third time",
            "exit 64",
        ], later_after="10ms", final_statuses="[64]", retry="{ attempts: 5, first: 1h }"), 4)
        self.assertEqual(printed, ["third time"])
        self.assertEqual(errors, ["exit status 64"])

    def test_a_drain_that_takes_too_long_ends_the_commands_and_their_jobs_are_ready_again(self):
        settings = self.workload(["echo started >&2; sleep 1000 & wait"] * 2, daemon="drain_timeout: 100ms",
                                 concurrency=2)
        daemon = self.daemon(settings).started()
        ends = time.monotonic() + PATIENCE
        while len(self.processes()) < 4:
            self.assertLess(time.monotonic(), ends)
            time.sleep(0.01)
        daemon.signal()
        daemon.wait()
        self.await_none()
        self.assertEqual(self.errors(daemon), [])

    def test_a_daemon_that_is_killed_takes_its_commands_along_and_every_job_is_done_by_the_next(self):
        jobs = 12
        started = os.path.join(self.folder, "started")
        done = os.path.join(self.folder, "done")

        def settings(script):
            return self.write(
                f"daemon: {{ http: off, data_dir: {self.folder}/data }}\n"
                "queues: { work: {} }\n"
                f"producers: {{ p: {{ kind: range, queue: work, from: 1, to: {jobs} }} }}\n"
                "consumers: { c: { queue: work, handler: exec, shell: true, concurrency: 4,\n"
                f"  environment: [{self.mark}], command: [{script}, '${{body}}'] }} }}\n")

        # The first jobs end, the others hang with children and grandchildren, of which some ignore signals.
        hanging = (f"'echo $1 >> {started}; if [ $1 -le 3 ]; then echo $1 >> {done}; exit; fi; "
                   "(trap \"\" TERM HUP; sleep 1000 & wait) & sleep 1000 & wait'")
        daemon = self.daemon(settings(hanging)).started()
        ends = time.monotonic() + PATIENCE
        while len(self.processes()) < 4 * 4:
            self.assertLess(time.monotonic(), ends, self.processes())
            time.sleep(0.01)
        daemon.signal(signal.SIGKILL)
        daemon.wait()
        self.await_none()
        _, errors = self.run_until_idle(settings(f"'echo $1 >> {done}'"), 0)
        self.assertEqual(errors, [])
        with open(done, encoding="ascii") as file:
            lines = [int(line) for line in file]
        # A job whose end was not on disk yet is done again.
        self.assertEqual(sorted(set(lines)), list(range(1, jobs + 1)))
        self.assertLessEqual(len(lines), jobs + 3)

    def test_a_job_under_whose_command_the_daemon_dies_three_times_is_undeliverable_and_others_are_done(self):
        for mode in ("loop", "sequential"):
            with self.subTest(mode):
                folder = os.path.join(self.folder, mode)
                os.mkdir(folder)
                # Job 1 kills the daemon as soon as its hand-out is on disk: the next commit holds it.
                script = (f"echo $1 >> {folder}/begun; if [ $1 = 1 ]; then until [ -e {folder}/committed ]; do "
                          f"sleep 0.01; done; rm {folder}/committed; kill -9 $PPID; sleep 1000; fi; echo $1")
                settings = self.write(
                    f"daemon: {{ http: off, data_dir: {folder}/data, beanstalk: 'unix:{folder}/b' }}\n"
                    "queues: { work: { dead_letter: dead }, dead: {}, other: {}, results: { durability: memory } }\n"
                    "producers: { p: { kind: range, queue: work, from: 1, to: 3 } }\n"
                    f"consumers: {{ c: {{ queue: work, handler: exec, shell: true, output: results,\n"
                    f"  environment: [{self.mark}], command: ['{script}', '${{body}}'] }},\n"
                    "  r: { queue: results, handler: print } }\n")
                for time_of_death in range(3):
                    daemon = self.daemon(settings, "--mode", mode).started()
                    self.await_lines(f"{folder}/begun", time_of_death + 1)
                    with contextlib.closing(Wire(f"{folder}/b")) as wire:
                        wire.reply_to(b"use other")
                        wire.put(b"commits what came before it")
                    open(f"{folder}/committed", "x").close()
                    self.assertEqual(daemon.wait(), -signal.SIGKILL)
                    self.await_none()
                daemon = self.daemon(settings, "--mode", mode).started()
                self.assertEqual(sorted([daemon.printed.next(), daemon.printed.next()]), ["2", "3"])
                with contextlib.closing(Wire(f"{folder}/b")) as wire:
                    facts = wire.stats(b"stats-job 1")
                self.assertEqual((facts["tube"], facts["reserves"]), ("dead", "3"))
                daemon.signal()
                self.assertEqual(daemon.wait(), 0)

    def await_lines(self, path, count):
        ends = time.monotonic() + PATIENCE
        lines = []
        while len(lines) < count:
            self.assertLess(time.monotonic(), ends)
            time.sleep(0.01)
            with contextlib.suppress(FileNotFoundError), open(path, encoding="ascii") as file:
                lines = file.read().splitlines()


if __name__ == "__main__":
    unittest.main(verbosity=2)
