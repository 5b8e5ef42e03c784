"""clang-format changes nothing in the C++ files. `python3 tests/structure/format_test.py`

Pinned to one version: each release of clang-format breaks lines in other places, so no tree is clean for two of them.
Version 14 is in Debian 12; where it is missing, as in Debian 13, the test is skipped.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from tree import Tree

TOP = Path(__file__).resolve().parents[2]
VERSION = "14"


def tool(name):
    """The program `name` of the pinned version, or None."""
    for program in (f"{name}-{VERSION}", name):
        if shutil.which(program):
            text = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
            if re.search(rf"version {VERSION}\.", text):
                return program
    return None


def misformatted(program, top, paths):
    """One complaint for each place that clang-format would change."""
    run = subprocess.run([program, "--dry-run", *paths], cwd=top, capture_output=True, text=True)
    found = re.findall(r"^(\S+:\d+):\d+: warning: code should be clang-formatted", run.stderr, re.MULTILINE)
    return found or ([run.stderr] if run.returncode else [])


@unittest.skipUnless(tool("clang-format"), f"clang-format {VERSION} is not here, and other versions format differently")
class Format(unittest.TestCase):
    longMessage = False

    def test_each_file_is_formatted(self):
        paths = Tree(TOP).files("daemon", "include", "tests", suffixes=(".cpp", ".hpp"))
        found = misformatted(tool("clang-format"), TOP, paths)
        self.assertFalse(found, "clang-format would change these places:\n" + "\n".join(found))

    def test_a_misformatted_place_is_found(self):
        with tempfile.TemporaryDirectory() as top:
            shutil.copy(TOP / ".clang-format", top)
            Path(top, "good.cpp").write_text("int good() { return 1; }\n")
            Path(top, "bad.cpp").write_text("int good();\nint  bad( ) { return 1;}\n")
            found = misformatted(tool("clang-format"), top, ["good.cpp", "bad.cpp"])
        self.assertEqual({place.split(":")[0] for place in found}, {"bad.cpp"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
