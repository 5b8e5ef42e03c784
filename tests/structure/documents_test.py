"""The documents agree with the tables they describe. `python3 -B tests/structure/documents_test.py`"""

import json
import re
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


def module_table():
    """Each module of daemon/modules with the modules it includes from."""
    lines = (TOP / "daemon/modules").read_text().splitlines()
    rows = [re.match(r"([a-z]+):(.*)", line) for line in lines if not line.startswith("#")]
    return {row[1]: row[2].split() for row in rows if row}


def pictured_rows(text):
    """The modules of each row of the picture, the highest row first. A row stands before the first bar."""
    picture = re.search(r"```\n(service.*?)```", text, re.DOTALL)
    return [line.split("│")[0].split() for line in picture[1].splitlines()]


def picture_errors(uses, rows):
    height = {module: -row for row, modules in enumerate(rows) for module in modules}
    pictured = [module for modules in rows for module in modules]
    errors = [f"{module}: not in the table and the picture once each" for module in sorted(set(pictured) ^ set(uses))]
    errors += [f"{module}: twice in the picture" for module in set(pictured) if pictured.count(module) > 1]
    return errors + [f"{module} uses {used}, which is not in a lower row" for module in uses for used in uses[module]
                     if not errors and height[used] >= height[module]]


def schema_keys(schema):
    """The name of every property anywhere in a JSON Schema."""
    keys = set()
    if isinstance(schema, dict):
        keys.update(schema.get("properties", {}))
        for value in schema.values():
            keys |= schema_keys(value)
    elif isinstance(schema, list):
        for value in schema:
            keys |= schema_keys(value)
    return keys


def undocumented_keys(keys, text):
    """A key is documented where it stands in backticks, alone or before a colon or a value."""
    return sorted(key for key in keys if not re.search(rf"`(?:[\w.]+\.)?{key}(?:`|:)", text))


class Documents(unittest.TestCase):
    def test_the_picture_of_the_modules_has_every_edge_going_down(self):
        self.assertEqual(picture_errors(module_table(), pictured_rows((TOP / "daemon/README.md").read_text())), [])

    def test_an_edge_that_goes_up_in_the_picture_is_an_error(self):
        self.assertEqual(picture_errors({"base": [], "loop": ["base"]}, [["base"], ["loop"]]),
                         ["loop uses base, which is not in a lower row"])

    def test_a_module_that_is_missing_in_the_picture_is_an_error(self):
        self.assertEqual(picture_errors({"base": [], "loop": ["base"]}, [["base"]]),
                         ["loop: not in the table and the picture once each"])

    def test_every_key_of_the_schema_is_named_in_the_settings_document(self):
        keys = schema_keys(json.loads((TOP / "config/millrace.schema.json").read_text()))
        self.assertEqual(undocumented_keys(keys, (TOP / "config/README.md").read_text()), [])

    def test_a_key_that_no_document_names_is_reported(self):
        schema = {"properties": {"rate": {}, "daemon": {"items": [{"properties": {"ttr": {}}}]}}}
        self.assertEqual(undocumented_keys(schema_keys(schema), "`rate` is bodies a second; `daemon: store`"), ["ttr"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
