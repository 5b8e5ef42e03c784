#!/usr/bin/env python3
"""The same loads on disk with several builds in turn, for constants of the store that are chosen by measuring.

    tests/bench/store_study.py BUILT... [--rounds 5] [--seconds 5]

Each BUILT has a millraced and a millrace, and differs from the others in one constant; `file_limits::log_pages` of
daemon/store/store_context.hpp at 1024, 4096 and 16384, for example. Every run has a new folder on the disk of
/var/tmp; the order turns from round to round, so that none has the warmer machine. The table has medians of jobs/s
and of the 99th percentile of a put, the worst put of all, the largest log, and what was written in all for each job
that was counted.
"""
import argparse
import pathlib
import statistics
import sys
import threading

from figures import figure, heading
from servers import Daemon, bench, folder_on_disk, leave_on_sigterm

SETTINGS = """daemon: { http: off, beanstalk: 127.0.0.1:0, data_dir: data }
queue_defaults: { max_jobs: 1G, max_bytes: 1024GiB, overflow: reject }
"""
LOADS = [
    "--connections 64 --depth 32",
    "--connections 16 --depth 32 --body 4KiB",
    "--connections 64 --depth 32 --phase put",
]


class LogWatch:
    """The largest size of the log while it is looked at, ten times a second."""

    def __init__(self, folder: str):
        self.log = pathlib.Path(folder) / "data" / "millrace.db-wal"
        self.most = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def look(self) -> None:
        while not self.ended.wait(0.1):
            self.most = max(self.most, self.log.stat().st_size if self.log.exists() else 0)

    def end(self) -> int:
        self.ended.set()
        self.thread.join()
        return self.most


def written_bytes(pid: int) -> int:
    lines = pathlib.Path(f"/proc/{pid}/io").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("write_bytes:")))


def one_run(built: pathlib.Path, load: str, seconds: int) -> dict:
    with folder_on_disk() as folder:
        settings = pathlib.Path(folder) / "settings.yaml"
        settings.write_text(SETTINGS)
        with Daemon(built, settings, folder) as daemon:
            log = LogWatch(folder)
            seen = bench(built, daemon.beanstalk, *load.split(), "--for", f"{seconds}s")["total"]
            return {
                "rate": seen["jobs_per_second"], "p99": seen["latency_us"]["put"]["p99"],
                "max": seen["latency_us"]["put"]["max"], "log": log.end(),
                "written": written_bytes(daemon.process.pid) / seen["jobs"]
            }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("built", type=pathlib.Path, nargs="+")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=5)
    chosen = options.parse_args()
    leave_on_sigterm()
    print(heading(chosen.rounds, "round"))
    print("| `millrace bench` | build | jobs/s (least – most) | put p99 | worst put | log | written for a job |")
    print("|---|---|---|---|---|---|---|")
    for load in LOADS:
        runs = {built: [] for built in chosen.built}
        for at in range(chosen.rounds):
            first = at % len(chosen.built)
            for built in chosen.built[first:] + chosen.built[:first]:
                runs[built].append(one_run(built, load, chosen.seconds))
        for built, seen in runs.items():
            def of(column: str) -> list:
                return [run[column] for run in seen]

            print(
                f"| `{load}` | {built.name} | {figure(statistics.median(of('rate')))} ({figure(min(of('rate')))} – "
                f"{figure(max(of('rate')))}) "
                f"| {statistics.median(of('p99')) / 1e3:.3g} ms | {max(of('max')) / 1e3:.3g} ms | "
                f"{max(of('log')) / 2**20:.0f} MiB "
                f"| {statistics.median(of('written')):.0f} B |",
                flush=True)


if __name__ == "__main__":
    sys.exit(main())
