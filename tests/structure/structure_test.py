"""The structure of the tree: one test a check. `python3 tests/structure/structure_test.py`"""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import commit_checks
import document_checks
import file_checks
import include_checks
from rules import COMMITS_AFTER
from tree import Tree

TREE = Tree(Path(__file__).resolve().parents[2])


class Structure(unittest.TestCase):
    longMessage = False

    def test_commit_messages(self):
        found = commit_checks.commits(TREE.top, COMMITS_AFTER)
        if found is None:
            self.skipTest("no git history here that reaches back to the first commit of this rule")
        complaints = commit_checks.complaints_of(found)
        self.assertFalse(complaints, "\n" + "\n".join(complaints))


def test_of(check):
    def test(self):
        complaints = check(TREE)
        self.assertFalse(complaints, "\n" + "\n".join(complaints))

    return test


for one_check in include_checks.CHECKS + file_checks.CHECKS + document_checks.CHECKS:
    setattr(Structure, f"test_{one_check.__name__}", test_of(one_check))

if __name__ == "__main__":
    for warning in file_checks.file_length_warnings(TREE):
        print("warning:", warning)
    unittest.main(verbosity=2)
