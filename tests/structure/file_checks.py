"""Checks of the files themselves. Each takes a Tree and gives a list of complaints."""

import json
import re

from rules import (CALLBACK, CLOCK_READ, CLOCK_READERS, COLUMNS_MAX, LINES_MAX, LINES_WARN, MACHINE_PATH, NOT_OURS,
                   TOP_LEVEL, UNDONE, WORK)

METRICS = "config/README.md"
OURS = ("daemon", "include", "tests", "deploy", "config")
WRITTEN_BY_HAND = (".cpp", ".hpp", ".py", ".cmake", ".sh", "CMakeLists.txt", "/run", "/install-packages")
TEXTS = (".md", ".yaml", ".yml", ".js", ".mjs", ".php", ".rb", "Dockerfile")
PRINTED = {"config/millrace.yaml"}  # by millraced --print-example-config
LINK = re.compile(r"\[[^\]]*\]\([^)]*\)|https?://\S+")


def top_level(tree):
    return [f"{entry.name}: not one of the agreed entries of the top level" for entry in sorted(tree.top.iterdir())
            if not entry.name.startswith(".") and entry.name not in TOP_LEVEL | NOT_OURS]


def pragma_once(tree):
    headers = tree.files("daemon", "include", "tests", suffixes=(".hpp",))
    return [
        f"{path}: no #pragma once" for path in headers
        if not re.search(r"^#pragma once$", tree.read(path), re.MULTILINE)
    ]


def long_files(tree, limit):
    counts = [(path, tree.read(path).count("\n"))
              for path in tree.files("daemon", "include", "tests")
              if path.endswith(WRITTEN_BY_HAND)]
    return [f"{path}: {lines} lines, more than {limit}" for path, lines in counts if lines > limit]


def file_length(tree):
    return long_files(tree, LINES_MAX)


def file_length_warnings(tree):
    return long_files(tree, LINES_WARN)


def is_script(tree, path):
    """Does its name have no ending, and its first line say what runs it?"""
    return "." not in path.rpartition("/")[2] and (tree.top / path).read_bytes().startswith(b"#!")


def may_be_wide(path, line):
    """Rows of tables in documents, and lines that are one link, cannot be broken."""
    is_link = LINK.search(line) and not re.search(r"\w", LINK.sub("", line))
    return is_link or (path.endswith(".md") and line.startswith("|"))


def lines_of(tree, path):
    """None of inputs that are not text on purpose."""
    try:
        return tree.read(path).splitlines()
    except UnicodeDecodeError:
        return []


def line_width(tree):
    """Comments count too. A character is a column."""
    paths = sorted(entry.name for entry in tree.top.iterdir() if entry.is_file())
    paths += tree.files("daemon", "include", "tests", "deploy", "config", ".ci")
    checked = [path for path in paths
               if path not in PRINTED and (path.endswith(WRITTEN_BY_HAND + TEXTS) or is_script(tree, path))]
    return [f"{path}:{n}: {len(line)} columns, more than {COLUMNS_MAX}"
            for path in checked for n, line in enumerate(lines_of(tree, path), 1)
            if len(line) > COLUMNS_MAX and not may_be_wide(path, line)]


def scripts_are_run(tree):
    """Each Python file of the tests is a test of CMake, imported by another one, or named by a script, a document or a
    comment that cites its figures."""
    texts = {
        path: tree.read(path)
        for path in tree.files("tests", ".ci", "deploy", suffixes=(".py", "CMakeLists.txt", "/run"))
    }
    texts |= {path: tree.read(path) for path in ("README.md",) if tree.exists(path)}
    texts |= {path: tree.read(path) for path in tree.files("daemon", "tests", suffixes=(".md", ".hpp", ".cpp"))}
    complaints = []
    for path in tree.files("tests", suffixes=(".py",)):
        folder, _, name = path.rpartition("/")
        stem = name.removesuffix(".py")
        # A CMakeLists.txt may name the tests of its folder without `_test` and without a prefix that they share.
        short = stem.removesuffix("_test")
        names = {f"{folder}/CMakeLists.txt": rf"\b({stem}|{short}|{short.partition('_')[2] or short})\b"}
        if not any(re.search(names.get(other, rf"\b{stem}\b"), text) for other, text in texts.items() if other != path):
            complaints.append(f"{path}: nothing runs or imports it")
    return complaints


def nothing_undone(tree):
    complaints = []
    for path in tree.files(*OURS):
        complaints += [
            f"{path}:{n}: {line.strip()}" for n, line in enumerate(lines_of(tree, path), 1)
            if UNDONE.search(line) or MACHINE_PATH.search(line)
        ]
    return complaints


