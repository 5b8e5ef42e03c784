"""Each header compiles alone; a promised one with include/ as the only folder of ours.

A header whose .cpp includes it first is proven by the build (structure_test holds the .cpp files to that); here
are the promised headers and those without a .cpp. What was proven is kept (kept_results) under the text of the header
and of all of ours that it includes, so that a second run compiles what changed.
"""

import concurrent.futures
import hashlib
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from kept_results import KeptResults
from tree import Tree

TOP = Path(__file__).resolve().parents[2]
COMMAND = [
    os.environ.get("CXX", "c++"), "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
    "-DBOOST_ASIO_NO_DEPRECATED", "-DBOOST_ASIO_SEPARATE_COMPILATION", "-DBOOST_BEAST_SEPARATE_COMPILATION"
]


def headers_to_prove(tree):
    headers = [source for source in tree.sources if source.is_header]
    return [h for h in headers if h.promised or not tree.exists(h.path.replace(".hpp", ".cpp"))]


def all_included(tree, path):
    """The header and everything of ours that it includes, directly or not."""
    found, open_ends = set(), [path]
    while open_ends:
        path = open_ends.pop()
        if path not in found and tree.exists(path):
            found.add(path)
            open_ends += tree.file_edges.get(path, [])
    return sorted(found)


def fingerprint(tree, path, compiler):
    text = "\0".join([compiler, *COMMAND, path] + [tree.read(p) for p in all_included(tree, path)])
    return hashlib.sha256(text.encode()).hexdigest()


def first_error(stderr):
    return next((line for line in stderr.splitlines() if "error:" in line), stderr[:500])


def complaints_of(tree, header):
    """What the compiler says of a file that includes nothing but this header."""
    folders = ["-I" + str(tree.top / "include")] + ([] if header.promised else ["-I" + str(tree.top / "daemon")])
    name = header.path.partition("/")[2]
    name = f"<{name}>" if header.promised else f'"{name}"'
    run = subprocess.run([*COMMAND, *folders, "-x", "c++", "-"],
                         input=f"#include {name}\n",
                         capture_output=True,
                         text=True)
    return f"{header.path} does not compile alone: {first_error(run.stderr)}" if run.returncode else None


def prove(tree, kept):
    """(complaints, fingerprints of what compiles), given the fingerprints kept from before."""
    compiler = subprocess.run([COMMAND[0], "--version"], capture_output=True, text=True, check=True).stdout
    prints = {h: fingerprint(tree, h.path, compiler) for h in headers_to_prove(tree)}
    changed = [h for h in prints if prints[h] not in kept]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = dict(zip(changed, pool.map(lambda h: complaints_of(tree, h), changed)))
    return [c for c in complaints.values() if c], [prints[h] for h in prints if not complaints.get(h)]


class Headers(unittest.TestCase):
    longMessage = False

    def test_each_header_compiles_alone(self):
        kept = KeptResults("headers_proven")
        complaints, proven = prove(Tree(TOP), kept)
        kept.add(proven)
        self.assertFalse(complaints, "\n" + "\n".join(complaints))

    def test_a_header_that_needs_another_before_it_is_found(self):
        with tempfile.TemporaryDirectory() as top:
            for path, text in {"daemon/modules": "base:\n", "daemon/base/good.hpp": "struct good {};\n",
                               "include/millrace/base/needy.hpp": "inline good x;\n",
                               "include/millrace/base/inward.hpp": '#include "base/good.hpp"\n'}.items():
                Path(top, path).parent.mkdir(parents=True, exist_ok=True)
                Path(top, path).write_text("#pragma once\n" + text, encoding="utf-8")
            complaints, proven = prove(Tree(top), set())
        self.assertEqual(sorted(c.split()[0] for c in complaints),
                         ["include/millrace/base/inward.hpp", "include/millrace/base/needy.hpp"])
        self.assertEqual(len(proven), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
