#!/usr/bin/env python3
"""What does a scrape of many queues cost? Runs the daemon with 200 queues and prints, before and after each queue had
jobs and while it has jobs in each state, how large the page is in each form, and how long the loop was busy for a
scrape of it. Then it prints what an idle daemon takes: resident memory, and context switches in a minute. Exit code 1
when a scrape takes more of the loop than its bar, or the idle daemon, with all listeners, more memory than its bar.

    tests/bench/scrape_cost.py [--queues 200] [--scrapes 100] [--bar-ms 5] [--bar-mib 20] [--idle-seconds 60]
                               [--daemon build/release/millraced]

Not one of the tests: on a machine that is busy with other things the figures say something about those.
"""

import argparse
import contextlib
import glob
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

FORMS = {
    "text": {},
    "text, gzip": {"Accept-Encoding": "gzip"},
    "OpenMetrics": {"Accept": "application/openmetrics-text"},
    "OpenMetrics, gzip": {"Accept": "application/openmetrics-text", "Accept-Encoding": "gzip"},
}


class Daemon:
    def __init__(self, program, folder, settings):
        path = os.path.join(folder, "settings.yaml")
        with open(path, "w") as file:
            file.write(settings)
        command = [program, "--config", path, "--log-format", "json"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            entry = json.loads(line)
            if entry["event"] == "started":
                break
        self.http = int(entry["http"].rsplit(":", 1)[1])
        self.beanstalk = int(entry["beanstalk"].rsplit(":", 1)[1]) if entry.get("beanstalk") else 0

    def stop(self):
        self.process.terminate()
        self.process.communicate()

    def scrape(self, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=10)
        connection.request("GET", "/metrics", headers=headers)
        page = connection.getresponse().read()
        connection.close()
        return page

    def value(self, series):
        page = self.scrape({}).decode()
        return float(re.search(rf"^{re.escape(series)} (\S+)$", page, re.MULTILINE).group(1))

    def switches(self):
        """Context switches of all threads so far."""
        total = 0
        for path in glob.glob(f"/proc/{self.process.pid}/task/*/status"):
            with open(path) as status:
                total += sum(map(int, re.findall(r"ctxt_switches:\s*(\d+)", status.read())))
        return total

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Client:
    """A client that watches all queues."""

    def __init__(self, port, queues):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.replies = self.socket.makefile("rb")
        self.queues = range(queues)
        for number in self.queues:
            self.ask(b"watch queue-%d\r\n" % number)

    def ask(self, command):
        self.socket.sendall(command)
        return self.replies.readline()

    def put(self, number, delay=0):
        self.ask(b"use queue-%d\r\n" % number)
        self.ask(b"put 0 %d 10000 3\r\nabc\r\n" % delay)

    def reserve(self):
        job = self.ask(b"reserve\r\n").split()[1]
        self.replies.readline()
        return job

    def use_each(self):
        """Ten jobs go through each queue."""
        for number in [number for number in self.queues for _ in range(10)]:
            self.put(number)
            self.ask(b"delete %s\r\n" % self.reserve())

    def fill_each(self):
        """Each queue has jobs in each state."""
        for number in self.queues:
            self.put(number)
            self.ask(b"bury %s 0\r\n" % self.reserve())
            self.put(number)
            self.reserve()
            self.put(number, delay=10000)
        for number in self.queues:
            self.put(number)


def measure(daemon, scrapes):
    """Prints a line for each form of the page, and returns the loop's longest time for a scrape, in milliseconds."""
    longest = 0
    for form, headers in FORMS.items():
        size = len(daemon.scrape(headers))
        before = daemon.value("millrace_loop_busy_seconds_total")
        for _ in range(scrapes):
            daemon.scrape(headers)
        busy = daemon.value("millrace_loop_busy_seconds_total") - before
        # The second look at the counter is a scrape as well.
        cost = busy / (scrapes + 1) * 1e3
        longest = max(longest, cost)
        print(f"  {form:20}{size:>10,} bytes{cost:>8.2f} ms of the loop", flush=True)
    return longest


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--queues", type=int, default=200)
    options.add_argument("--scrapes", type=int, default=100)
    options.add_argument("--bar-ms", type=float, default=5)
    options.add_argument("--bar-mib", type=float, default=20)
    options.add_argument("--idle-seconds", type=float, default=60)
    options.add_argument("--daemon", default="build/release/millraced")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        names = ", ".join(f"queue-{number}: {{}}" for number in range(asked.queues))
        busy = Daemon(asked.daemon, folder, "daemon: { http: 127.0.0.1:0, beanstalk: 127.0.0.1:0 }\n"
                      f"queues: {{ {names} }}\n")
        with contextlib.ExitStack() as ends:
            ends.callback(busy.stop)
            print(f"{asked.queues} queues that never had a job")
            longest = measure(busy, asked.scrapes)
            client = Client(busy.beanstalk, asked.queues)
            client.use_each()
            print(f"{asked.queues} queues that had ten jobs each")
            longest = max(longest, measure(busy, asked.scrapes))
            client.fill_each()
            print(f"{asked.queues} queues that have jobs in each state, of which one was buried")
            longest = max(longest, measure(busy, asked.scrapes))
        idle = Daemon(asked.daemon, folder, f"daemon: {{ http: 127.0.0.1:0, beanstalk: 127.0.0.1:0, "
                      f"control: 'unix:{folder}/control.sock', data_dir: {folder}/data }}\n")
        with contextlib.ExitStack() as ends:
            ends.callback(idle.stop)
            before = idle.switches()
            time.sleep(asked.idle_seconds)
            minute = (idle.switches() - before) * 60 / asked.idle_seconds
            resident = idle.resident_bytes() / 2**20
            print(f"idle: {resident:.1f} MiB resident, {minute:.0f} context switches a minute")
    return 0 if longest <= asked.bar_ms and resident <= asked.bar_mib else 1


if __name__ == "__main__":
    sys.exit(main())
