#!/usr/bin/env python3
"""Finds the best order for the kitchen: plays all six orders of kitchen.yaml at the same time, then prints three times:
one dish after another, the order given, and the best order. The argument is the program millraced.
"""

import itertools
import json
import os
import subprocess
import sys
import tempfile

KITCHEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kitchen.yaml")
MINUTE = 0.1  # seconds


def play(lines, *mode):
    """Starts the kitchen of these lines."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as file:
        file.write("daemon: { http: off }\n" + "".join(lines))
    command = [sys.argv[1], "--config", file.name, "--until-idle", "--summary", "json", *mode]
    return file.name, subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def minutes(kitchen):
    """Waits for its end."""
    file, program = kitchen
    log = program.communicate()[1]
    os.remove(file)
    return int(json.loads(log.splitlines()[-1])["wall_seconds"] / MINUTE)


def main():
    with open(KITCHEN, encoding="utf-8") as file:
        lines = file.readlines()
    dishes = [number for number, line in enumerate(lines) if '"dish":' in line]
    orders = {}
    for order in itertools.permutations(dishes):
        played = list(lines)
        for place, dish in zip(dishes, order):
            played[place] = lines[dish]
        names = ", ".join(line.split('"')[3] for line in (lines[dish] for dish in order))
        orders[names] = play(played)
    sequential = play(lines, "--mode", "sequential")
    given = next(iter(orders))
    taken = {names: minutes(kitchen) for names, kitchen in orders.items()}
    for names, length in taken.items():
        print(f"{names}: {length} minutes")
    best = min(taken, key=taken.get)
    print(f"one after another: {minutes(sequential)} minutes")
    print(f"the order given: {taken[given]} minutes ({given})")
    print(f"the best order: {taken[best]} minutes ({best})")


main()
