"""What tests of queues on disk share: a data directory of their own, restarts, a small disk."""

import contextlib
import os
import subprocess

from beanstalk_support import BeanstalkTest
from support import run


class Durable(BeanstalkTest):
    def setUp(self):
        super().setUp()
        self.data_dir = os.path.join(self.folder, "data")

    def settings_of(self, queues="", store="", data_dir=None, daemon=""):
        directory = data_dir or self.data_dir
        more = daemon and ", " + daemon
        return self.write(
            "daemon: { data_dir: %s, beanstalk: '127.0.0.1:0', http: '127.0.0.1:0', store: { %s }%s }\n%s" %
            (directory, store, more, queues))

    def again(self, *queues, killed=False, **options):
        """Ends the server that runs and starts one on what it left."""
        if self.server_:
            self.server_.kill() if killed else self.end(self.server_)
        self.start(config=self.settings_of(*queues, **options))
        return self.connect()

    def refused(self, settings):
        """The line in which a daemon says why it does not start."""
        ended = run("--config", settings)
        self.assertEqual(ended.returncode, 3, ended.stderr)
        lines = [line for line in ended.stderr.splitlines() if "could_not_start" in line]
        self.assertEqual(len(lines), 1, ended.stderr)
        return lines[0]


@contextlib.contextmanager
def mounted(test, place, options):
    """A small disk of the test's own, in memory."""
    os.mkdir(place)
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True, text=True)
    if made.returncode != 0:
        test.skipTest("no disk of its own can be mounted here: " + made.stderr.strip())
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", place], check=True)
