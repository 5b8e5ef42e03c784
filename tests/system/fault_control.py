"""Steers the calls that a daemon makes of the operating system: tests/system/fault_shim is preloaded into it, and
both map one file.

    faults = Faults(folder, data_dir)
    server = Server(config=settings, env=faults.environment())
    faults.fail("sync", errno.EIO)           the next sync fails, and every later one
    faults.stall("sync"); ...; faults.resume("sync")
    faults.clear()

Calls on files are counted and changed for the data directory only; those for sockets, descriptors and threads for
the whole process.
A file lives as long as one process: `renew` begins the next with counts of 0.
"""

import ctypes
import errno
import mmap
import os
import subprocess
import time

from support import MILLRACED, PATIENCE

CALLS = ("open", "mkdir", "read", "write", "sync", "truncate", "allocate", "unlink", "rename", "lock", "unlock",
         "map", "socket", "bind", "listen", "accept", "epoll_create", "eventfd", "timerfd_create", "thread_create")
FILE_CALLS, PROCESS_CALLS = CALLS[:12], CALLS[12:]
FILES = {"data": 1, "log": 2, "index": 4, "lock": 8, "other": 16}
FAIL, KILL, KILL_AFTER, TEAR, TEAR_AND_KILL = range(1, 6)
FOREVER = 2**64 - 1
MAGIC = 0x6d696c6c72616365
SHIM = os.path.join(os.path.dirname(MILLRACED), "tests", "system", "fault_shim", "libmillrace_fault_shim.so")
SANITIZER_FAILED = 77  # exit code of a process in which a sanitizer found something; none of the daemon's own


class Steering(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("calls", "faults", "stalled", "action", "first", "times", "error",
                                                     "files", "delay_microseconds", "stall")]


class Layout(ctypes.Structure):
    _fields_ = [("magic", ctypes.c_uint64), ("free_bytes", ctypes.c_uint64), ("wall_nanoseconds", ctypes.c_int64),
                ("steady_nanoseconds", ctypes.c_int64), ("calls", Steering * len(CALLS)),
                ("directory", ctypes.c_char * 4096)]


def sanitizer_of(program):
    """The path of the sanitizer's library, which must be loaded before any other; empty without one."""
    for line in subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout.splitlines():
        if "libasan" in line or "libtsan" in line:
            return line.split("=>")[1].split("(")[0].strip()
    return ""


class Faults:
    def __init__(self, folder, data_dir):
        if not os.path.exists(SHIM):
            raise FileNotFoundError(f"{SHIM}: build the target millrace_fault_shim")
        self.path, self.data_dir = os.path.join(folder, "faults"), data_dir
        self.steady = self.wall = 0
        self.renew()

    def renew(self):
        """Counts begin anew, and nothing fails. The clocks stay as they are."""
        with open(self.path, "wb") as file:
            file.write(bytes(ctypes.sizeof(Layout)))
        with open(self.path, "r+b") as file:
            self.layout = Layout.from_buffer(mmap.mmap(file.fileno(), 0))
        self.layout.directory = self.data_dir.encode()
        self.layout.free_bytes = FOREVER
        self.layout.steady_nanoseconds, self.layout.wall_nanoseconds = self.steady, self.wall
        self.layout.magic = MAGIC

    def environment(self):
        preloaded = ":".join(filter(None, (sanitizer_of(MILLRACED), SHIM)))
        found = dict(os.environ, MILLRACE_FAULT_CONTROL=self.path, LD_PRELOAD=preloaded)
        for tool in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
            found[tool] = ":".join(filter(None, (found.get(tool), f"exitcode={SANITIZER_FAILED}")))
        return found

    # --- calls --------------------------------------------------------------------------------------------------

    def of(self, call):
        return self.layout.calls[CALLS.index(call)]

    def counts(self):
        """Calls made so far, by class."""
        return {call: self.of(call).calls for call in CALLS}

    def met(self):
        """How many calls were changed."""
        return sum(self.of(call).faults for call in CALLS)

    def set(self, call, action, error=errno.EIO, nth=None, times=FOREVER):
        """`action` changes `times` calls, from the nth on. Calls are counted from the start of the process.
        Without `nth` the next call is the first that is changed."""
        its = self.of(call)
        its.error, its.times, its.first = error, times, nth or its.calls + 1
        its.action = action

    def only(self, call, *files):
        """The class is about these files."""
        self.of(call).files = sum(FILES[file] for file in files)

    def fail(self, call, error=errno.EIO, nth=None, times=FOREVER):
        self.set(call, FAIL, error, nth, times)

    def stall(self, *calls):
        for call in calls:
            self.of(call).stall = 1

    def resume(self, *calls):
        for call in calls or CALLS:
            self.of(call).stall = 0

    def delay(self, call, microseconds):
        self.of(call).delay_microseconds = microseconds

    def until_stalled(self, call):
        """Returns when a call waits because of `stall`."""
        ends = time.monotonic() + PATIENCE
        while not self.of(call).stalled:
            if time.monotonic() > ends:
                raise TimeoutError(f"no {call} was made")
            time.sleep(0.001)

    def clear(self):
        for call in CALLS:
            its = self.of(call)
            its.action = its.stall = its.delay_microseconds = 0
        self.layout.free_bytes = FOREVER

    # --- the disk and the clocks --------------------------------------------------------------------------------

    def free_bytes(self, count):
        """What the disk reports as free."""
        self.layout.free_bytes = count

    def move_wall_clock(self, seconds):
        """A step of the wall clock, also while the daemon runs."""
        self.wall += int(seconds * 1e9)
        self.layout.wall_nanoseconds = self.wall

    def reboot(self, up=10, away=0):
        """The next process finds a machine that has been up for so long, after it was off for `away` seconds.
        Requires: no process runs."""
        self.steady = int(up * 1e9) - time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        self.layout.steady_nanoseconds = self.steady
        self.move_wall_clock(away)
