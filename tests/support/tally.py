"""tally.py BROKEN_BUILDS REPORT...: adds up CTest's JUnit reports case by case and prints "N passed, N failed".

A test program says itself how many cases it ran: ours on Catch2 end with "cases: 12 passed, 0 failed", Python's
unittest says "Ran 12 tests" and "FAILED (failures=1)". A program that says neither is one case. A program that CTest
calls failed though all its cases passed (it crashed, leaked or hung) counts as one failed case more, as does a build
that broke. No case at all is a failure too. A case that was skipped counts nowhere; its reason is printed.
"""

import re
import sys
import xml.etree.ElementTree as xml


def count(output, passed):
    """(passed, failed) cases of one program, from what it printed and from CTest's verdict."""
    tallies = re.findall(r"^cases: (\d+) passed, (\d+) failed\r?$", output, re.MULTILINE)
    ran = re.findall(r"^Ran (\d+) tests? in ", output, re.MULTILINE)
    if tallies:
        good, bad = sum(int(t[0]) for t in tallies), sum(int(t[1]) for t in tallies)
    elif ran:
        marks = " ".join(re.findall(r"^(?:FAILED|OK) \((.*)\)\r?$", output, re.MULTILINE))
        bad = sum(int(n) for n in re.findall(r"(?:failures|errors|unexpected successes)=(\d+)", marks))
        left_out = sum(int(n) for n in re.findall(r"skipped=(\d+)", marks))
        # A whole class or module, or a part of a case: "Ran" does not count those.
        left_out -= sum(line.startswith(("setUpClass", "setUpModule", " ")) for line in skipped(output))
        good = max(0, sum(int(n) for n in ran) - bad - left_out)
    else:
        good, bad = (1, 0) if passed else (0, 0)
    return good, bad if passed else max(bad, 1)


def skipped(output):
    """The cases that unittest skipped, each with its reason."""
    found = re.findall(r"^(.+) \.\.\. skipped (['\"])(.*)\2\r?$", output, re.MULTILINE)
    return [f"{name}: {reason}" for name, _, reason in found]


def main(broken_builds, reports):
    good, bad = 0, int(broken_builds)
    for report in reports:
        try:
            cases = xml.parse(report).getroot().iter("testcase")
        except (OSError, xml.ParseError) as error:
            print(f"{report}: {error}")
            bad += 1
            continue
        for case in cases:
            passed = case.get("status") == "run"
            output = case.findtext("system-out") or ""
            case_good, case_bad = count(output, passed)
            for reason in skipped(output):
                print(f"skipped: {case.get('name')}: {reason}")
            if not passed:
                print(f"failed: {case.get('name')} ({report})")
            good, bad = good + case_good, bad + case_bad
    print(f"{good} passed, {bad} failed")
    return 0 if good > 0 and bad == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
