#!/usr/bin/env python3
"""Commands, workers and computing processes of the packaged service: the hardened unit lets them work, and when the
daemon is killed none of them works on."""

import json
import time
import unittest

from booted import PATIENCE
from service_support import ServiceTest

# Answers each job.
WORKER = ('while read -r job; do id=${job#*:}; '
          'echo "{\\"id\\":${id%%,*},\\"ok\\":true,\\"result\\":\\"by a worker\\"}"; done')
SETTINGS = """
daemon: { data_dir: "${STATE_DIRECTORY}", beanstalk: 127.0.0.1:11300, http: off, offload: { processes: 2 } }
queues: { scripts: {}, lines: {}, numbers: {}, times: {}, results: {} }
consumers:
  commands: { queue: scripts, handler: exec, command: [sh, -c, "${body}"], memory_max: 64MiB, output: results }
  workers: { queue: lines, handler: worker, command: [sh, -c, WORKER], memory_max: 64MiB, output: results }
  numbers: { queue: numbers, handler: prime, run_on: processes, output: results }
  times: { queue: times, handler: spin, run_on: processes, concurrency: 2, output: results }
""".replace("WORKER", json.dumps(WORKER))

# The bodies of so many jobs of the tube `results`, one a line.
RESULTS = r"""
import socket, sys
peer = socket.create_connection(("127.0.0.1", 11300), timeout=60)
file = peer.makefile("rb")
def ask(command):
    peer.sendall(command)
    return file.readline().split()
ask(b"watch results\r\n")
for _ in range(int(sys.argv[1])):
    _, job, size = ask(b"reserve\r\n")
    print(file.read(int(size) + 2).decode().strip())
    ask(b"delete " + job + b"\r\n")
"""

# The children of the service: process, start and words of each, one a line.
CHILDREN = r"""
import os
for name in filter(str.isdigit, os.listdir("/proc")):
    try:
        words = open(f"/proc/{name}/cmdline").read().split("\0")
        facts = open(f"/proc/{name}/stat").read().rsplit(")", 1)[1].split()
    except OSError:
        continue
    marks = ("--computing-process", "987654", "while read")
    if facts[0] != "Z" and name != str(os.getpid()) and any(mark in word for mark in marks for word in words):
        print(name, facts[19], *words)
"""


class Processes(ServiceTest):
    FILES = {"/root/settings.yaml": SETTINGS,
             "/etc/systemd/system/millraced.service.d/quicker.conf": "[Service]\nRestartSec=100ms\n"}

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.machine.run("cp", "/root/settings.yaml", "/etc/millrace/millrace.yaml", check=True)

    def children(self):
        return {tuple(line.split()[:2]): line for line in self.python(CHILDREN).splitlines()}

    def until_children(self, reached):
        ends = time.monotonic() + PATIENCE
        while not reached(found := self.children()):
            self.assertLess(time.monotonic(), ends, found)
        return found

    @staticmethod
    def all_work(found):
        """A command, a worker and two computing processes are there."""
        lines = found.values()
        return all(sum(mark in line for line in lines) >= count
                   for mark, count in (("987654", 1), ("while read", 1), ("--computing-process", 2)))

    def test_1_the_hardened_unit_lets_all_of_them_work(self):
        self.put("echo by a command", "scripts")
        self.put("x", "lines")
        self.put("157", "numbers")
        self.assertEqual(sorted(self.python(RESULTS, "3").splitlines()),
                         ["157 is a prime number.", "by a command", "by a worker"])

    def test_2_when_the_daemon_is_killed_none_works_on_and_the_jobs_come_again(self):
        self.put("sleep 987654", "scripts")
        self.put("1h", "times")
        self.put("x", "lines")
        self.assertEqual(self.python(RESULTS, "1").strip(), "by a worker")
        before = self.until_children(self.all_work)
        daemon = self.property("MainPID")
        self.machine.run("kill", "-9", daemon, check=True)
        self.until("MainPID", lambda pid: pid not in ("0", daemon))
        self.until("ActiveState", lambda state: state == "active")
        self.until_children(lambda found: not before.keys() & found.keys())
        self.put("x", "lines")
        self.assertEqual(self.python(RESULTS, "1").strip(), "by a worker")
        self.until_children(self.all_work)


if __name__ == "__main__":
    unittest.main(verbosity=2)
