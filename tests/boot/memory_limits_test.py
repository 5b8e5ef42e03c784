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
import glob, json, os, subprocess, time

GROUP = "/sys/fs/cgroup/system.slice/millraced.service"

def events(name, count):
    journal = subprocess.Popen(["journalctl", "-f", "-n", "all", "-o", "json", "-u", "millraced",
                                f"MILLRACE_EVENT={name}"], stdout=subprocess.PIPE, text=True)
    found = [json.loads(journal.stdout.readline())["MESSAGE"] for _ in range(count)]
    journal.kill()
    return found

def printed():
    return subprocess.run(["journalctl", "-o", "cat", "-u", "millraced"], capture_output=True, text=True).stdout

def undone(rounds):
    lines = printed().splitlines()
    return lines.count("answered") < 2 * rounds or lines.count("8000000") < rounds

def until_none(find):
    ends = time.monotonic() + 60
    while (found := find()) and time.monotonic() < ends:
        time.sleep(0.05)
    return found

def sleepers():
    words = (open(path, "rb").read() for path in glob.glob("/proc/[0-9]*/cmdline"))
    return [str(each) for each in words if b"987654" in each and b"setsid" not in each and b"trial" not in each]

results = {"rounds": []}
for round in (1, 2):
    subprocess.run(["systemctl", "restart", "millraced"], check=True)
    failed = events("job_failed", 3 * round)[-3:]
    ended = events("worker_ended", round)[-1:]
    until_none(lambda: undone(round))
    results["rounds"].append({
        "limits": events("memory_limits", round)[-1], "failed": failed, "worker_ended": ended,
        "sleepers": until_none(sleepers),
        "daemon": len(open(GROUP + "/daemon/cgroup.procs").read().split()) > 0,
        # The group of the worker stays.
        "groups": until_none(lambda: glob.glob(GROUP + "/child-*")[1:]),
        "maximum": [open(group + "/memory.max").read().strip() for group in glob.glob(GROUP + "/child-*")]})
subprocess.run(["systemctl", "stop", "millraced"], check=True)
results["left"] = os.path.exists(GROUP)
results["printed"] = printed()
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
        self.assertEqual(self.results["printed"].splitlines().count("8000000"), 2)
        self.assertEqual(self.results["printed"].splitlines().count("answered"), 4)

    def test_nothing_is_left(self):
        for each in self.results["rounds"]:
            self.assertEqual(each["sleepers"], [])
            self.assertEqual(each["groups"], [])
            self.assertEqual(each["maximum"], [str(64 << 20)])
        self.assertFalse(self.results["left"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
