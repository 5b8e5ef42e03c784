#!/usr/bin/env python3
"""What does a trace cost? Runs the same workload with and without `--trace`, in turns, and prints the medians of wall
and processor time.

    tests/bench/trace_cost.py [--daemon build/release/millraced] [--jobs 2000000] [--pairs 11] [--trace-limit 128MiB]
                              [--handler noop] [--folder /dev/shm]

Not one of the tests: on a machine that is busy with other things the figures say something about those.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

from figures import heading

HANDLERS = {
    "noop": ("handler: noop", 1),
    "spin": ("handler: spin, length: 100us", 500),  # jobs of a usual length: 100 µs of processor time
}


def workload(handler, jobs):
    text, divisor = HANDLERS[handler]
    return (f"daemon: {{ http: off }}\nqueues: {{ q: {{}} }}\n"
            f"producers: {{ p: {{ kind: range, queue: q, from: 1, to: {jobs // divisor} }} }}\n"
            f"consumers: {{ c: {{ queue: q, {text} }} }}\n")


def run(command):
    """Wall time and processor time in seconds."""
    began = time.monotonic()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command} ended with {process.returncode}")
    return time.monotonic() - began, used.ru_utime + used.ru_stime


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--daemon", default="build/release/millraced")
    words.add_argument("--jobs", type=int, default=2_000_000)
    words.add_argument("--pairs", type=int, default=11)
    words.add_argument("--trace-limit", default="128MiB")
    words.add_argument("--handler", choices=HANDLERS, default="noop")
    words.add_argument("--folder", default=None)
    given = words.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        settings, trace = os.path.join(folder, "settings.yaml"), os.path.join(folder, "trace.json")
        with open(settings, "w", encoding="utf-8") as file:
            file.write(workload(given.handler, given.jobs))
        plain = [given.daemon, "--config", settings, "--until-idle", "--log-level", "error"]
        traced = plain + ["--trace", trace, "--trace-limit", given.trace_limit]
        pairs = [(run(plain), run(traced)) for _ in range(given.pairs)]
        size = os.path.getsize(trace)
    print(heading(given.pairs))
    print("| | without, s | with a trace, s | ratio (least – most) |\n|---|---|---|---|")
    for name, place in (("wall time", 0), ("processor time", 1)):
        ratios = [one[1][place] / one[0][place] for one in pairs]
        print(f"| {name} | {statistics.median(one[0][place] for one in pairs):.3f} "
              f"| {statistics.median(one[1][place] for one in pairs):.3f} "
              f"| {statistics.median(ratios):.3f} ({min(ratios):.3f} – {max(ratios):.3f}) |")
    print(f"\nThe file has {size / 2**20:.1f} MiB.")


if __name__ == "__main__":
    main()
