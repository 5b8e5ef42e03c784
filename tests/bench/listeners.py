#!/usr/bin/env python3
"""Measures the beanstalk listener with `millrace bench`, and prints the table: against Debian's beanstalkd, and on
disk also against Debian's redis.

Runs alternate (ours, theirs, ours, theirs …). A ratio is ours divided by theirs, pair by pair: the median, the least
and the greatest. The last rows compare millraced under extra queues, connections or jobs with itself without them.
Each row names the options that repeat it.
"""
import argparse
import pathlib
import re
import resource
import socket
import statistics
import sys

import redis_jobs
from figures import figure, heading
from servers import Daemon, Redis, Server, bench, folder_on_disk, leave_on_sigterm, memory

# Options, bar.
AGAINST_BEANSTALKD = [
    ("--connections 1 --depth 1", 1.0),
    ("--connections 64 --depth 1", 1.3),
    ("--connections 64 --depth 8", 6.0),
    ("--connections 64 --depth 32", 12.0),
    ("--connections 16 --depth 32 --body 4KiB", 4.0),
]
# On disk: the sync option of both servers, options, bar. Runs last 3 s: in the default of one second beanstalkd syncs
# little more than the commands in flight.
MEASURED_ON_DISK = " --for 3s"
DURABLE = [
    ("-f0", "--connections 64 --depth 1", 8.0),
    ("-f0", "--connections 64 --depth 32", 60.0),
    ("-f0", "--connections 16 --depth 32 --body 4KiB", 10.0),
    ("-f50", "--connections 64 --depth 1", 1.3),
]
# On disk, against redis with `appendfsync always`: connections, depth, body bytes.
AGAINST_REDIS = (64, 32, 64)
# The commands of a job in redis, with its bar: the fewest possible, and those that keep the job until it is done.
REDIS_COMMANDS = [("LPUSH, RPOP", redis_jobs.PUSH_AND_POP, 1.5),
                  ("LPUSH, RPOPLPUSH, LREM", redis_jobs.PUSH_TAKE_REMOVE, 1.5)]
OPEN_LOOP = "--connections 64 --rate 20k/s"
# Extra options, options of the load.
AGAINST_OURSELVES = [
    ("--extra-queues 100k", "--connections 64 --depth 8 --queues 64"),
    ("--idle-connections 9900", "--connections 64 --depth 8"),
    ("--backlog 10M", "--connections 64 --depth 8"),
]
# Keys of all queues, and whether they are on disk.
FEATURES = [("deliveries_max: 3", False), ("deliveries_max: 3", True)]
FEATURE_LOAD = "--connections 64 --depth 32 --for 3s"
SELF_BAR = 0.8


def row(work: str, ours: str, against: str, theirs: str, ratios, bar: float, met: bool) -> None:
    least, middle, most = ratios
    verdict = f"{bar:g} | {'met' if met else 'missed'}"
    print(f"| `{work}` | {ours} | {against} | {theirs} | {middle:.3g} ({least:.3g} – {most:.3g}) "
          f"| {verdict} |", flush=True)


def against_beanstalkd(built: pathlib.Path, pairs: int) -> None:
    for load, bar in AGAINST_BEANSTALKD:
        with Server(built / "millraced", "--log-level", "error") as ours, Server("beanstalkd") as theirs:
            seen = bench(built, ours.address(), "--against", theirs.address(), "--repeat", str(pairs),
                         *load.split())
        ratio = seen["ratio"]["jobs_per_second"]
        row(load, figure(seen["total"]["jobs_per_second"]), "beanstalkd",
            figure(seen["against"]["total"]["jobs_per_second"]),
            (ratio["least"], ratio["median"], ratio["most"]), bar, ratio["median"] >= bar)


def on_disk(built: pathlib.Path, pairs: int) -> None:
    for sync, load, bar in DURABLE:
        with folder_on_disk() as one, folder_on_disk() as other:
            with (Server(built / "millraced", "--log-level", "error", "-b", one, sync) as ours,
                  Server("beanstalkd", "-b", other, sync) as theirs):
                seen = bench(built, ours.address(), "--against", theirs.address(), "--repeat", str(pairs),
                             *(load + MEASURED_ON_DISK).split())
        if min(of["total"]["jobs_per_second"] for of in (seen, seen["against"])) == 0:
            sys.exit(f"{load} {sync}: no job was finished in the measured time")
        ratio = seen["ratio"]["jobs_per_second"]
        row(load + MEASURED_ON_DISK, figure(seen["total"]["jobs_per_second"]) + f" (-b {sync})", "beanstalkd " + sync,
            figure(seen["against"]["total"]["jobs_per_second"]), (ratio["least"], ratio["median"], ratio["most"]), bar,
            ratio["median"] >= bar)


