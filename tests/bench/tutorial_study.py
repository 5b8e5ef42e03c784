#!/usr/bin/env python3
"""The programs of config/tutorial beside their Python originals, and the fetches of slow pages beside threads and
aiohttp: wall time, memory and order, as `millrace compare` measures them. Prints tables for config/tutorial/README.md.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile

from figures import heading

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
WORKLOADS = os.path.join(ROOT, "config", "tutorial")
ORIGINALS = os.path.join(ROOT, "tests", "tutorial")

LATE_MAX = 0.020  # seconds beyond what a program must wait
FASTER_MIN = 5  # times a Python original that computes
SHOWN_MAX = 48  # characters of what was printed
FETCH_BARS = {500: (0.150, 20)}  # pages: seconds, MB


class Study:
    def __init__(self, given):
        self.millrace = os.path.join(given.build, "millrace")
        self.python = given.python
        self.runs = given.runs

    def compare(self, workload, modes, commands, runs=None):
        """The results of `millrace compare`, in its order: the modes, then the commands."""
        words = [self.millrace, "compare", workload, "--modes", ",".join(modes), "--json", "--runs",
                 str(runs or self.runs)]
        for command in commands:
            words += ["--against", command]
        ended = subprocess.run(words, capture_output=True, text=True)
        if ended.returncode != 0:
            raise SystemExit(f"{shlex.join(words)} ended with {ended.returncode}:\n{ended.stderr}")
        return json.loads(ended.stdout)["results"]

    def original(self, name, *arguments):
        return shlex.join(["exec", self.python, "-B", os.path.join(ORIGINALS, name + ".py"), *arguments])


def seconds(result):
    return result["wall_seconds"]["median"]


def wall(result):
    """The median, and the least: what other programs on the machine add to it is different each time."""
    times = result["wall_seconds"]
    return f"{times['median']:.3f} ({times['least']:.3f})"


def processor(result):
    return f"{1000 * result['processor_seconds']['median']:.0f}"


def megabytes(result):
    return result["peak_memory_bytes"]["median"] / 1e6


def cells_of(result):
    return [wall(result), processor(result), f"{megabytes(result):.1f}"]


def printed(result):
    text = ", ".join(line["text"] for line in result["lines"])
    return text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX].rsplit(",", 1)[0] + ", …"


def verdict(met):
    return "met" if met else "missed"


def study_programs(study, only):
    from tutorial_test import RUNS  # needs MILLRACED, which main has set
    print("Seconds are medians, with the least in brackets; processor time is in ms. *late*: the least time beyond\n"
          "what the program must wait.\n")
    print("| workload | prints | ours, s | processor | MB | Python, s | processor | MB | must wait, s | late, ms "
          "| times as fast | bar | |\n" + "|---" * 13 + "|")
    for (name, *arguments), (_, must_wait, original) in RUNS.items():
        if only and only not in name:
            continue
        mode = arguments[1] if arguments else "as-written"
        commands = [study.original(*original)] if original else []
        ours, *theirs = study.compare(os.path.join(WORKLOADS, name + ".yaml"), [mode], commands)
        cells = [name + (f", `{mode}`" if arguments else ""), printed(ours), *cells_of(ours)]
        cells += cells_of(theirs[0]) if theirs else ["–"] * 3
        late = ours["wall_seconds"]["least"] - must_wait
        ratio = seconds(theirs[0]) / seconds(ours) if theirs else None
        smaller = not theirs or megabytes(ours) < megabytes(theirs[0])
        if must_wait:
            cells += [f"{must_wait:g}", f"{1000 * late:.0f}", "–", f"{1000 * LATE_MAX:.0f} ms",
                      verdict(late <= LATE_MAX and smaller)]
        elif theirs:
            cells += ["–", "–", f"{ratio:.3g}", str(FASTER_MIN), verdict(ratio >= FASTER_MIN and smaller)]
        else:
            cells += ["–", "–", "–", "–", ""]
        print("| " + " | ".join(cells) + " |", flush=True)
    print()


def fetches(pages, folder):
    """config/tutorial/fetch.yaml for another number of pages."""
    with open(os.path.join(WORKLOADS, "fetch.yaml"), encoding="utf-8") as file:
        text = file.read()
    path = os.path.join(folder, f"fetch-{pages}.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("to: 50", f"to: {pages}"))
    return path


def study_fetches(study, counts):
    peer = shlex.join(["exec", study.python, "-B", os.path.join(HERE, "peers", "aiohttp_pages.py")])
    print("| pages | | s | processor, ms | MB | bar | |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for pages in counts:
            workload = fetches(pages, folder)
            in_sequence = study.compare(workload, ["sequential"], [], runs=1)
            others = study.compare(workload, ["loop"], [study.original("fetch", "0", str(pages)),
                                                        study.original("fetch", str(pages), str(pages)),
                                                        f"{peer} {pages}"])
            expected = sorted(f"page {number}" for number in range(1, pages + 1))
            names = ["one after another", "**on the loop**", "Python, threads by default", "Python, a thread a page",
                     "aiohttp"]
            for name, result in zip(names, in_sequence + others):
                assert sorted(line["text"] for line in result["lines"]) == expected, result["command"]
                cells = [str(pages), name, *cells_of(result), "–", ""]
                if name == "**on the loop**" and pages in FETCH_BARS:
                    time_max, memory_max = FETCH_BARS[pages]
                    cells[-2:] = [f"{time_max:g} s, {memory_max} MB",
                                  verdict(seconds(result) <= time_max and megabytes(result) <= memory_max)]
                print("| " + " | ".join(cells) + " |", flush=True)
    print()


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("build", help="the folder of millrace and millraced")
    options.add_argument("--runs", type=int, default=3, help="runs of each program (3)")
    options.add_argument("--study", choices=("programs", "fetches"), help="only this one")
    options.add_argument("--only", help="only programs whose name contains this")
    options.add_argument("--pages", type=int, nargs="+", default=[1, 10, 50, 100, 500])
    options.add_argument("--python", default="/usr/bin/python3", help="one that has aiohttp")
    given = options.parse_args()
    os.environ["MILLRACED"] = os.path.join(os.path.abspath(given.build), "millraced")
    sys.path.insert(0, os.path.join(ROOT, "tests", "system"))
    server = subprocess.Popen([given.python, "-B", os.path.join(ORIGINALS, "page_server.py"), "0"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    os.environ["PAGES"] = server.stdout.readline().strip()
    copies = tempfile.TemporaryDirectory()
    os.environ["COPY"] = os.path.join(copies.name, "pages.txt")
    study = Study(given)
    try:
        print(heading(given.runs, "run"))
        nothing = study.compare(os.path.join(WORKLOADS, "hello.yaml"), ["as-written"], ["exec true"], runs=1)[1]
        print(f"`true` counts as {megabytes(nothing):.1f} MB here: the kernel adds that of the program which starts "
              "another one.\n")
        if given.study != "fetches":
            study_programs(study, given.only)
        if given.study != "programs":
            study_fetches(study, given.pages)
    finally:
        server.communicate()
        copies.cleanup()


if __name__ == "__main__":
    main()
