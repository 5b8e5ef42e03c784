#!/usr/bin/env python3
"""Measures how long a durable put takes while a backup runs.

    tests/bench/backup_latency.py build/release [--megabytes 500] [--runs 3]

Fills a relaxed queue, then puts one job after another into a sync queue: five seconds without a backup, then for as
long as `millrace backup` runs. Use a build without sanitizers.
"""
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import time

from figures import heading
from servers import Daemon, bench_options, connect_to_tube, folder_on_disk, leave_on_sigterm

BODY_BYTES = 1000
PUTS_PER_BATCH = 1000
ALONE_SECONDS = 5
SETTINGS = """daemon: { http: off, beanstalk: '127.0.0.1:0', control: 'unix:control.sock', data_dir: data }
queues: { relaxed: { durability: relaxed, max_jobs: 1G, max_bytes: 1024GiB }, sync: { durability: sync } }
"""


def fill(address: str, count: int) -> None:
    put = b"put 0 0 60 %d\r\n%s\r\n" % (BODY_BYTES, b"x" * BODY_BYTES)
    with connect_to_tube(address, b"relaxed") as client, client.makefile("rb") as replies:
        for _ in range(count // PUTS_PER_BATCH):
            client.sendall(put * PUTS_PER_BATCH)
            for _ in range(PUTS_PER_BATCH):
                assert replies.readline().startswith(b"INSERTED")


def put_until(client: socket.socket, ended) -> list[float]:
    """The milliseconds that each put took."""
    took = []
    while not ended():
        began = time.monotonic()
        client.sendall(b"put 0 0 60 1\r\nx\r\n")
        assert client.recv(100).startswith(b"INSERTED")
        took.append((time.monotonic() - began) * 1e3)
    return took


def row(name: str, took: list[float], more: str) -> None:
    percentiles = statistics.quantiles(took, n=100)
    print(f"| {name} | {len(took)} | {percentiles[49]:.2f} | {percentiles[98]:.2f} | {max(took):.1f} | {more} |",
          flush=True)


def main() -> None:
    options = bench_options(__doc__, "millraced and millrace")
    options.add_argument("--megabytes", type=int, default=500, help="bodies on disk (default 500)")
    options.add_argument("--runs", type=int, default=3, help="backups (default 3)")
    chosen = options.parse_args()
    leave_on_sigterm()
    with folder_on_disk() as folder:
        root = pathlib.Path(folder)
        (root / "settings.yaml").write_text(SETTINGS)
        with Daemon(chosen.built, root / "settings.yaml", folder) as daemon:
            fill(daemon.beanstalk, chosen.megabytes * 1_000_000 // BODY_BYTES)
            with connect_to_tube(daemon.beanstalk, b"sync") as client:
                print(heading(chosen.runs, "run").replace("medians of", "all"))
                print("| | puts | median, ms | p99, ms | greatest, ms | |")
                print("|---|---|---|---|---|---|")
                for _ in range(chosen.runs):
                    ends = time.monotonic() + ALONE_SECONDS
                    row("no backup", put_until(client, lambda: time.monotonic() > ends), "")
                    began = time.monotonic()
                    with subprocess.Popen([chosen.built / "millrace", "backup", "--control",
                                           f"unix:{folder}/control.sock", root / "copy"],
                                          stdout=subprocess.DEVNULL) as backup:
                        took = put_until(client, lambda: backup.poll() is not None)
                    seconds = time.monotonic() - began
                    if backup.returncode != 0:
                        sys.exit("millrace backup failed")
                    copied = sum(path.stat().st_size for path in (root / "copy").iterdir())
                    row("backup", took, f"{copied / 1e6:.0f} MB in {seconds:.1f} s")
                    shutil.rmtree(root / "copy")


if __name__ == "__main__":
    main()
