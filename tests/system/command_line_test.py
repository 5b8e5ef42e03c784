"""What can be given on the command line, what it answers, and with which exit code."""

import fcntl
import os
import pty
import select
import socket
import subprocess
import unittest

from support import CONFIG, MILLRACED, ROOT, DaemonTest, run


class CommandLine(DaemonTest):
    def refused(self, *arguments):
        ended = run(*arguments)
        self.assertEqual(ended.returncode, 2, ended)
        self.assertEqual(ended.stdout, "")
        return ended.stderr.splitlines()[0]

    def test_version_and_help_go_to_standard_output(self):
        version = run("--version")
        self.assertEqual((version.returncode, version.stderr), (0, ""))
        self.assertRegex(version.stdout, r"^millraced \d+\.\d+\.\d+\n$")
        shown = run("--help")
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        for option in ("--config", "--check", "--until-idle", "--mode", "--limit", "--log-format"):
            self.assertIn(option, shown.stdout)

    def test_a_missing_config_is_said(self):
        self.assertEqual(self.refused(),
                         "millraced: --config FILE is missing (or -l ADDR, -p PORT, to replace beanstalkd)")

    def test_an_unknown_option_names_the_nearest(self):
        self.assertEqual(self.refused("--until-idel"),
                         "millraced: unknown option --until-idel, did you mean --until-idle?")

    def test_a_file_without_its_option_is_refused(self):
        self.assertIn("pass a settings file with --config FILE", self.refused("quickstart.yaml"))

    def test_an_unknown_mode_is_refused(self):
        self.assertIn("unknown value 'fast'", self.refused("--config", "x", "--mode", "fast"))

    def test_a_limit_is_a_count(self):
        self.assertRegex(self.refused("--config", "x", "--limit", "some"), r"^millraced: --limit: ")
        self.assertRegex(self.refused("--config", "x", "--limit", "0"), r"^millraced: --limit: ")
        self.assertRegex(self.refused("--config", "x", "--limit", "-3"), r"^millraced: --limit: ")

    def test_an_unknown_format_or_level_of_the_log_is_refused(self):
        self.assertIn("unknown value 'xml'", self.refused("--config", "x", "--log-format", "xml"))
        self.assertIn("unknown value 'loud'", self.refused("--config", "x", "--log-level", "loud"))

    def test_two_one_shot_tasks_are_refused(self):
        self.assertIn("cannot be combined", self.refused("--config", "x", "--check", "--print-config"))

    def test_a_missing_file_is_exit_2(self):
        for task in ([], ["--check"], ["--print-config"]):
            missing = os.path.join(self.folder, "missing.yaml")
            self.assertRegex(self.refused("--config", missing, *task), r"missing\.yaml.*[Nn]o such file")

    def test_an_endless_producer_needs_a_limit_to_become_idle(self):
        settings = self.settings(
            "queues: { q: {} }\n"
            "producers: { numbers: { kind: random, queue: q } }\n"
            "consumers: { c: { queue: q, handler: noop } }\n"
        )
        self.assertRegex(self.refused("--config", settings, "--until-idle"), r"producers\.numbers never ends")
        self.finish(settings, "--limit", "3")

    def test_a_port_in_use_is_exit_3(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            settings = self.write(f"daemon: {{ http: 127.0.0.1:{port} }}\n")
            ended = run("--config", settings)
        self.assertEqual(ended.returncode, 3)
        self.assertIn(f"http: 127.0.0.1:{port}: address already in use", ended.stderr.lower())

    def test_a_full_disk_fails_a_one_shot_task(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            ended = subprocess.run([MILLRACED, "--print-schema"],
                                   stdout=full,
                                   stderr=subprocess.PIPE,
                                   text=True,
                                   timeout=90)
        self.assertEqual(ended.returncode, 1)
        self.assertEqual(ended.stderr, "millraced: no space is left for standard output\n")

    def test_what_is_printed_is_whole_in_a_pipe_that_does_not_block(self):
        reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(writer, False)
        with subprocess.Popen([MILLRACED, "--print-schema"], stdout=writer) as program, open(reader, "rb") as printed:
            os.close(writer)
            select.select([printed], [], [])
            self.assertEqual(printed.read().decode(), run("--print-schema").stdout)
        self.assertEqual(program.returncode, 0)

    def test_generated_files_are_those_that_the_program_prints(self):
        for option, name in (("--print-example-config", "millrace.yaml"), ("--print-schema", "millrace.schema.json")):
            with open(os.path.join(CONFIG, name), encoding="utf-8") as file:
                self.assertEqual(run(option).stdout, file.read(), f"{name}: write it with millraced {option}")

    def test_a_terminal_shows_progress_and_is_left_clean(self):
        settings = self.settings(
            "queues: { q: {} }\n"
            "producers: { naps: { kind: list, queue: q, items: [800ms] } }\n"
            "consumers: { c: { queue: q, handler: sleep } }\n"
        )
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(MILLRACED, [MILLRACED, "--config", settings, "--until-idle"])
        import fcntl
        import struct
        import termios

        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        shown = b""
        try:
            while chunk := os.read(terminal, 65536):
                shown += chunk
        except OSError:  # the other end has closed
            pass
        _, status = os.waitpid(pid, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), 0, shown)
        self.assertIn(b"jobs done", shown)
        self.assertIn(b"q 1", shown)
        self.assertIn(b"\x1b[r", shown)
        self.assertLess(shown.rindex(b"jobs done"), shown.rindex(b"\x1b[r"))


if __name__ == "__main__":
    os.chdir(ROOT)
    unittest.main(verbosity=2)
