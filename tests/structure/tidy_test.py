"""clang-tidy has no complaint about the C++ files. `python3 tests/structure/tidy_test.py`

MILLRACE_BUILD is the folder of a build with a compile_commands.json. Looked at are the files that the last ten commits
and uncommitted changes have touched, or all with MILLRACE_TIDY=all. A header is looked at with its own .cpp, or with
the first file that includes it. What was found clean is kept (kept_results) under the text of the file and of all of
ours that it includes, so that a second run looks only at what has changed. Pinned to the version of format_test.
"""

import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from format_test import TOP, VERSION, tool
from kept_results import KeptResults
from tree import INCLUDE

COMMITS_BACK = 10
KEPT_TOGETHER = 32  # files after which the results are kept, so that a run that is cut off need not be repeated
FLAGS = ["--quiet", "--warnings-as-errors=*", "--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wno-error"]


def compile_commands(build):
    """path -> entry of the build's compile_commands.json, without the launcher (ccache) before the compiler."""
    entries = {}
    for entry in json.loads(Path(build, "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        compiler = next(n for n, word in enumerate(words) if re.fullmatch(r"(\S*/)?(c|g|clang)\+\+(-\d+)?", word))
        entry["command"] = shlex.join(words[compiler:])
        entries[entry["file"]] = entry
    return entries


def included(path, top):
    """The file and everything of ours that it includes, directly or not."""
    found, to_read = set(), [Path(path)]
    while to_read:
        file = to_read.pop()
        if file in found:
            continue
        found.add(file)
        for _, name in INCLUDE.findall(file.read_text(encoding="utf-8")):
            folders = (file.parent, top / "daemon", top / "include", top / "tests")
            to_read += [place for place in (folder / name for folder in folders) if place.is_file()][:1]
    return found


def units_of(changed, entries, top):
    """The translation units to look at for the changed files."""
    units = {str(top / path) for path in changed if str(top / path) in entries}
    headers = [path for path in changed if path.endswith(".hpp") and (top / path).is_file()]
    includers = {unit: included(unit, top) for unit in entries} if headers else {}
    for header in headers:
        own = str(top / re.sub(r"^include/millrace/", "daemon/", header).replace(".hpp", ".cpp"))
        first = next((unit for unit in sorted(entries) if top / header in includers[unit]), None)
        chosen = own if own in entries else first
        if chosen:
            units.add(chosen)
    return sorted(units)


def changed_files(top, commits_back):
    """Paths that differ from the tree of so many commits ago, new files included. None without that history."""
    try:
        git = lambda *words: subprocess.run(["git", *words], cwd=top, capture_output=True, text=True, check=True).stdout
        return set((git("diff", "--name-only", f"HEAD~{commits_back}") +
                    git("ls-files", "--others", "--exclude-standard")).splitlines())
    except (OSError, subprocess.CalledProcessError):
        return None


def fingerprint(unit, entry, top, version):
    """Of the unit, wherever the tree lies."""
    command = entry["command"].replace(str(top), "")
    text = hashlib.sha256("\0".join([version, command, (top / ".clang-tidy").read_text(), *FLAGS]).encode())
    for path in sorted(included(unit, top)):
        text.update(path.read_bytes())
    return text.hexdigest()


def complaints_of(program, units, entries, top):
    """unit -> what clang-tidy says about it and the headers of ours that it includes; empty when it is clean."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "compile_commands.json").write_text(json.dumps([entries[unit] for unit in units]))

        def look_at(unit):
            run = subprocess.run([program, "-p", folder, *FLAGS, unit], cwd=top, capture_output=True, text=True)
            found = re.findall(r"^/.*: (?:warning|error): .*$", run.stdout, re.MULTILINE)
            if run.returncode and not found:
                return [f"{unit}: {(run.stdout + run.stderr)[-500:]}"]
            # A complaint about a header of the system is none about this tree.
            ours = [line for line in found if line.startswith(f"{top}/")]
            return [line.replace(f"{top}/", "", 1).replace(",-warnings-as-errors", "") for line in ours]

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            return dict(zip(units, pool.map(look_at, units)))


@unittest.skipUnless(tool("clang-tidy"), f"clang-tidy {VERSION} is not here, and other versions have other checks")
class Tidy(unittest.TestCase):
    longMessage = False

    def test_each_file_is_clean(self):
        build = os.environ["MILLRACE_BUILD"]
        entries = compile_commands(build)
        changed = None
        if os.environ.get("MILLRACE_TIDY") != "all":
            changed = changed_files(TOP, COMMITS_BACK)
            if changed is None:
                self.skipTest(f"no git history of {COMMITS_BACK} commits here; MILLRACE_TIDY=all looks at everything")
        units = sorted(entries) if changed is None else units_of(changed, entries, TOP)
        program = tool("clang-tidy")
        version = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
        kept = KeptResults("tidy_clean")
        prints = {unit: fingerprint(unit, entries[unit], TOP, version) for unit in units}
        unknown = [unit for unit in units if prints[unit] not in kept]
        print(f"{len(unknown)} of {len(units)} files to look at, the others have not changed since they were clean")
        lines = set()
        for first in range(0, len(unknown), KEPT_TOGETHER):
            found = complaints_of(program, unknown[first:first + KEPT_TOGETHER], entries, TOP)
            kept.add(prints[unit] for unit, complaints in found.items() if not complaints)
            lines.update(line for complaints in found.values() for line in complaints)
        self.assertFalse(lines, "\n" + "\n".join(sorted(lines)))

    def test_a_complaint_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            top = Path(folder)
            shutil.copy(TOP / ".clang-tidy", top)
            (top / "tests").mkdir()
            (top / "tests/bad.hpp").write_text("#pragma once\ninline int* bad() { return 0; }\n")
            (top / "tests/bad.cpp").write_text('#include "bad.hpp"\nint* worse() { return bad(); }\n')
            (top / "tests/good.cpp").write_text("int good() { return 1; }\n")
            commands = [{"directory": folder, "file": f"{folder}/tests/{name}.cpp",
                         "command": f"cmake -E env A=1 ccache /usr/bin/c++ -std=c++20 -c {folder}/tests/{name}.cpp"}
                        for name in ("good", "bad")]
            (top / "compile_commands.json").write_text(json.dumps(commands))
            entries = compile_commands(top)
            found = complaints_of(tool("clang-tidy"), sorted(entries), entries, top)
            by_name = {Path(unit).stem: complaints for unit, complaints in found.items()}
            self.assertEqual(by_name["good"], [])
            self.assertEqual(len(by_name["bad"]), 1)
            self.assertIn("tests/bad.hpp:2", by_name["bad"][0])
            self.assertIn("modernize-use-nullptr", by_name["bad"][0])
            self.assertEqual(units_of({"tests/bad.hpp"}, entries, top), [f"{folder}/tests/bad.cpp"])
            self.assertEqual(units_of({"tests/good.cpp", "README.md"}, entries, top), [f"{folder}/tests/good.cpp"])
            bad = f"{folder}/tests/bad.cpp"
            before = fingerprint(bad, entries[bad], top, "1")
            with tempfile.TemporaryDirectory() as parent:
                moved = Path(shutil.copytree(top, Path(parent, "moved")))
                command = entries[bad] | {"command": entries[bad]["command"].replace(folder, str(moved))}
                self.assertEqual(before, fingerprint(f"{moved}/tests/bad.cpp", command, moved, "1"))
            (top / "tests/bad.hpp").write_text("#pragma once\n")
            self.assertNotEqual(before, fingerprint(bad, entries[bad], top, "1"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
