#!/usr/bin/env python3
"""Measures how long a put into a sync queue takes beside a flood of puts into a relaxed queue.

    tests/bench/relaxed_flood.py build/release [--body 4096] [--seconds 5] [--store "store_pending_bytes_max: 16MiB"]

Two clients flood the relaxed queue. A third one puts one job at a time into the sync queue, with a pause of 2 ms
between a reply and the next put. Use a build without sanitizers.
"""
import pathlib
import statistics
import threading
import time

from figures import figure, heading
from servers import Daemon, bench_options, connect_to_tube, folder_on_disk, leave_on_sigterm

FLOODING_CLIENTS = 2
BYTES_IN_FLIGHT = 1 << 20  # of each flooding client
SETTINGS = """daemon: {{ http: off, beanstalk: '127.0.0.1:0', data_dir: data, store: {{ {store} }} }}
queues: {{ relaxed: {{ durability: relaxed, max_jobs: 1G, max_bytes: 1024GiB }}, sync: {{ durability: sync }} }}
"""


class Flood(threading.Thread):
    def __init__(self, address: str, body_bytes: int, ends: float):
        super().__init__(daemon=True)
        self.client, self.ends, self.jobs = connect_to_tube(address, b"relaxed"), ends, 0
        put = b"put 0 0 60 %d\r\n%s\r\n" % (body_bytes, b"x" * body_bytes)
        self.jobs_per_chunk = max(1, BYTES_IN_FLIGHT // 8 // len(put))
        self.chunk = put * self.jobs_per_chunk
        self.start()

    def run(self) -> None:
        with self.client, self.client.makefile("rb") as replies:
            for _ in range(8):
                self.client.sendall(self.chunk)
            while time.monotonic() < self.ends:
                for _ in range(self.jobs_per_chunk):
                    assert replies.readline().startswith(b"INSERTED")
                self.jobs += self.jobs_per_chunk
                self.client.sendall(self.chunk)


def main() -> None:
    options = bench_options(__doc__)
    options.add_argument("--body", type=int, default=4096, help="bytes of each body of the flood (default 4096)")
    options.add_argument("--seconds", type=float, default=5, help="duration of the flood (default 5)")
    options.add_argument("--store", default="", help="settings of the section `store` (default: none)")
    chosen = options.parse_args()
    leave_on_sigterm()
    took = []
    with folder_on_disk() as folder:
        settings = pathlib.Path(folder) / "settings.yaml"
        settings.write_text(SETTINGS.format(store=chosen.store))
        with Daemon(chosen.built, settings, folder) as daemon, connect_to_tube(daemon.beanstalk, b"sync") as client:
            ends = time.monotonic() + chosen.seconds
            floods = [Flood(daemon.beanstalk, chosen.body, ends) for _ in range(FLOODING_CLIENTS)]
            while time.monotonic() < ends:
                began = time.monotonic()
                client.sendall(b"put 0 0 60 1\r\nx\r\n")
                client.recv(1024)
                took.append((time.monotonic() - began) * 1000)
                time.sleep(0.002)
            jobs = sum(flood.jobs for flood in floods)
            for flood in floods:
                flood.join()
    print(heading(1, "run"))
    print("| `store` | body, bytes | relaxed puts/s | sync puts | median, ms | greatest, ms |")
    print("|---|---|---|---|---|---|")
    print(f"| {chosen.store or 'default'} | {chosen.body} | {figure(jobs / chosen.seconds)} | {len(took)} | "
          f"{statistics.median(took):.0f} | {max(took):.0f} |")


main()
