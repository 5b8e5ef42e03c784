#!/usr/bin/env python3
"""Measures pages of a list of waiting jobs, and the cancellation of all of a queue, over the control API.

    tests/bench/many_jobs.py build/release [--listed 10_000_000] [--cancelled 1_000_000] [--pages 300]

A page is `GET /v1/queues/NAME/jobs?limit=100` on the control socket, as a client sees it. The cancellation is
`POST /v1/queues/NAME/cancel`, in memory and on disk. Exit code 1 when a bar was missed. Use a build without sanitizers.
"""
import pathlib
import socket
import statistics
import sys
import threading
import time

from control_client import Control
from figures import heading
from reload_load import stalls
from servers import Daemon, bench_options, folder_on_disk, leave_on_sigterm

PAGE_BAR = 1e-3  # seconds
CANCEL_BAR = 2.0
STALL_BAR_MS = 20
JOBS_PER_SEND = 10_000
SETTINGS = """daemon: {{ http: 127.0.0.1:0, beanstalk: 127.0.0.1:0, control: "unix:control.sock", {daemon} }}
queue_defaults: {{ max_jobs: 100M, max_bytes: 64GiB }}
"""


def fill(address: str, queue: str, jobs: int) -> None:
    """Puts so many jobs of 16 bytes, and waits for the last reply."""
    host, _, port = address.rpartition(":")
    replies = 0
    with socket.create_connection((host, int(port))) as client:

        def read() -> None:
            nonlocal replies
            while received := client.recv(1 << 20):
                replies += received.count(b"\n")

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        client.sendall(b"use %s\r\n" % queue.encode())
        batch = b"put 0 0 60 16\r\n0123456789abcdef\r\n" * JOBS_PER_SEND
        for _ in range(jobs // JOBS_PER_SEND):
            client.sendall(batch)
        client.shutdown(socket.SHUT_WR)
        reader.join()
    if replies != jobs + 1:
        sys.exit(f"{replies} replies to {jobs} puts")


class Running(Daemon):
    """A daemon with so many waiting jobs in the queue `many`, and its control API."""

    def __init__(self, built: pathlib.Path, folder: str, jobs: int, on_disk: bool):
        settings = pathlib.Path(folder) / "settings.yaml"
        extra = f"stall_threshold: {STALL_BAR_MS}ms" + (", data_dir: data" if on_disk else "")
        settings.write_text(SETTINGS.format(daemon=extra))
        super().__init__(built, settings, folder)
        fill(self.beanstalk, "many", jobs)
        self.control = Control(f"{folder}/control.sock")
        self.http_port = int(self.http.rsplit(":", 1)[1])

    def stalls(self) -> float:
        return sum(stalls(self.http_port).values())


def pages(built: pathlib.Path, jobs: int, count: int) -> bool:
    took = []
    with folder_on_disk() as folder, Running(built, folder, jobs, on_disk=False) as daemon:
        target = first = "/v1/queues/many/jobs?limit=100"
        for _ in range(count):
            began = time.monotonic()
            page = daemon.control.ask("GET", target)
            took.append(time.monotonic() - began)
            assert len(page["jobs"]) == min(100, jobs) and page["total"] == jobs
            target = f"{first.split('?')[0]}?cursor={page['next_cursor']}" if page["next_cursor"] else first
        daemon.control.close()
    took.sort()
    median = statistics.median(took)
    print(f"| a page of 100 jobs of {jobs:,} | {median * 1e3:.2f} ms (p99 {took[len(took) * 99 // 100] * 1e3:.2f}) "
          f"| {PAGE_BAR * 1e3:g} ms | {'met' if median < PAGE_BAR else 'missed'} |", flush=True)
    return median < PAGE_BAR


def cancel(built: pathlib.Path, jobs: int, on_disk: bool) -> bool:
    with folder_on_disk() as folder, Running(built, folder, jobs, on_disk) as daemon:
        before = daemon.stalls()
        began = time.monotonic()
        action = daemon.control.ask("POST", "/v1/queues/many/cancel?wait=20s", {"state": "ready"})
        took = time.monotonic() - began
        if action["state"] != "done" or action["done"] != jobs:
            sys.exit(f"the cancellation did not end in 20 s: {action}")
        stalled = daemon.stalls() - before
        daemon.control.close()
    is_met = took < CANCEL_BAR and not stalled
    print(f"| {jobs:,} jobs cancelled, {'on disk' if on_disk else 'in memory'} "
          f"| {took:.2f} s, {stalled:.0f} stalls ≥ {STALL_BAR_MS} ms | {CANCEL_BAR:g} s, no stall "
          f"| {'met' if is_met else 'missed'} |", flush=True)
    return is_met


def main() -> int:
    options = bench_options(__doc__)
    options.add_argument("--listed", type=int, default=10_000_000, help="jobs of the list (default 10_000_000)")
    options.add_argument("--cancelled", type=int, default=1_000_000, help="jobs to cancel (default 1_000_000)")
    options.add_argument("--pages", type=int, default=300, help="pages to read (default 300)")
    chosen = options.parse_args()
    leave_on_sigterm()
    print(heading(1, "run"))
    print("| | figure | bar | |")
    print("|---|---|---|---|", flush=True)
    met = [pages(chosen.built, chosen.listed, chosen.pages)]
    met += [cancel(chosen.built, chosen.cancelled, on_disk) for on_disk in (False, True)]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
