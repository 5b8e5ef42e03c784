#!/usr/bin/env python3
"""How fast does the daemon read what it kept? Fills a data directory with jobs, and starts the real daemon on it again
and again.

    tests/bench/startup.py build/release [--jobs 2_000_000] [--body 64] [--repeat 3] [--cold] [--settings FILE]

Time counts from exec until the log says `recovered`, and until it says `started`, when clients are served; jobs/s is
the latter. Memory is the most that was ever resident until then. Exit code 1 when the median is under the bar. A file
of --settings is one like SETTINGS below: it says `data_dir: data`, which is a new folder on the disk of /var/tmp, and
`beanstalk: 127.0.0.1:0`, and its queues have capacity for the jobs.
"""
import argparse
import os
import pathlib
import re
import socket
import statistics
import sys

from figures import figure, heading
from servers import Daemon, folder_on_disk, leave_on_sigterm, memory

SETTINGS = """daemon: { http: off, beanstalk: 127.0.0.1:0, data_dir: data }
queue_defaults: { max_jobs: 1G, max_bytes: 1024GiB, overflow: reject }
"""
STARTS_WITHIN = 1_800
JOBS_A_PIECE = 2_000


def fill(address: str, jobs: int, body: int) -> None:
    """Puts jobs as a client, many in flight. They stay when it has ended, unlike those of `millrace bench`."""
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=60) as client, client.makefile("rb") as replies:
        while jobs > 0:
            piece = min(jobs, JOBS_A_PIECE)
            client.sendall(b"put 0 0 60 %d\r\n%s\r\n" % (body, b"x" * body) * piece)
            for _ in range(piece):
                if not (reply := replies.readline()).startswith(b"INSERTED"):
                    sys.exit(f"a put was answered {reply}, {jobs} were still to come")
            jobs -= piece


def leave_page_cache(folder: pathlib.Path) -> None:
    for path in folder.iterdir():
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("built", type=pathlib.Path, nargs="?", default=pathlib.Path("build/release"),
                         help="where millraced was built")
    options.add_argument("--jobs", type=int, default=2_000_000, help="that are kept (default 2_000_000)")
    options.add_argument("--body", type=int, default=64, help="bytes of each (default 64)")
    options.add_argument("--repeat", type=int, default=3, help="starts (default 3)")
    options.add_argument("--cold", action="store_true", help="the files are not in the page cache")
    options.add_argument("--settings", type=pathlib.Path, help="a file to run with instead")
    options.add_argument("--bar", type=float, default=500_000, help="jobs/s (default 500000)")
    chosen = options.parse_args()
    leave_on_sigterm()
    text = chosen.settings.read_text() if chosen.settings else SETTINGS
    for said in (r"\bdata_dir: *data\b(?!/)", r"\bbeanstalk: *127\.0\.0\.1:0\b"):
        if not re.search(said, text):
            sys.exit(f"{chosen.settings} has nothing that looks like {said}")

    with folder_on_disk() as folder:
        settings = pathlib.Path(folder) / "settings.yaml"
        settings.write_text(text)
        with Daemon(chosen.built, settings, folder) as daemon:
            fill(daemon.beanstalk, chosen.jobs, chosen.body)
            filled_with = memory(daemon.process.pid, "VmHWM")
        data = pathlib.Path(folder) / "data"
        on_disk = sum(path.stat().st_size for path in data.iterdir())
        recovered, started, peaks = [], [], []
        for _ in range(chosen.repeat):
            if chosen.cold:
                leave_page_cache(data)
            with Daemon(chosen.built, settings, folder, STARTS_WITHIN) as daemon:
                peaks.append(memory(daemon.process.pid, "VmHWM"))
                recovered.append(daemon.seconds_until("recovered"))
                started.append(daemon.seconds_until("started"))
                if (jobs := daemon.said["recovered"][1]["jobs"]) != chosen.jobs:
                    sys.exit(f"{chosen.jobs} jobs were put, {jobs} are back")

    rates = sorted(chosen.jobs / seconds for seconds in started)
    rate = statistics.median(rates)
    print(heading(chosen.repeat, "start"))
    print(
        f"Start with {figure(chosen.jobs)} jobs of {chosen.body} B on disk ({figure(on_disk)}B, "
        f"{'not ' if chosen.cold else ''}in the page cache): "
        f"recovered after {statistics.median(recovered):.3g} s, serves after {statistics.median(started):.3g} s: "
        f"{figure(rate)} jobs/s "
        f"({figure(rates[0])} – {figure(rates[-1])}; bar {figure(chosen.bar)}: "
        f"{'met' if rate >= chosen.bar else 'missed'}), "
        f"memory at most {max(peaks) / 2**20:.0f} MiB ({filled_with / 2**20:.0f} MiB while they were put)")
    return 0 if rate >= chosen.bar else 1


if __name__ == "__main__":
    sys.exit(main())
