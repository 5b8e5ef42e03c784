#!/usr/bin/env python3
"""Does the loop stay live while every offload thread is busy? Runs the daemon with more computations than its pool can
take, and prints the 99th percentile of how late the loop's probe timer fires. Exit code 1 when it is over the bar.

    tests/bench/lag_check.py [--seconds 20] [--bar-ms 5] [--daemon build/release/millraced] [--processes 2]

With --processes as many computing processes are busy, too, and one of them is killed each second.

Not one of the tests: on a machine that is busy with other things the figure says something about those.
"""

import argparse
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

WORKLOAD = """daemon:
  http: 127.0.0.1:0
  offload: {{ threads: {threads}, processes: {processes} }}
  drain_timeout: 1s
queues: {{ work: {{ max_jobs: 1000 }}, numbers: {{ max_jobs: 1000 }}, verdicts: {{ max_jobs: 1000 }} }}
producers:
  burn: {{ kind: range, queue: work, from: 1, to: 1000000000 }}
  candidates: {{ kind: random, queue: numbers, bits: 64 }}
consumers:
  burner: {{ queue: work, handler: spin, length: 20ms, run_on: threads, concurrency: 64 }}
  primality: {{ queue: numbers, handler: prime, run_on: threads, concurrency: 64, output: verdicts }}
  report: {{ queue: verdicts, handler: noop }}
"""

# After the workload above.
PROCESSES = "  apart: {{ queue: work, handler: spin, length: 20ms, run_on: processes, concurrency: 64 }}\n"


def kill_one(daemon):
    """Kills a process that computes for the daemon. Returns how many it killed: none where all are being replaced."""
    for child in pathlib.Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text(encoding="ascii").split():
        try:
            if b"--computing-process" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(int(child), signal.SIGKILL)
                return 1
        except OSError:
            continue
    return 0


def scrape(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/metrics")
    page = connection.getresponse().read().decode()
    connection.close()
    return page


def value(page, series):
    return float(re.search(rf"^{re.escape(series)} (\S+)$", page, re.MULTILINE).group(1))


def probes_within(page):
    """Of each bucket of the lag, its upper bound in seconds (infinite in the end) and how many probes lie below it."""
    buckets = re.findall(r'^millrace_loop_lag_seconds_bucket\{le="([^"]+)"\} (\S+)$', page, re.MULTILINE)
    return {float("inf") if bound == "+Inf" else float(bound): float(count) for bound, count in buckets}


def percentile(page, share, before=""):
    """The bucket's upper bound below which that share of the probes lies that came after the page `before`, in seconds,
    and how many there were."""
    earlier = probes_within(before)
    buckets = [(bound, count - earlier.get(bound, 0)) for bound, count in probes_within(page).items()]
    total = buckets[-1][1]
    return next(bound for bound, count in buckets if count >= share * total), int(total)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--bar-ms", type=float, default=5)
    parser.add_argument("--daemon", default="build/release/millraced")
    parser.add_argument("--processes", type=int, default=0)
    given = parser.parse_args()
    threads = os.cpu_count()

    with tempfile.TemporaryDirectory() as folder:
        settings = os.path.join(folder, "lag.yaml")
        with open(settings, "w", encoding="utf-8") as file:
            workload = WORKLOAD + PROCESSES if given.processes else WORKLOAD
            file.write(workload.format(threads=threads, processes=max(given.processes, 1)))
        daemon = subprocess.Popen([given.daemon, "--config", settings, "--log-format", "json"],
                                  stderr=subprocess.PIPE,
                                  text=True)
        try:
            started = next(entry for entry in map(json.loads, daemon.stderr) if entry["event"] == "started")
            port = int(started["http"].rsplit(":", 1)[1])
            ends = time.monotonic() + given.seconds
            scrapes = busy = killed = 0
            next_kill = time.monotonic() + 1 if given.processes else float("inf")
            while time.monotonic() < ends:
                page = scrape(port)
                scrapes += 1
                busy += value(page, 'millrace_offload_busy_workers{pool="threads"}')
                time.sleep(0.25)
                if time.monotonic() >= next_kill:
                    killed += kill_one(daemon)
                    next_kill += 1
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.communicate()
    p99, probes = percentile(page, 0.99)
    p50, _ = percentile(page, 0.5)
    done = value(page, 'millrace_jobs_finished_total{queue="verdicts",outcome="ok"}')
    print(
        f"loop lag while {threads} offload threads were {busy / scrapes / threads:.0%} busy: p50 ≤ {p50 * 1e3:g} ms, "
        f"p99 ≤ {p99 * 1e3:g} ms "
        f"({probes} probes, {done:.0f} verdicts, {scrapes} scrapes, {killed} processes killed; "
        f"bar {given.bar_ms:g} ms)")
    return 0 if p99 * 1e3 <= given.bar_ms else 1


if __name__ == "__main__":
    sys.exit(main())
