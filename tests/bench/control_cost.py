#!/usr/bin/env python3
"""Measures whether control requests move the p99 latency of the beanstalk listener.

    tests/bench/control_cost.py build/release [--pairs 7] [--load "--connections 16 --rate 20k/s"]

Runs of `millrace bench` alternate: with GET /v1/status and GET /v1/queues every 100 ms to a second, idle daemon, and to
the daemon under load. So both runs leave the same processor time to the load, and differ in what the loop does. The
settings have 200 queues. Use a build without sanitizers.
"""
import pathlib
import statistics
import sys
import threading
import time

from control_client import Control
from figures import heading
from servers import Daemon, bench, bench_options, folder_on_disk, leave_on_sigterm

SETTINGS = """daemon: {{ http: 127.0.0.1:0, beanstalk: 127.0.0.1:0, control: "unix:control.sock" }}
queues: {{ {queues} }}
"""
TARGETS = ("/v1/status", "/v1/queues")
WORDS = {"job": "put to reserve", "put": "put", "delete": "delete"}


class Requests(threading.Thread):
    """Asks all targets at a fixed interval until it is stopped."""

    def __init__(self, path: str, interval: float):
        super().__init__(daemon=True)
        self.path, self.interval, self.ends = path, interval, threading.Event()
        self.answered, self.took = 0, []

    def run(self) -> None:
        control = Control(self.path)
        while not self.ends.wait(self.interval):
            for target in TARGETS:
                began = time.monotonic()
                control.ask("GET", target)
                self.took.append(time.monotonic() - began)
        control.close()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.join()


def main() -> None:
    options = bench_options(__doc__, "millraced and millrace")
    options.add_argument("--pairs", type=int, default=7, help="pairs of runs (default 7)")
    options.add_argument("--seconds", type=int, default=4, help="duration of a run (default 4)")
    options.add_argument("--queues", type=int, default=200, help="queues in the settings (default 200)")
    options.add_argument("--interval", type=float, default=0.1, help="seconds between requests (default 0.1)")
    options.add_argument("--load", default="--connections 16 --rate 20k/s", help="options of millrace bench")
    chosen = options.parse_args()
    leave_on_sigterm()
    words = [*chosen.load.split(), "--for", f"{chosen.seconds}s"]
    found = {kind: ([], []) for kind in WORDS}
    took = []
    with folder_on_disk() as folder:
        folders = [pathlib.Path(folder) / name for name in ("idle", "loaded")]
        for each in folders:
            each.mkdir()
            (each / "settings.yaml").write_text(
                SETTINGS.format(queues=", ".join(f"queue-{n}: {{}}" for n in range(chosen.queues))))

        def daemon(folder: pathlib.Path) -> Daemon:
            return Daemon(chosen.built, folder / "settings.yaml", str(folder))

        with daemon(folders[0]), daemon(folders[1]) as loaded:
            for pair in range(chosen.pairs):
                # The order within a pair changes, so that a drift of the machine cancels out.
                for asked in ((False, True) if pair % 2 == 0 else (True, False)):
                    with Requests(str(folders[asked] / "control.sock"), chosen.interval) as requests:
                        seen = bench(chosen.built, loaded.beanstalk, *words)
                    if asked:
                        took += requests.took
                    for kind in WORDS:
                        found[kind][asked].append(seen["total"]["latency_us"][kind]["p99"])
    print(heading(chosen.pairs))
    print(f"`{chosen.load}`; {len(took)} requests, answered in {statistics.median(took) * 1e3:.1f} ms (median)\n")
    print("| p99 | requests to the idle daemon, µs | to this one, µs | ratio (least – most) |")
    print("|---|---|---|---|")
    for kind, name in WORDS.items():
        without, beside = found[kind]
        ratios = [one / other for one, other in zip(beside, without)]
        print(f"| {name} | {statistics.median(without):.0f} | {statistics.median(beside):.0f} | "
              f"{statistics.median(ratios):.3g} ({min(ratios):.3g} – {max(ratios):.3g}) |")


if __name__ == "__main__":
    sys.exit(main())
