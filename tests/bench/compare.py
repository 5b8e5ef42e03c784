"""Measures each row of rows.py against its peers, in turn (ours, peer, ours, peer …), and prints the table.

A ratio is ours divided by the peer's, pair by pair; the table has its median and, in brackets, its least and most.
"""
import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys

from figures import figure, heading
from rows import ROWS

HERE = pathlib.Path(__file__).resolve().parent
PEERS = HERE / "peers"


def bench_rate(program: str, name: str, seconds: float) -> float:
    done = subprocess.run([
        program, f"--benchmark_filter=^{re.escape(name)}(/iterations:[0-9]+)?(/(real|manual)_time)?$",
        "--benchmark_format=json", f"--benchmark_min_time={seconds}"
    ],
                          check=True,
                          capture_output=True,
                          text=True)
    runs = json.loads(done.stdout)["benchmarks"]
    if len(runs) != 1 or runs[0].get("error_occurred"):
        sys.exit(f"{name}: {len(runs)} benchmarks of that name, or it failed: {done.stderr}")
    return runs[0]["items_per_second"]


def script_rate(words: list[str]) -> float:
    runner = "node" if words[0].endswith(".mjs") else "/usr/bin/python3"
    done = subprocess.run([runner, str(PEERS / words[0]), *words[1:]], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}: {done.stderr}")
    return float(done.stdout.strip())


def rate(program: str, measure: str, seconds: float) -> float:
    kind, _, rest = measure.partition(":")
    return bench_rate(program, rest, seconds) if kind == "bench" else script_rate(rest.split())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("program", help="the bench program")
    options.add_argument("--pairs", type=int, default=5, help="measurements of each pair (default 5)")
    options.add_argument("--seconds", type=float, default=0.5, help="length of one of ours (default 0.5)")
    options.add_argument("--only", default="", help="rows whose words contain this")
    chosen = options.parse_args()
    print(heading(chosen.pairs))
    print("| work | ours | against | theirs | ratio (least – most) | bar | |")
    print("|---|---|---|---|---|---|---|")
    for row in (row for row in ROWS if chosen.only in row.work):
        for peer in row.peers:
            pairs = [(rate(chosen.program, row.ours, chosen.seconds), rate(chosen.program, peer.measure,
                                                                           chosen.seconds))
                     for _ in range(chosen.pairs)]
            ratios = [ours / theirs for ours, theirs in pairs]
            middle = statistics.median(ratios)
            print(
                f"| {row.work} | {figure(statistics.median(p[0] for p in pairs))} | {peer.name} "
                f"| {figure(statistics.median(p[1] for p in pairs))} | {middle:.3g} ({min(ratios):.3g} – "
                f"{max(ratios):.3g}) "
                f"| {peer.bar:g} | {'met' if middle >= peer.bar else 'missed'} |",
                flush=True)


main()
