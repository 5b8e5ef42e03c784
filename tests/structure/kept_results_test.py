"""What checks found good is known to later runs. `python3 tests/structure/kept_results_test.py`"""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from kept_results import ENTRIES_MAX, KeptResults


class Kept(unittest.TestCase):
    def test_what_was_kept_is_known_to_a_later_run(self):
        with tempfile.TemporaryDirectory() as folder:
            KeptResults("results", folder).add(["one", "two"])
            later = KeptResults("results", folder)
            self.assertIn("one", later)
            self.assertNotIn("three", later)

    def test_two_runs_at_once_keep_the_results_of_both(self):
        with tempfile.TemporaryDirectory() as folder:
            first, second = KeptResults("results", folder), KeptResults("results", folder)
            first.add(["one"])
            second.add(["two"])
            later = KeptResults("results", folder)
            self.assertTrue("one" in later and "two" in later)

    def test_a_new_version_of_a_library_makes_every_result_unknown(self):
        with tempfile.TemporaryDirectory() as folder:
            KeptResults("results", folder).add(["one"])
            later = KeptResults("results", folder)
            later.libraries += "libboost-dev\t1.99"
            self.assertNotIn("one", later)

    def test_the_oldest_results_are_dropped(self):
        with tempfile.TemporaryDirectory() as folder:
            KeptResults("results", folder).add(["one"])
            KeptResults("results", folder).add(str(n) for n in range(ENTRIES_MAX))
            later = KeptResults("results", folder)
            self.assertNotIn("one", later)
            self.assertEqual(len(later.prints), ENTRIES_MAX)

    def test_a_damaged_file_and_a_folder_that_cannot_be_made_keep_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            results = KeptResults("results", folder)
            results.add(["one"])
            results.path.write_text("{")
            self.assertNotIn("one", KeptResults("results", folder))
            KeptResults("results", results.path).add(["one"])
            self.assertNotIn("one", KeptResults("results", results.path))



if __name__ == "__main__":
    unittest.main(verbosity=2)
