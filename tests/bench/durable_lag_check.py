#!/usr/bin/env python3
"""Does the loop stay live while the disk is the bottleneck? Loads a daemon whose queues are on disk with more than the
disk takes, and prints the 99th percentile of how late the loop's probe timer fires. Exit code 1 when it is over the
bar.

    tests/bench/durable_lag_check.py build/release [--seconds 30] [--bar-ms 2] \\
        [--load "--connections 64 --depth 32 --body 4KiB"]

Not one of the tests: on a machine that is busy with other things the figure says something about those. The daemon is
started with bounds of histograms that are finer than usual around the bar, each of them one that it counts exactly.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time

from figures import figure, heading
from lag_check import percentile, scrape, value
from servers import Daemon, folder_on_disk, leave_on_sigterm

BOUNDS = "50us, 100us, 200us, 500us, 1ms, 1200us, 1400us, 1600us, 1800us, 2ms, 3ms, 5ms, 10ms, 20ms, 50ms, 100ms, 1s"
SETTINGS = f"""daemon: {{ http: 127.0.0.1:0, beanstalk: 127.0.0.1:0, data_dir: data, histogram_buckets: [{BOUNDS}] }}
queue_defaults: {{ max_jobs: 100M, max_bytes: 64GiB, overflow: reject }}
"""
COMMITS = 'millrace_store_commit_seconds_{}{{store="disk"}}'
WARM_UP = 1  # second


def seconds_without_processor(pid: int) -> float:
    """How long the loop's thread, which is the first of the process, was ready to run while others did."""
    return int(pathlib.Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[1]) / 1e9


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("built",
                         type=pathlib.Path,
                         nargs="?",
                         default=pathlib.Path("build/release"),
                         help="where millraced and millrace were built")
    options.add_argument("--seconds", type=int, default=30)
    options.add_argument("--bar-ms", type=float, default=2)
    options.add_argument("--load", default="--connections 64 --depth 32 --body 4KiB", help="options of millrace bench")
    chosen = options.parse_args()
    leave_on_sigterm()

    with folder_on_disk() as folder:
        settings = pathlib.Path(folder) / "settings.yaml"
        settings.write_text(SETTINGS)
        with Daemon(chosen.built, settings, folder) as daemon:
            port = int(daemon.http.rsplit(":", 1)[1])
            words = [
                chosen.built / "millrace", "bench", daemon.beanstalk, "--json", "--quiet", *chosen.load.split(),
                "--for", f"{chosen.seconds + WARM_UP}s"
            ]
            with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as load:
                try:
                    time.sleep(WARM_UP)
                    pages = []
                    while load.poll() is None:
                        pages.append((time.monotonic(), scrape(port), seconds_without_processor(daemon.process.pid)))
                        time.sleep(1)
                finally:
                    load.terminate()
                came, complaint = load.communicate()
            if load.returncode != 0 or len(pages) < 3:
                sys.exit(f"millrace bench {chosen.load}: {complaint or 'has ended too soon'}")

    # The last page may have come when the load was ending.
    (began, before, waited_before), (ended, after, waited) = pages[0], pages[-2]
    seconds = ended - began

    def more(series: str) -> float:
        return value(after, series) - value(before, series)

    p50, probes = percentile(after, 0.50, before)
    p99, _ = percentile(after, 0.99, before)
    commits = more(COMMITS.format("count"))
    met = p99 * 1e3 <= chosen.bar_ms
    print(heading(1, "run"))
    print(
        f"loop lag under `{chosen.load}` on disk: p50 ≤ {p50 * 1e3:g} ms, p99 ≤ {p99 * 1e3:g} ms "
        f"({probes} probes in {seconds:.0f} s; "
        f"bar {chosen.bar_ms:g} ms: {'met' if met else 'missed'})\n"
        f"{commits / seconds:.0f} commits/s took {more(COMMITS.format('sum')) / seconds:.0%} of the time (copying "
        "the log comes on top), the loop was busy for "
        f"{more('millrace_loop_busy_seconds_total') / seconds:.0%}, without a processor "
        f"{(waited - waited_before) / seconds:.1%}; {figure(json.loads(came)['total']['jobs_per_second'])} jobs/s"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
