#!/usr/bin/env python3
"""The table of log events (daemon/base/log_rules.cpp) has each event of the source and no other, and config/README.md
names only events that exist."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "daemon" / "base" / "log_rules.cpp"
NAME = r'"([a-z]+(?:_[a-z]+)*)"'
# The first argument, or the second of `write`: an event, or a choice between events.
LOGGED = re.compile(r"\blog::(?:(?:debug|info|warning|error)\(|write\(\s*[\w:]+,)([^,]*),")
# A function that is given an event logs it.
GIVEN = re.compile(r"\b(\w+)\((?:[^()]|\([^()]*\))*?\bstd::string_view event\b")


def table_of(text):
    listed = re.search(r"std::to_array<std::string_view>\(\{(.*?)\}\)", text, re.DOTALL).group(1)
    return re.findall(NAME, listed)


def events_of(sources):
    """Events that these texts log."""
    found = set()
    for text in sources:
        for event in LOGGED.findall(text):
            found.update(re.findall(NAME, event))
        for name in set(GIVEN.findall(text)) - {"write", "debug", "info", "warning", "error"}:
            for call in re.findall(rf"\b{name}\(([^;{{]*)", text):
                found.update(re.findall(NAME, call))
    return found


class LogEvents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.table = table_of(TABLE.read_text(encoding="utf-8"))
        paths = [path for path in (ROOT / "daemon").rglob("*.[ch]pp") if path != TABLE]
        cls.sources = [path.read_text(encoding="utf-8") for path in paths]

    def test_the_table_has_each_event_that_is_logged_and_no_other(self):
        self.assertEqual(sorted(events_of(self.sources)), self.table)

    def test_an_event_is_found_in_a_call_and_behind_a_function_that_is_given_it(self):
        source = """void complain(std::string_view event, int job) { log::warning(event, "x"); }
            log::info("one", "text"); log::write(
                level, "two", "text"); complain(bad ? "three" : "four", 1); log::info(bad ? "five" : "six", "text");"""
        self.assertEqual(events_of([source]), {"one", "two", "three", "four", "five", "six"})

    def test_the_document_names_only_events_that_exist(self):
        document = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
        section = re.search(r"\n## Log events\n(.*?)\n## ", document, re.DOTALL).group(1)
        named = {name for row in re.findall(r"(?m)^\| (`.*?`) \|", section) for name in re.findall(r"`(\w+)`", row)}
        self.assertGreater(len(named), 15)
        self.assertFalse(named - set(self.table))


if __name__ == "__main__":
    unittest.main(verbosity=2)