def sources_are_listed(tree):
    """Every .cpp stands in the CMakeLists.txt of its folder (or of one above it), and every listed one is on disk."""
    complaints = []
    listed = set()
    for path in tree.files("daemon", "tests", suffixes=("CMakeLists.txt", ".cmake")):
        folder = path.rpartition("/")[0]
        text = re.sub(r"#[^\n]*", "", tree.read(path))
        if re.search(r"file\s*\(\s*GLOB|aux_source_directory", text):
            complaints.append(f"{path}: lists its sources by a pattern")
        for name in re.findall(r"(?<![\w./}-])(\$\{PROJECT_SOURCE_DIR\}/)?([\w./-]+\.cpp)\b", text):
            listed.add(name[1] if name[0] else f"{folder}/{name[1]}")
    on_disk = set(tree.files("daemon", "tests", suffixes=(".cpp",)))
    complaints += [f"{path}: in no CMakeLists.txt" for path in sorted(on_disk - listed)]
    return complaints + [f"{path}: listed in a CMakeLists.txt but not on disk" for path in sorted(listed - on_disk)]


def clocks(tree):
    """Clocks are read in the named places only, and each named place reads one."""
    complaints, used = [], set()
    for source in tree.sources:
        read = CLOCK_READ.search(source.code)
        places = {place for place in CLOCK_READERS if source.belongs_to(place)}
        if read and not places:
            complaints.append(f"{source.path}: reads a clock ({read.group().strip()}); it should be handed the time")
        elif read:
            used |= places
    built = {place for place in CLOCK_READERS for source in tree.sources if source.belongs_to(place)}
    return complaints + [f"tests/structure/rules.py: {place} reads no clock" for place in sorted(built - used)]


def callback_names(tree):
    """Members and parameters that are callbacks are named on_…"""
    names = [(source.path, name) for source in tree.sources for name in CALLBACK.findall(source.code)]
    return [f"{path}: the callback {name} is not named on_…" for path, name in names
            if not name.startswith("on_") and name.rstrip("_") not in WORK]


def catalogue_names(tree, module):
    """The kinds that a catalogue lists: it includes the header of each, and nothing else of its module but the
    registry."""
    path = f"daemon/{module}/catalogue.cpp"
    included = re.findall(rf'#include "{module}/(\w+)\.hpp"', tree.read(path)) if tree.exists(path) else []
    return [name for name in included if name not in ("catalogue", "registry")]


def catalogues(tree):
    """Every name in a catalogue has its file and its place in the schema that editors read."""
    complaints = []
    schema_path = "config/millrace.schema.json"
    schema = tree.read(schema_path) if tree.exists(schema_path) else None
    for module in ("handlers", "sources"):
        for name in catalogue_names(tree, module):
            if not tree.exists(f"daemon/{module}/{name}.cpp"):
                complaints.append(f"daemon/{module}/catalogue.cpp: {name} has no daemon/{module}/{name}.cpp")
            if schema is not None and name not in words_of(json.loads(schema)):
                complaints.append(f"{schema_path}: {name} of daemon/{module}/catalogue.cpp is missing")
    return complaints


def words_of(value):
    """All keys and strings of a JSON value."""
    if isinstance(value, dict):
        return set(value).union(*map(words_of, value.values()))
    if isinstance(value, list):
        return set().union(*map(words_of, value))
    return {value} if isinstance(value, str) else set()


def promised_metrics(tree):
    """The names of the documented table, without the prefix."""
    table = re.search(r"^\| metric \(prefix `millrace_`\).*?(?:\n\n|\Z)", tree.read(METRICS), re.MULTILINE | re.DOTALL)
    first_cells = re.findall(r"^\|([^|]*)\|", table[0], re.MULTILINE)[1:] if table else []
    return {name for cell in first_cells for name in re.findall(r"`([a-z0-9_]+)`", cell)}


def metrics_as_promised(tree):
    """The families that telemetry names are those of the documented table, and the reverse."""
    text = "".join(source.text for source in tree.sources if source.module == "telemetry" and not source.is_header)
    named = set(re.findall(r'"millrace_([a-z0-9_]+)"', text))
    promised = promised_metrics(tree)
    if not text:
        return []
    return (
        [f"{METRICS}: telemetry names millrace_{name}, which is not in the table"
         for name in sorted(named - promised)] +
        [f"{METRICS}: {name} is not in telemetry" for name in sorted(promised - named)])


CHECKS = [top_level, pragma_once, file_length, line_width, scripts_are_run, nothing_undone, sources_are_listed, clocks,
          callback_names, catalogues, metrics_as_promised]
