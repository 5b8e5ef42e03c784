"""The built daemon as a test sees it: started on a file, followed through its log, stopped and looked at.

Nothing here sleeps to wait: lines are read from pipes as they come. PATIENCE bounds every wait, so that a daemon that
hangs fails a test instead of stopping all of them; it is long because sanitizers and busy machines are slow.
"""

import http.client
import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
import unittest

PATIENCE = int(os.environ.get("MILLRACE_TEST_PATIENCE", "90"))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MILLRACED = os.environ.get("MILLRACED", os.path.join(ROOT, "build", "release", "millraced"))
CONFIG = os.path.join(ROOT, "config")


class Lines:
    """A pipe read by a thread of its own, so that the other end never waits for the test."""

    def __init__(self, pipe):
        self.all = []
        self._coming = queue.Queue()
        self._thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._thread.start()

    def _read(self, pipe):
        with pipe:
            for line in pipe:
                text = line.decode("utf-8", "replace").rstrip("\n")
                self.all.append(text)
                self._coming.put(text)
        self._coming.put(None)

    def next(self):
        """The next line, or None at the end."""
        return self._coming.get(timeout=PATIENCE)

    def entries_until(self, event):
        """The entries of a log up to the next one of that event; fails with the whole log at its end."""
        while (line := self.next()) is not None:
            if entry := parsed(line):
                yield entry
                if entry["event"] == event:
                    return
        raise AssertionError(f"no {event} in the log:\n" + "\n".join(self.all))

    def wait_for(self, event):
        """The next entry of that event."""
        return list(self.entries_until(event))[-1]

    def rest(self):
        """Everything up to the end, what was read before included."""
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            raise TimeoutError("the pipe was not closed")
        return self.all


class Daemon:
    """One running millraced with JSON logs and a port of its own choosing."""

    def __init__(self, settings, *arguments, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, cwd=None,
                 env=None):
        command = [MILLRACED, "--config", settings, "--log-format", "json", *arguments]
        self.process = subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, stdin=stdin, cwd=cwd,
                                        env=env)
        self.printed = Lines(self.process.stdout) if stdout == subprocess.PIPE else None
        self.log = Lines(self.process.stderr)
        self.port = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def wait_for(self, event):
        """The next log line of that event; fails with the whole log when the daemon ends first."""
        return self.log.wait_for(event)

    def started(self):
        entry = self.wait_for("started")
        if entry.get("http"):
            self.port = int(entry["http"].rsplit(":", 1)[1])
        return self

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self):
        """Its exit code."""
        return self.process.wait(PATIENCE)

    def entries(self, event):
        """Every log line of that event, once it has ended."""
        return [entry for entry in map(parsed, self.log.rest()) if entry and entry["event"] == event]

    def get(self, path):
        return http_get(self.port, path)

    def metric(self, series):
        """The value of one line of /metrics; None when it is not there."""
        for line in self.get("/metrics")[1].splitlines():
            if line.startswith(series + " "):
                return float(line.split(" ")[-1])
        return None

    def until(self, series, reached):
        """Scrapes until the value satisfies `reached`."""
        last, ends = None, time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            last = self.metric(series)
            if last is not None and reached(last):
                return last
        raise AssertionError(f"{series} stayed at {last}")


def http_get(port, path):
    """The status and the text of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def parsed(line):
    """A log line as a value; None for other text (the summary)."""
    return json.loads(line) if line.startswith("{") else None


def run(*arguments, stdin=None, env=None, cwd=None):
    """millraced with these words, to its end."""
    return subprocess.run([MILLRACED, *arguments],
                          input=stdin,
                          capture_output=True,
                          text=True,
                          timeout=PATIENCE,
                          env=env,
                          cwd=cwd)


class DaemonTest(unittest.TestCase):
    """A test with a folder of its own for settings files."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, text, name="settings.yaml"):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def settings(self, text):
        """A file with these parts and a free port for http."""
        return self.write("daemon:\n  http: 127.0.0.1:0\n" + text)

    def daemon(self, settings, *arguments, **options):
        started = Daemon(settings, *arguments, **options)
        self.addCleanup(started.__exit__)
        return started

    def finish(self, settings, *arguments):
        """Runs until idle and gives what was printed, as lines; the exit code must be 0."""
        daemon = self.daemon(settings, "--until-idle", *arguments)
        printed = daemon.printed.rest()
        self.assertEqual(daemon.wait(), 0, "\n".join(daemon.log.rest()))
        return printed
