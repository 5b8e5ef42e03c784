#!/usr/bin/env python3
"""Commands, workers, computing processes, requests, files, backups and traces of the packaged service: the hardened
unit lets them work, and when the daemon is killed no process works on."""

import json
import time
import unittest

from boot_support import text_of
from booted import PATIENCE
from service_support import ServiceTest

# Answers each job.
WORKER = ('while read -r job; do id=${job#*:}; '
          'echo "{\\"id\\":${id%%,*},\\"ok\\":true,\\"result\\":\\"by a worker\\"}"; done')
SETTINGS = """
daemon: { data_dir: "${STATE_DIRECTORY}", beanstalk: 127.0.0.1:11300, http: off, offload: { processes: 2 },
          control: "unix:${RUNTIME_DIRECTORY}/control.sock" }
queues: { scripts: {}, compiled: {}, lines: {}, numbers: {}, times: {}, requests: {}, records: {}, results: {} }
consumers:
  commands: { queue: scripts, handler: exec, command: [sh, -c, "${body}"], memory_max: 64MiB, output: results }
  compilers: { queue: compiled, handler: exec, command: [node, --print, "${body}"], output: results }
  workers: { queue: lines, handler: worker, command: [sh, -c, WORKER], memory_max: 64MiB, output: results }
  numbers: { queue: numbers, handler: prime, run_on: processes, output: results }
  times: { queue: times, handler: spin, run_on: processes, concurrency: 2, output: results }
  requests: { queue: requests, handler: http, url: "http://127.0.0.1:8017/${body}", output: results }
  records: { queue: records, handler: file, path: /var/lib/millrace/records, output: results }
""".replace("WORKER", json.dumps(WORKER))

# Answers requests until standard input ends. It can be asked as soon as it has printed a line.
WEB_SERVER = r"""
import http.server, sys, threading
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"answer to " + self.path.encode())
    def log_message(self, *words):
        pass
server = http.server.HTTPServer(("127.0.0.1", 8017), Answer)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""
JIT = "/etc/systemd/system/millraced.service.d/jit.conf"

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
    FILES = {"/root/settings.yaml": SETTINGS, "/root/jit.conf": text_of("deploy", "systemd", "drop-ins", "jit.conf"),
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
        self.assertEqual(sorted(self.results(3)), ["157 is a prime number.", "by a command", "by a worker"])

    def results(self, count):
        return self.python(RESULTS, str(count)).splitlines()

    def millrace(self, *words):
        return self.machine.run("millrace", *words, check=True).stdout

    def test_1_the_hardened_unit_lets_requests_out_and_files_be_written(self):
        server = self.begin(WEB_SERVER)
        self.assertEqual(server.stdout.readline(), "ready\n")
        self.put("item", "requests")
        self.assertEqual(self.results(1), ["answer to /item"])
        self.put("a record", "records")
        self.results(1)
        self.assertEqual(self.machine.run("cat", "/var/lib/millrace/records", check=True).stdout, "a record\n")

    def test_1_the_hardened_unit_lets_a_backup_be_made(self):
        job = self.put("kept")
        self.millrace("backup", "/var/lib/millrace/backup")
        self.assertIn("kept", self.millrace("dump", "/var/lib/millrace/backup"))
        self.millrace("fsck", "/var/lib/millrace/backup")
        self.assertEqual(self.client(rf"delete {job}\r\n"), ["DELETED"])

    def test_1_the_hardened_unit_lets_a_trace_be_written(self):
        self.millrace("trace", "start", "/var/lib/millrace/now.json")
        self.put("157", "numbers")
        self.results(1)
        self.millrace("trace", "stop")
        self.assertIn("numbers", self.millrace("trace", "/var/lib/millrace/now.json"))
        self.millrace("trace", "/var/lib/millrace/now.json", "--plot", "/root/now.svg")
        self.assertIn("numbers", self.machine.run("cat", "/root/now.svg", check=True).stdout)

    def test_1_with_a_drop_in_commands_compile_code_while_they_run(self):
        self.put("6 * 7", "compiled")
        self.wait_for(lambda: self.events("job_failed", "MILLRACE_QUEUE=compiled"))
        self.machine.run("cp", "-T", "/root/jit.conf", JIT, check=True)
        self.addCleanup(self.machine.run, "sh", "-c",
                        f"rm {JIT}; systemctl daemon-reload; systemctl restart millraced")
        self.systemctl("daemon-reload")
        self.systemctl("restart", "millraced")
        self.put("6 * 7", "compiled")
        self.assertEqual(self.results(1), ["42"])

    def test_2_when_the_daemon_is_killed_none_works_on_and_the_jobs_come_again(self):
        self.put("sleep 987654", "scripts")
        self.put("1h", "times")
        self.put("x", "lines")
        self.assertEqual(self.results(1), ["by a worker"])
        before = self.until_children(self.all_work)
        daemon = self.property("MainPID")
        self.machine.run("kill", "-9", daemon, check=True)
        self.until("MainPID", lambda pid: pid not in ("0", daemon))
        self.until("ActiveState", lambda state: state == "active")
        self.until_children(lambda found: not before.keys() & found.keys())
        self.put("x", "lines")
        self.assertEqual(self.results(1), ["by a worker"])
        self.until_children(self.all_work)


if __name__ == "__main__":
    unittest.main(verbosity=2)
