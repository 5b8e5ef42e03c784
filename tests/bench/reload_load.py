#!/usr/bin/env python3
"""Reloads the settings again and again under a constant load, and checks that no job is lost or doubled.

    tests/bench/reload_load.py build/release [--rate 50_000] [--seconds 20] [--pause 0.2]

A client puts jobs at a constant rate. A consumer moves each one to a second queue. Each reload changes that consumer,
and with it the limit of one of the other queues. In the end the bodies in the second queue are compared with those that
were put. Exit code 1 when a job was lost or doubled, or a task held the loop for the bar or longer. Use a build without
sanitizers.
"""
import pathlib
import socket
import statistics
import sys
import threading
import time

from control_client import Control
from figures import figure, heading
from lag_check import scrape
from servers import Daemon, bench_options, folder_on_disk, leave_on_sigterm

SLICE = 0.01  # seconds between two batches of puts
JOBS_PER_BATCH = 2_000  # of the comparison in the end
HANDLERS = ("noop", "spin, length: 1us, run_on: threads, concurrency: 8", "noop, concurrency: 40")
SETTINGS = """daemon:
  http: 127.0.0.1:0
  beanstalk: 127.0.0.1:0
  control: unix:control.sock
  stall_threshold: {bar}ms
queues:
  work: {{ max_jobs: 100M, max_bytes: 64GiB }}
  done: {{ max_jobs: 100M, max_bytes: 64GiB }}
  other: {{ max_jobs: {limit} }}
{others}
consumers: {{ c: {{ queue: work, handler: {handler}, output: done }} }}
"""


class Load(threading.Thread):
    """Puts numbered bodies at a constant rate."""

    def __init__(self, address: tuple[str, int], rate: int, seconds: float):
        super().__init__(daemon=True)
        self.client = socket.create_connection(address)
        self.client.sendall(b"use work\r\n")
        self.client.recv(100)
        self.rate, self.seconds, self.jobs, self.replies, self.took = rate, seconds, 0, 0, 0.0
        self.reader = threading.Thread(target=self.read, daemon=True)

    def read(self) -> None:
        while received := self.client.recv(1 << 20):
            self.replies += received.count(b"\n")

    def run(self) -> None:
        self.reader.start()
        began = time.monotonic()
        batch = max(1, int(self.rate * SLICE))
        while (passed := time.monotonic() - began) < self.seconds:
            if self.jobs < passed * self.rate:
                numbers = range(self.jobs, self.jobs + batch)
                self.client.sendall(b"".join(b"put 0 0 60 8\r\n%08d\r\n" % number for number in numbers))
                self.jobs += batch
            else:
                time.sleep(SLICE / 4)
        while self.replies < self.jobs:
            time.sleep(SLICE)
        self.took = time.monotonic() - began
        self.client.shutdown(socket.SHUT_WR)
        self.reader.join()


def bodies(address: tuple[str, int], queue: str) -> list[int]:
    """The numbers of all jobs in a queue, which they leave."""
    found = []
    with socket.create_connection(address) as client, client.makefile("rb") as replies:
        client.sendall(b"watch %s\r\nignore default\r\n" % queue.encode())
        replies.readline(), replies.readline()
        while True:
            client.sendall(b"reserve-with-timeout 0\r\n" * JOBS_PER_BATCH)
            ids = []
            for _ in range(JOBS_PER_BATCH):
                words = replies.readline().split()
                if words[0] == b"RESERVED":
                    ids.append(words[1])
                    found.append(int(replies.readline()))
            client.sendall(b"".join(b"delete %s\r\n" % job for job in ids))
            for _ in ids:
                assert replies.readline() == b"DELETED\r\n"
            if len(ids) < JOBS_PER_BATCH:
                return found


def stalls(port: int) -> dict[str, float]:
    """How often each task held the loop for the bar or longer."""
    rows = (line.rsplit(" ", 1) for line in scrape(port).splitlines() if line.startswith("millrace_loop_stalls_total{"))
    return {series: float(count) for series, count in rows if float(count)}


def main() -> int:
    options = bench_options(__doc__)
    options.add_argument("--rate", type=int, default=50_000, help="jobs per second (default 50_000)")
    options.add_argument("--seconds", type=float, default=20, help="duration of the load (default 20)")
    options.add_argument("--pause", type=float, default=0.2, help="seconds between two reloads (default 0.2)")
    options.add_argument("--queues", type=int, default=200, help="further queues in the settings (default 200)")
    options.add_argument("--bar-ms", type=int, default=20, help="a task may hold the loop for less (default 20)")
    chosen = options.parse_args()
    leave_on_sigterm()
    others = "\n".join(f"  other-{number}: {{}}" for number in range(chosen.queues))

    with folder_on_disk() as folder:
        path = pathlib.Path(folder) / "settings.yaml"

        def write(reload: int) -> None:
            path.write_text(SETTINGS.format(bar=chosen.bar_ms, limit=1000 + reload, others=others,
                                            handler=HANDLERS[reload % len(HANDLERS)]))

        write(0)
        with Daemon(chosen.built, path, folder) as daemon:
            host, _, port = daemon.beanstalk.rpartition(":")
            http = int(daemon.http.rsplit(":", 1)[1])
            control = Control(f"{folder}/control.sock")
            load = Load((host, int(port)), chosen.rate, chosen.seconds)
            load.start()
            took = []
            while load.is_alive():
                write(len(took) + 1)
                began = time.monotonic()
                control.ask("POST", "/v1/reload")
                took.append(time.monotonic() - began)
                load.join(chosen.pause)
            while control.ask("GET", "/v1/queues/done")["jobs"]["ready"] < load.jobs and not load.join(SLICE):
                pass
            stalled = stalls(http)
            found = bodies((host, int(port)), "done")
            control.close()

    lost = load.jobs - len(set(found))
    doubled = len(found) - len(set(found))
    print(heading(1, "run"))
    print("| jobs | jobs/s | reloads | a reload, median and greatest, ms "
          f"| stalls ≥ {chosen.bar_ms} ms | lost | doubled |")
    print("|---|---|---|---|---|---|---|")
    print(f"| {load.jobs:,} | {figure(load.jobs / load.took)} | {len(took)} "
          f"| {statistics.median(took) * 1e3:.1f}, {max(took) * 1e3:.1f} "
          f"| {sum(stalled.values()):.0f} | {lost} | {doubled} |")
    for series, count in stalled.items():
        print(f"{series} {count:.0f}")
    return 1 if lost or doubled or stalled else 0


if __name__ == "__main__":
    sys.exit(main())
