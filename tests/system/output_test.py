"""Standard output that is closed, or that nobody reads: print jobs feel it, the daemon does not."""

import os
import signal
import subprocess
import unittest

from support import MILLRACED, PATIENCE, DaemonTest

PRINTING = """queues: { q: { max_jobs: 10k } }
producers: { many: { kind: range, queue: q, from: 1, to: %s } }
consumers: { report: { queue: q, handler: print } }
"""


class Output(DaemonTest):
    def test_bodies_are_printed_in_order(self):
        self.assertEqual(self.finish(self.settings(PRINTING % 2000)), [str(n) for n in range(1, 2001)])

    def test_a_reader_that_goes_away_fails_print_jobs_only(self):
        reading, writing = os.pipe()
        daemon = self.daemon(self.settings(PRINTING % 50_000), "--until-idle", stdout=writing)
        os.close(writing)
        self.assertEqual(os.read(reading, 2), b"1\n")
        os.close(reading)
        self.assertEqual(daemon.wait(), 4)
        (summary,) = daemon.entries("summary")
        self.assertRegex(summary["message"], r"[1-9]\d* failed")

    def run_with_closed_output(self, text):
        """The ended daemon; its standard output was closed from the start."""
        return subprocess.run(
            [
                "/bin/sh", "-c", 'exec "$0" "$@" >&-', MILLRACED, "--config", self.settings(text), "--until-idle"
            ],
            stderr=subprocess.PIPE,
            text=True,
            timeout=90,
        )

    def test_a_closed_standard_output_fails_print_jobs_only(self):
        ended = self.run_with_closed_output(PRINTING % 10)
        self.assertEqual(ended.returncode, 4, ended.stderr)
        self.assertIn("jobs: 0 ok, 10 failed", ended.stderr)

    def test_what_is_printed_never_goes_into_another_descriptor(self):
        # Eight bytes with their newline: what the loop's own descriptor for wake-ups takes without complaint.
        ended = self.run_with_closed_output(
            "queues: { q: {} }\n"
            "producers: { p: { kind: list, queue: q, items: [1234567] } }\n"
            "consumers: { c: { queue: q, handler: print } }\n"
        )
        self.assertEqual(ended.returncode, 4, ended.stderr)
        self.assertIn("standard output is closed", ended.stderr)
        self.assertIn("jobs: 0 ok, 1 failed", ended.stderr)

    def test_a_full_disk_fails_print_jobs_only(self):
        with open("/dev/full", "wb") as full:
            daemon = self.daemon(self.settings(PRINTING % 10), "--until-idle", stdout=full)
            self.assertEqual(daemon.wait(), 4)

    def full_pipe(self):
        """The writing end of a pipe that takes nothing more; nobody reads it."""
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        os.set_blocking(writing, False)
        try:
            while os.write(writing, b"x" * 4096):
                pass
        except BlockingIOError:
            pass
        os.set_blocking(writing, True)
        return writing

    def stalled(self):
        """A daemon whose first line of output does not get through."""
        writing = self.full_pipe()
        daemon = self.daemon(self.settings(PRINTING % 1000000), stdout=writing)
        os.close(writing)
        daemon.started()
        daemon.until('millrace_consumer_active{consumer="report"}', lambda active: active == 1)
        daemon.until('millrace_backpressure_active{stage="producer"}', lambda held: held == 1)
        return daemon

    def test_a_stalled_reader_never_holds_the_loop(self):
        daemon = self.stalled()
        for _ in range(5):
            self.assertEqual(daemon.get("/healthz")[0], 200)
        daemon.signal(signal.SIGTERM)
        daemon.wait_for("draining")
        daemon.signal(signal.SIGINT)
        self.assertEqual(daemon.wait(), 1)

    def with_stalled_log(self, settings, *arguments):
        """What it prints, and its exit code, when nobody reads what it logs."""
        writing = self.full_pipe()  # before the daemon writes its first line
        process = subprocess.Popen([MILLRACED, *arguments, "--config", settings],
                                   stdout=subprocess.PIPE,
                                   stderr=writing)
        os.close(writing)
        with process.stdout as printed:
            return printed.read(), process.wait(PATIENCE)

    def test_a_stalled_log_never_holds_the_end(self):
        # If the end of the log hung, the exit code would be 1.
        for log_format in ("text", "json"):
            printed, code = self.with_stalled_log(
                self.settings(PRINTING % 10), "--until-idle", "--log-format", log_format
            )
            self.assertEqual(printed.split(), [str(n).encode() for n in range(1, 11)])
            self.assertEqual(code, 0)
        self.assertEqual(self.with_stalled_log(self.settings("bad: 1\n"))[1], 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
