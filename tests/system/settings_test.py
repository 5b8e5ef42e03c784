"""--check and --print-config as the program runs them: what they print, where, and with which exit code."""

import glob
import os
import unittest

from support import CONFIG, DaemonTest, run

GOOD = """queues: { numbers: { max_jobs: 1k } }
producers: { few: { kind: list, queue: numbers, items: [2, 4] } }
consumers: { primality: { queue: numbers, handler: prime } }
"""


class Check(DaemonTest):
    def complaints(self, text):
        path = self.write(text)
        ended = run("--config", path, "--check")
        self.assertEqual(ended.returncode, 2, ended)
        self.assertEqual(ended.stdout, "")
        return [line.removeprefix(path + ":") for line in ended.stderr.splitlines()]

    def test_a_good_file_is_ok(self):
        path = self.write(GOOD)
        ended = run("--config", path, "--check")
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, path + ": ok\n", ""))

    def test_every_delivered_file_is_ok(self):
        for path in sorted(glob.glob(os.path.join(CONFIG, "*.yaml"))):
            ended = run("--config", path, "--check")
            self.assertEqual((ended.returncode, ended.stdout), (0, path + ": ok\n"), ended.stderr)

    def test_an_unknown_key_names_the_nearest(self):
        (line,) = self.complaints(GOOD.replace("max_jobs", "max_job"))
        self.assertRegex(line, r"^1:22: queues\.numbers\.max_job: .*max_jobs")

    def test_every_error_at_once_with_its_place(self):
        self.assertEqual(
            self.complaints("daemon:\n"
                            "  http: nowhere\n"
                            "  drain_timeout: soon\n"
                            "queues:\n"
                            "  q: { max_jobs: -1, durability: sync }\n"
                            "consumers:\n"
                            "  c: { queue: q, handler: primes }\n"),
            [
                "2:9: daemon.http: `nowhere` names no port "
                "(expected an address like 127.0.0.1:9464, [::1]:9464 or unix:/run/millrace.sock, or off)",
                "3:18: daemon.drain_timeout: `soon` is not a duration like 250ms, 30s or 1h30m (expected a duration "
                "of at most 1d)",
                "5:18: queues.q.max_jobs: `-1` is not a count like 1000, 100k or 10M (expected a count from 1 to 1G)",
                "5:34: queues.q.durability: jobs cannot be stored on disk without daemon.data_dir "
                "(expected memory, or a data_dir)",
                "7:27: consumers.c.handler: there is no handler `primes`, did you mean `prime`? "
                "(expected one of activity, block, exec, fail, file, hash, http, noop, prime, print, sleep, spin, "
                "worker)",
            ],
        )

    def test_a_duplicate_key_is_an_error(self):
        lines = self.complaints(GOOD + "queues: {}\n")
        self.assertTrue(any(line.startswith("4:1: queues: ") for line in lines), lines)

    def test_text_that_is_no_yaml_is_an_error(self):
        lines = self.complaints("queues: [\n")
        self.assertRegex(lines[0], r"^\d+:\d+: ")

    def test_a_cycle_of_outputs_is_an_error(self):
        lines = self.complaints(
            "queues: { a: {}, b: {} }\n"
            "producers: { p: { kind: list, queue: a, items: [x] } }\n"
            "consumers:\n"
            "  there: { queue: a, handler: noop, output: b }\n"
            "  back: { queue: b, handler: noop, output: a }\n"
        )
        self.assertEqual(
            lines,
            ["5:44: consumers.back.output: the outputs form a cycle: a → b → a (expected outputs that end)"])

    def test_a_queue_that_nothing_drains_is_a_warning(self):
        path = self.write("queues: { lonely: {} }\nproducers: { p: { kind: list, queue: lonely, items: [x] } }\n")
        ended = run("--config", path, "--check")
        self.assertEqual((ended.returncode, ended.stdout), (0, path + ": ok\n"))
        self.assertIn("lonely", ended.stderr)

    def test_a_start_with_errors_is_exit_2_too(self):
        path = self.write("queus: {}\n")
        ended = run("--config", path)
        self.assertEqual(ended.returncode, 2)
        self.assertRegex(ended.stderr, r"settings\.yaml:1:1: queus: .*queues")


class PrintConfig(DaemonTest):
    def test_what_is_printed_reads_back_as_the_same(self):
        for path in [self.write(GOOD), *sorted(glob.glob(os.path.join(CONFIG, "*.yaml")))]:
            first = run("--config", path, "--print-config")
            self.assertEqual(first.returncode, 0, first.stderr)
            # Beside the original: a path in it may be relative to the file.
            again = os.path.join(os.path.dirname(path), ".printed.yaml")
            self.addCleanup(lambda name=again: os.path.exists(name) and os.remove(name))
            with open(again, "w", encoding="utf-8") as file:
                file.write(first.stdout)
            second = run("--config", again, "--print-config")
            self.assertEqual(second.stdout, first.stdout)

    def test_print_config_fills_in_the_defaults(self):
        printed = run("--config", self.write(GOOD), "--print-config").stdout
        for part in ('http: "127.0.0.1:9464"', "drain_timeout: 30s", "overflow: block", "bits_max: ", "concurrency: 1"):
            self.assertIn(part, printed)


class Paths(DaemonTest):
    def test_paths_are_relative_to_the_settings_file_wherever_it_is_started(self):
        path = self.write("daemon: { data_dir: data, http: 'unix:${MILL_SOCKET}' }\nqueues: { q: {} }\n"
                          "producers: { one: { kind: list, items: [a], queue: q } }\n")
        ended = run("--config", path, "--until-idle", cwd="/", env={**os.environ, "MILL_SOCKET": "http.sock"})
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertTrue(os.path.isfile(os.path.join(self.folder, "data", "millrace.db")))
        self.assertIn("unix:" + os.path.join(self.folder, "http.sock"), ended.stderr)

    def test_a_variable_that_is_not_defined_is_refused(self):
        environment = {name: value for name, value in os.environ.items() if name != "MILL_SOCKET"}
        ended = run("--config", self.write("daemon: { http: 'unix:${MILL_SOCKET}' }\n"), "--check", env=environment)
        self.assertEqual(ended.returncode, 2, ended.stderr)
        self.assertIn(":1:17: daemon.http: the environment does not define `MILL_SOCKET`", ended.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
