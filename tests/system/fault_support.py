"""Rounds in which system calls of the daemon fail while clients work, and the checks after each round.

No acknowledged job is lost, no deleted job comes back, and no client waits for ever. The process ends by itself: with
status 3 and a message when it could not start, with 1 when its store failed, else with 0. `millrace fsck` finds no
error in the data that it leaves.
"""

import dataclasses
import errno
import json
import os
import queue
import signal
import subprocess

from beanstalk_support import Server
from crash_ledger import Ledger
from crash_support import Crash, looked_at
from fault_control import FAIL, FOREVER, KILL, KILL_AFTER, TEAR, TEAR_AND_KILL, Faults
from support import MILLRACED, PATIENCE, parsed

MILLRACE = os.path.join(os.path.dirname(MILLRACED), "millrace")
BODIES_LOST = ("open", "read")  # a job whose body cannot be read is buried
KILLS = (KILL, KILL_AFTER, TEAR_AND_KILL)
NAMES = {FAIL: "fails", TEAR: "is torn", KILL: "kills", KILL_AFTER: "kills when done", TEAR_AND_KILL: "is torn, kills"}


def failing(*errors, times=(1, FOREVER)):
    return [(FAIL, error, count) for error in errors for count in times]


# The faults of each class of calls: (action, errno, number of calls). A running daemon waits for space on the disk, for
# a free descriptor and for a lock of another process. Where it waits, the fault ends after a number of calls.
KINDS = {
    "open": failing(errno.EIO) + failing(errno.EMFILE, times=(1, 10)) + [(KILL, 0, 1)],
    "mkdir": failing(errno.EACCES, times=[FOREVER]) + [(KILL_AFTER, 0, 1)],
    "read": failing(errno.EIO),
    "write": failing(errno.EIO) + failing(errno.ENOSPC, times=(1, 6, 40)) +
             [(action, 0, 1) for action in (TEAR, KILL, TEAR_AND_KILL)],
    "sync": failing(errno.EIO) + failing(errno.ENOSPC, times=[1]) + [(KILL, 0, 1), (KILL_AFTER, 0, 1)],
    "truncate": failing(errno.EIO) + failing(errno.ENOSPC, times=[1]) + [(KILL, 0, 1)],
    "allocate": failing(errno.EIO, errno.ENOSPC, errno.EOPNOTSUPP, times=[FOREVER]) + [(KILL, 0, 1)],
    "unlink": failing(errno.EIO) + [(KILL, 0, 1), (KILL_AFTER, 0, 1)],
    "lock": failing(errno.EIO, errno.ENOLCK, errno.EAGAIN, times=(1, 20)) + [(KILL, 0, 1)],
    "unlock": failing(errno.EIO, times=(1, FOREVER)) + [(KILL, 0, 1)],
    "map": failing(errno.ENOMEM),
    "socket": failing(errno.EMFILE),
    "bind": failing(errno.EADDRINUSE, times=[FOREVER]),
    "listen": failing(errno.EADDRINUSE, times=[FOREVER]),
    "accept": failing(errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ECONNABORTED, times=[5]),
    "epoll_create": failing(errno.EMFILE, times=[FOREVER]),
    "eventfd": failing(errno.EMFILE, times=[FOREVER]),
    "timerfd_create": failing(errno.EMFILE, times=[FOREVER]),
    "thread_create": failing(errno.EAGAIN),
}


def report_of(lines):
    """The report of a sanitizer from its first line on, or the last lines that the daemon printed."""
    for number, line in enumerate(lines):
        if "ERROR: " in line or "runtime error: " in line or "WARNING: ThreadSanitizer" in line:
            return lines[number:number + 60]
    return lines[-20:]


@dataclasses.dataclass(frozen=True)
class Fault:
    """The nth call of a class, counted from the start of the process."""

    call: str
    nth: int
    action: int = FAIL
    error: int = errno.EIO
    times: int = FOREVER
    memory_limit: str = ""

    def __str__(self):
        words = [f"{self.call} {self.nth}"]
        if self.times != 1:
            words.append("and every later one" if self.times == FOREVER else f"and {self.times - 1} more")
        words.append(NAMES[self.action])
        if self.error:
            words.append(f"with {errno.errorcode[self.error]}")
        if self.memory_limit:
            words.append(f"(memory_limit {self.memory_limit})")
        return " ".join(words)