def against_redis(built: pathlib.Path, pairs: int) -> None:
    connections, depth, body = AGAINST_REDIS
    load = f"--connections {connections} --depth {depth}"
    for name, commands, bar in REDIS_COMMANDS:
        ours, theirs = [], []
        with folder_on_disk() as one, folder_on_disk() as other:
            with Server(built / "millraced", "--log-level", "error", "-b", one, "-f0") as server, Redis(other) as redis:
                def measure_ours() -> None:
                    seen = bench(built, server.address(), *load.split(), "--body", str(body))
                    ours.append(seen["total"]["jobs_per_second"])

                def measure_theirs() -> None:
                    theirs.append(redis_jobs.jobs_per_second(redis, commands, connections, depth, body))

                for pair in range(pairs):
                    # The order alternates.
                    for measure in (measure_ours, measure_theirs)[::-1 if pair % 2 else 1]:
                        measure()
        ratios = sorted(a / b for a, b in zip(ours, theirs))
        middle = statistics.median(ratios)
        row(load, figure(statistics.median(ours)) + " (-b -f0)", f"redis, appendfsync always: {name}",
            figure(statistics.median(theirs)),
            (ratios[0], middle, ratios[-1]), bar, middle >= bar)


def open_loop(built: pathlib.Path, pairs: int) -> None:
    with Server(built / "millraced", "--log-level", "error") as ours, Server("beanstalkd") as theirs:
        seen = bench(built, ours.address(), "--against", theirs.address(), "--repeat", str(pairs),
                     *OPEN_LOOP.split())
    def p99(of: dict) -> str:
        return f"{of['total']['latency_us']['job']['p99']:.0f} µs"
    ratio = seen["ratio"]["p99"]
    row(OPEN_LOOP + ": p99 put to reserve", p99(seen), "beanstalkd", p99(seen["against"]),
        (ratio["least"], ratio["median"], ratio["most"]), 1.0, ratio["median"] <= 1.0)


def against_ourselves(built: pathlib.Path, pairs: int) -> None:
    for extra, load in AGAINST_OURSELVES:
        loaded, plain = [], []
        for _ in range(pairs):
            for words, rates in ((load + " " + extra, loaded), (load, plain)):
                with Server(built / "millraced", "--log-level", "error") as ours:
                    rates.append(bench(built, ours.address(), *words.split())["total"]["jobs_per_second"])
        ratios = sorted(a / b for a, b in zip(loaded, plain))
        middle = statistics.median(ratios)
        row(load + " " + extra, figure(statistics.median(loaded)), "without it", figure(statistics.median(plain)),
            (ratios[0], middle, ratios[-1]), SELF_BAR, middle >= SELF_BAR)


def features(built: pathlib.Path, pairs: int) -> None:
    """Queues with a feature against queues without it."""

    def rate(keys: str, on_disk: bool) -> float:
        with folder_on_disk() as folder:
            settings = pathlib.Path(folder) / "settings.yaml"
            settings.write_text("daemon: { http: 127.0.0.1:0, beanstalk: 127.0.0.1:0%s }\nqueue_defaults: { %s }\n" %
                                (", data_dir: data" if on_disk else "", keys))
            with Daemon(built, settings, folder) as daemon:
                return bench(built, daemon.beanstalk, *FEATURE_LOAD.split())["total"]["jobs_per_second"]

    for keys, on_disk in FEATURES:
        rates: dict[str, list[float]] = {keys: [], "": []}
        for pair in range(pairs):
            # The order alternates.
            for each in (keys, "")[::-1 if pair % 2 else 1]:
                rates[each].append(rate(each, on_disk))
        ratios = sorted(a / b for a, b in zip(rates[keys], rates[""]))
        middle = statistics.median(ratios)
        ours, plain = (figure(statistics.median(rates[each])) for each in (keys, ""))
        row(f"{FEATURE_LOAD}; {keys}" + (", durability: sync" if on_disk else ""), ours, "without it", plain,
            (ratios[0], middle, ratios[-1]), SELF_BAR, middle >= SELF_BAR)


def idle_connections(built: pathlib.Path, _: int) -> None:
    """Memory of a connection that sent one command and is idle since. The first thousand are not counted."""
    with Server(built / "millraced", "--log-level", "error") as ours:
        def resident() -> int:
            return memory(ours.process.pid, "VmRSS")

        def connect() -> socket.socket:
            client = socket.create_connection(("127.0.0.1", ours.port))
            client.sendall(b"list-tube-used\r\n")
            client.recv(100)
            return client

        first = [connect() for _ in range(1_000)]
        before = resident()
        more = [connect() for _ in range(8_000)]
        each = (resident() - before) / len(more)
        for client in first + more:
            client.close()
    print(f"\nAn idle connection: {each:.0f} B (bar 4096: {'met' if each <= 4096 else 'missed'})")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("built", type=pathlib.Path, help="build folder of millraced and millrace")
    options.add_argument("--pairs", type=int, default=5, help="measurements of each pair (default 5)")
    options.add_argument("--only", default="", help="beanstalkd, disk, redis, open, itself, features or idle")
    chosen = options.parse_args()
    leave_on_sigterm()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    print(heading(chosen.pairs))
    print("| `millrace bench` | ours, jobs/s | against | theirs | ratio (least – most) | bar | |")
    print("|---|---|---|---|---|---|---|")
    for name, measure in (("beanstalkd", against_beanstalkd), ("disk", on_disk), ("redis", against_redis),
                          ("open", open_loop), ("itself", against_ourselves),
                          ("features", features), ("idle", idle_connections)):
        if re.search(chosen.only, name):
            measure(chosen.built, chosen.pairs)


main()
