"""The sum that tests/run prints."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path
from xml.sax.saxutils import escape

sys.path.insert(0, str(Path(__file__).parent))

import tally


def report(*programs):
    """CTest's report of programs given as (status, output)."""
    cases = "".join(f'<testcase name="t{n}" status="{status}"><system-out>{escape(output)}</system-out></testcase>'
                    for n, (status, output) in enumerate(programs))
    return f"<testsuite>{cases}</testsuite>"


class Tally(unittest.TestCase):
    def printed(self, *programs, broken=0, text=None):
        """(exit status, lines)"""
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as printed:
            path = Path(folder, "tests.xml")
            path.write_text(report(*programs) if text is None else text)
            status = tally.main(broken, [str(path)])
        return status, printed.getvalue().splitlines()

    def total(self, *programs, **options):
        """(exit status, last line)"""
        status, lines = self.printed(*programs, **options)
        return status, lines[-1]

    def test_cases_are_added_up(self):
        self.assertEqual(
            self.total(("run", "cases: 3 passed, 0 failed\n===\n"), ("run", "...\nRan 4 tests in 0.1s\n\nOK\n"),
                       ("run", "fine")), (0, "8 passed, 0 failed"))

    def test_failed_cases_are_counted_apart(self):
        self.assertEqual(
            self.total(("fail", "cases: 3 passed, 2 failed\n"),
                       ("fail", "Ran 5 tests in 1.0s\n\nFAILED (failures=1, errors=1, skipped=1)\n"), ("fail", "boom")),
            (1, "5 passed, 5 failed"))

    def test_skipped_cases_are_not_passed(self):
        self.assertEqual(self.total(("run", "Ran 5 tests in 1.0s\n\nOK (skipped=2)\n")), (0, "3 passed, 0 failed"))

    def test_the_reason_of_a_skipped_case_is_printed(self):
        output = ("test_a (__main__.Some.test_a) ... skipped 'needs root'\n"
                  "setUpClass (__main__.Others) ... skipped \"it's not here\"\n"
                  "test_b (__main__.Some.test_b) ... ok\n"
                  "test_c (__main__.Some.test_c) ... \n  test_c (__main__.Some.test_c) (n=1) ... skipped 'no'\nok\n"
                  "Ran 3 tests in 1.0s\n\nOK (skipped=3)\n")
        self.assertEqual(self.printed(("run", output))[1],
                         ["skipped: t0: test_a (__main__.Some.test_a): needs root",
                          "skipped: t0: setUpClass (__main__.Others): it's not here",
                          "skipped: t0:   test_c (__main__.Some.test_c) (n=1): no", "2 passed, 0 failed"])

    def test_a_crash_after_all_cases_is_a_failure(self):
        self.assertEqual(self.total(("fail", "cases: 3 passed, 0 failed\nLeakSanitizer\n")), (1, "3 passed, 1 failed"))

    def test_a_program_that_did_not_run_is_a_failure(self):
        self.assertEqual(self.total(("run", "fine"), ("notrun", "")), (1, "1 passed, 1 failed"))

    def test_a_broken_build_is_a_failure(self):
        self.assertEqual(self.total(("run", "fine"), broken=1), (1, "1 passed, 1 failed"))

    def test_nothing_run_is_a_failure(self):
        self.assertEqual(self.total(), (1, "0 passed, 0 failed"))
        self.assertEqual(self.total(("run", "Ran 0 tests in 0.0s\n\nOK\n"))[0], 1)

    def test_a_report_cut_short_is_a_failure(self):
        self.assertEqual(self.total(text="<testsuite>"), (1, "0 passed, 1 failed"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