class Life(Server):
    """One run of a daemon with a fault. It may fail to start."""

    started = True

    def wait_for(self, event):
        try:
            return super().wait_for(event)
        except (AssertionError, queue.Empty):
            self.started = False
            return {"beanstalk": "", "http": ""}

    def entries(self, event):
        return [entry for entry in map(parsed, self.log.rest()) if entry and entry["event"] == event]


class FaultTest(Crash):
    def setUp(self):
        super().setUp()
        self.faults = Faults(self.folder, self.data_dir)

    def fresh(self, number):
        """Begins with a new data directory and a new ledger."""
        self.data_dir = os.path.join(self.folder, f"data{number}")
        self.faults.data_dir = self.data_dir
        self.ledger = Ledger(self.chance)

    def live(self, name, fault=None, commands=150):
        """Runs a daemon with this fault. Returns its calls by class, and how many of them met the fault."""
        settings = self.settings_of(store=f"memory_limit: {fault.memory_limit}" if fault and fault.memory_limit else "")
        self.faults.renew()
        if fault:
            self.ledger.cut_offs, self.ledger.reads_fail = True, fault.call in BODIES_LOST
            self.faults.set(fault.call, fault.action, fault.error, fault.nth, fault.times)
        life = Life(config=settings, env=self.faults.environment())
        self.addCleanup(life.kill)
        code = self.work(life, name, commands) if life.started else self.end_of(life)
        counts, met = self.faults.counts(), self.faults.met()
        self.judge(life, code, met and fault.action in KILLS)
        self.compare()
        if self.ledger.complaints:
            self.fail("\n".join([str(fault), *self.ledger.complaints[:20], *report_of(life.log.rest())]))
        return counts, met

    def work(self, life, name, commands):
        """Lets clients work, then ends the daemon. Returns its exit code."""
        clients = self.clients_of(life, name)
        self.ledger.wait_for(commands)
        self.ledger.draining = True
        life.signal(signal.SIGTERM)
        code = self.end_of(life)
        for client in clients:
            client.join(PATIENCE)
            if client.is_alive():
                self.ledger.complain(f"client {client.called} waits for an answer that does not come")
        return code

    def end_of(self, life):
        try:
            return life.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            life.kill()
            self.ledger.complain("the daemon does not end")
            return None

    def judge(self, life, code, killed):
        """Checks that the daemon ended in an allowed way."""
        if killed and code == -signal.SIGKILL:
            return
        if not life.started:
            # Before there is a log, the message goes to standard error as it is.
            messages = life.entries("could_not_start") or [
                line for line in life.log.all if line.startswith("millraced: ")]
            if code != 3 or len(messages) != 1:
                self.ledger.complain(f"the daemon did not start, and ended with {code} and {len(messages)} messages")
            return
        failed = life.entries("store_failed") or life.entries("failed")
        if code != (1 if failed else 0):
            self.ledger.complain(f"the daemon ended with {code}")

    def compare(self):
        """Compares what is on disk with the ledger, without faults."""
        # A start without faults completes what the last run left unfinished. After it the tools must find no error.
        self.started(self.settings_of()).kill()
        self.tool("fsck")
        lines = [json.loads(line) for line in self.tool("dump").stdout.splitlines()]
        known = {job.id for job in self.ledger.jobs if job.id} | {line["id"] for line in lines if "id" in line}
        server = self.started(self.settings_of())
        with server.connect() as wire:
            found = looked_at(wire, known)
            stats = wire.stats()
        server.kill()
        there = sum(int(stats["current-jobs-" + state]) for state in ("ready", "delayed", "buried"))
        if there != len(found):
            self.ledger.complain(f"{there} jobs are there, {len(found)} were found")
        self.ledger.compare(found)

    def tool(self, name):
        ended = subprocess.run([MILLRACE, name, self.data_dir], capture_output=True, text=True, timeout=PATIENCE)
        if ended.returncode != 0:
            self.ledger.complain(f"{name}: {ended.stdout}{ended.stderr}")
        return ended
