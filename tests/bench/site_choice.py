#!/usr/bin/env python3
"""Does `run_on: auto` choose well? Tests primes by trial division on the loop, on threads and by `auto`, for jobs of
about 1 µs, 100 µs, 10 ms and 1 s, in turns, and prints the jobs a second of each. Bar: `auto` reaches 0.95 of the
better of the two.

    tests/bench/site_choice.py [--daemon build/release/millraced] [--rounds 5]

Not one of the tests: on a machine that is busy with other things the figures say something about those.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

from figures import figure, heading

PLACES = ("loop", "threads", "auto")
# The prime that follows the first number, and how many jobs test it.
LENGTHS = ((40_000, 1_000_000), (2_000_000_000, 20_000), (20_000_000_000_000, 200), (1_000_000_000_000_000_000, 6))
BAR = 0.95


def is_prime(number):
    """Miller-Rabin with bases that are proven for 64 bits."""
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37):
        if number % base == 0:
            return number == base
        power = pow(base, odd, number)
        if power not in (1, number - 1) and all((power := power * power % number) != number - 1
                                                for _ in range(twos - 1)):
            return False
    return True


def prime_after(number):
    while not is_prime(number):
        number += 1
    return number


def settings(place, lines, concurrency):
    return (f"daemon: {{ http: off }}\nqueues: {{ numbers: {{}} }}\n"
            f"producers: {{ p: {{ kind: lines, queue: numbers, file: {lines} }} }}\n"
            f"consumers:\n  c: {{ queue: numbers, handler: prime, method: trial, run_on: {place}, "
            f"concurrency: {concurrency} }}\n")


def run(daemon, folder, place, jobs):
    """Seconds for all jobs."""
    path = os.path.join(folder, "settings.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(settings(place, os.path.join(folder, "numbers.txt"), min(jobs, 64)))
    began = time.monotonic()
    ended = subprocess.run([daemon, "--config", path, "--until-idle", "--log-level", "error"],
                           stderr=subprocess.DEVNULL, check=False)
    if ended.returncode != 0:
        sys.exit(f"{place} ended with {ended.returncode}")
    return time.monotonic() - began


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--daemon", default="build/release/millraced")
    words.add_argument("--rounds", type=int, default=5)
    given = words.parse_args()
    print(heading(given.rounds, "round"))
    print("| a job on the loop | loop, jobs/s | threads | auto | auto / better (least – most) | bar | |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for begin, jobs in LENGTHS:
            with open(os.path.join(folder, "numbers.txt"), "w", encoding="ascii") as file:
                file.write(f"{prime_after(begin)}\n" * jobs)
            rounds = [{place: run(given.daemon, folder, place, jobs) for place in PLACES}
                      for _ in range(given.rounds)]
            ratios = [min(one["loop"], one["threads"]) / one["auto"] for one in rounds]
            medians = {place: statistics.median(one[place] for one in rounds) for place in PLACES}
            rates = " | ".join(figure(jobs / medians[place]) for place in PLACES)
            verdict = "met" if statistics.median(ratios) >= BAR else "missed"
            print(f"| {medians['loop'] / jobs * 1e6:.3g} µs | {rates} | {statistics.median(ratios):.3g} "
                  f"({min(ratios):.3g} – {max(ratios):.3g}) | {BAR} | {verdict} |", flush=True)


if __name__ == "__main__":
    main()
