#!/usr/bin/env python3
"""The packaged unit with the drop-in for memory limits, under a real systemd and a kernel with control groups v2: what
uses more than `memory_max` is killed with all that it has started, its job says so, and no group is left."""

import os
import unittest
from pathlib import Path

import user_mode_linux
from boot_support import MILLRACED, text_of

# Answers each job, but for one that asks for a leak.
WORKER = """
import json, sys
for line in sys.stdin:
    job = json.loads(line)
    if job["body"] == "leak":
        kept = bytearray(200_000_000)
    print(json.dumps({"id": job["id"], "ok": True, "result": "answered"}), flush=True)
"""

SETTINGS = """
daemon: { http: off, beanstalk: off }
queues: { fits: {}, grows: {}, escapes: {}, work: {}, results: {} }
producers:
  fits: { kind: list, queue: fits, items: [a] }
  grows: { kind: list, queue: grows, items: [a] }
  escapes: { kind: list, queue: escapes, items: [a] }
  work: { kind: list, queue: work, items: [leak, b, c] }
consumers:
  fits:
    queue: fits
    handler: exec
    command: [python3, -c, "print(len(bytearray(8_000_000)))"]
    memory_max: 64MiB
    output: results
  grows: { queue: grows, handler: exec, command: [python3, -c, "bytearray(200_000_000)"], memory_max: 64MiB }
  # What leaves the process group stays in the control group.
  escapes:
    queue: escapes
    handler: exec
    command: [sh, -c, "setsid python3 -c 'import time; kept = bytearray(200_000_000); time.sleep(987654)' & wait"]
    memory_max: 64MiB
  work:
    queue: work
    handler: worker
    command: [python3, /usr/local/share/worker.py]
    memory_max: 64MiB
    output: results
  results: { queue: results, handler: print }
"""

# Twice, because the service leaves and enters its control group again.
TRIAL = r"""
import ctypes, glob, json, os, select, subprocess

GROUP = "/sys/fs/cgroup/system.slice/millraced.service"

IN_DELETE, IN_ONLYDIR = 0x200, 0x1000000

def follow(is_enough, *matches):
    # Messages of the service from the first one on, until there are enough.
    with subprocess.Popen(["journalctl", "-f", "-n", "all", "-o", "cat", "-u", "millraced", *matches],
                          stdout=subprocess.PIPE, text=True) as journal:
        found = []
        while not is_enough(found):
            found.append(journal.stdout.readline().rstrip("\n"))
        journal.kill()
    return found

def events(name, count):
    return follow(lambda found: len(found) == count, f"MILLRACE_EVENT={name}")

def children():
    return glob.glob(GROUP + "/child-*")

def until_one_child(changes):
    # The group of the worker stays. The kernel tells of each group that is removed.
    while len(children()) > 1 and select.select([changes], [], [], 60)[0]:
        os.read(changes, 65536)
    return children()[1:]

def sleepers():
    words = (open(path, "rb").read() for path in glob.glob("/proc/[0-9]*/cmdline"))
    return [str(each) for each in words if b"987654" in each and b"setsid" not in each and b"trial" not in each]

results = {"rounds": []}
libc = ctypes.CDLL(None)
for round in (1, 2):
    subprocess.run(["systemctl", "restart", "millraced"], check=True)
    changes = libc.inotify_init1(os.O_NONBLOCK)
    assert libc.inotify_add_watch(changes, GROUP.encode(), IN_DELETE | IN_ONLYDIR) >= 0
    failed = events("job_failed", 3 * round)[-3:]
    ended = events("worker_ended", round)[-1:]
    lines = follow(lambda lines: lines.count("answered") >= 2 * round and lines.count("8000000") >= round)
    groups = until_one_child(changes)
    os.close(changes)
    results["rounds"].append({
        "limits": events("memory_limits", round)[-1], "failed": failed, "worker_ended": ended, "lines": lines,
        "sleepers": sleepers(), "groups": groups,
        "daemon": len(open(GROUP + "/daemon/cgroup.procs").read().split()) > 0,
        "maximum": [open(group + "/memory.max").read().strip() for group in children()]})
subprocess.run(["systemctl", "stop", "millraced"], check=True)
results["left"] = os.path.exists(GROUP)
with open("/root/results.json.part", "w") as file:
    json.dump(results, file)
os.rename("/root/results.json.part", "/root/results.json")
"""

PROCESS = r"process \d+ \((python3|sh)\) and what it has started "


class MemoryLimits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if reason := user_mode_linux.missing():
            raise unittest.SkipTest(reason)
        unit = "/etc/systemd/system/millraced.service"
        cls.results = user_mode_linux.run_trial({
            "/usr/bin/millraced": Path(MILLRACED),
            unit: text_of("deploy", "systemd", "millraced.service"),
            f"{unit}.d/memory-limits.conf": text_of("deploy", "systemd", "drop-ins", "memory-limits.conf"),
            "/etc/millrace/millrace.yaml": SETTINGS,
            "/usr/local/share/worker.py": WORKER}, TRIAL)

    def test_the_log_says_that_control_groups_limit_the_memory(self):
        for each in self.results["rounds"]:
            self.assertEqual(each["limits"], "control groups limit the memory of child processes "
                                             "directory=/sys/fs/cgroup/system.slice/millraced.service")
            self.assertTrue(each["daemon"], each)

    def test_a_job_that_needs_too_much_fails_with_the_limit(self):
        for each in self.results["rounds"]:
            self.assertEqual(len(each["failed"]), 3)
            for text in each["failed"]:
                self.assertRegex(text, PROCESS + r"used all of memory_max \(64MiB\) and asked for more ")
            self.assertRegex(each["worker_ended"][0], f"was ended: {PROCESS}used all of memory_max")

    def test_others_are_done(self):
        for number, each in enumerate(self.results["rounds"], 1):
            self.assertEqual(each["lines"].count("8000000"), number)
            self.assertEqual(each["lines"].count("answered"), 2 * number)

    def test_nothing_is_left(self):
        for each in self.results["rounds"]:
            self.assertEqual(each["sleepers"], [])
            self.assertEqual(each["groups"], [])
            self.assertEqual(each["maximum"], [str(64 << 20)])
        self.assertFalse(self.results["left"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
