"""A daemon that gets its listening sockets from the test, as from a service manager (sd_listen_fds(3))."""

import subprocess
import sys

from support import MILLRACED, Lines

# Becomes the program, with these descriptors as 3, 4, ... LISTEN_PID must be that of the program itself.
LAUNCH = """
import os, sys
descriptors, names, command = eval(sys.argv[1]), sys.argv[2], sys.argv[3:]
high = [os.dup2(each, 100 + n, inheritable=False) for n, each in enumerate(descriptors)]
for n, each in enumerate(high):
    os.dup2(each, 3 + n)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(high)))
if names:
    os.environ["LISTEN_FDNAMES"] = names
os.execv(command[0], command)
"""


class Activated:
    """A daemon with these sockets; `names` has a name for each."""

    def __init__(self, sockets, names, *words):
        descriptors = [each.fileno() for each in sockets]
        command = [sys.executable, "-c", LAUNCH, repr(descriptors), ":".join(names), MILLRACED, *words,
                   "--log-format", "json"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        pass_fds=descriptors)
        self.log = Lines(self.process.stderr)

    def wait_for(self, event):
        return self.log.wait_for(event)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
