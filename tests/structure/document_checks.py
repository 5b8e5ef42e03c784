"""Checks of the documents: each path, command and metric that one names exists. Each takes a Tree and returns
complaints.

Looked at: code spans and code blocks of every .md file. A word with a slash counts as a path when it begins with a
folder of the tree (`tests/run`), a module (`wire/reader` stands for wire/reader.hpp or .cpp) or a build folder. A
source file may be named alone. Braces, `a|b`, `*` and `<name>` stand for any of several files.
"""

import fnmatch
import json
import re

from file_checks import promised_metrics

SPAN = re.compile(r"(`+)(.+?)\1", re.DOTALL)
BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
SOURCE_NAME = re.compile(r"[\w*<>-]+\.(?:cpp|hpp|py|cmake)")
PATH_WORD = re.compile(r"[\w.*<>{},|$-]+(?:/[\w.*<>{},|$-]+)*/?")
FOLDERS = ("daemon", "tests", "include", "config", "deploy", "build")
# Names without a module before them are looked for in these folders too.
BASES = ("", "daemon/", "include/", "include/millrace/", "tests/")
PROGRAMS = {"millraced": ("daemon/service",), "millrace": ("daemon/tools",)}


def documents(tree):
    found = tree.files("daemon", "include", "tests", "config", "deploy", suffixes=(".md",))
    return (["README.md"] if tree.exists("README.md") else []) + found


def quoted_lines(text):
    """(line number, text) of each line of code in a document."""
    found = []
    for match in BLOCK.finditer(text):
        first = text.count("\n", 0, match.start(1)) + 1
        found += [(first + n, line) for n, line in enumerate(match[1].splitlines())]
    prose = BLOCK.sub(lambda block: "\n" * block[0].count("\n"), text)
    found += [(prose.count("\n", 0, m.start()) + 1, " ".join(m[2].split())) for m in SPAN.finditer(prose)]
    return sorted(found)


def alternatives(word):
    """The patterns that a word stands for: {a,b} and a|b taken apart, <name> and $NAME as *."""
    braces = re.search(r"\{([^{}]*)\}", word)
    if braces:
        return [full for one in re.split(r"[,|]", braces[1])
                for full in alternatives(word[:braces.start()] + one + word[braces.end():])]
    return [re.sub(r"<[^<>]*>|\$\w+", "*", one) for one in word.split("|")]


def files_of(tree):
    files = tree.files(*[folder for folder in FOLDERS if folder != "build"])
    folders = {path[:end] for path in files for end in (m.start() for m in re.finditer("/", path))}
    at_top = [entry.name for entry in tree.top.iterdir() if entry.is_file()]
    return set(files) | folders | set(at_top)


def exists(pattern, files):
    """`pattern` is a file, a folder, or the name of a unit without its ending, as seen from one of BASES."""
    pattern = pattern.rstrip("/")
    if "*" not in pattern:
        return any(base + pattern + ending in files for base in BASES for ending in ("", ".hpp", ".cpp"))
    return any(fnmatch.filter(files, base + pattern + ending) for base in BASES for ending in ("", ".hpp", ".cpp"))


def is_built(tree, pattern):
    """build/PRESET/PROGRAM, where the presets and the CMake files have both. Other folders below build/ are not
    judged."""
    parts = pattern.rstrip("/").split("/")
    if len(parts) < 3 or not tree.exists("CMakePresets.json"):
        return True
    presets = [p["name"] for p in json.loads(tree.read("CMakePresets.json"))["configurePresets"]]
    if not fnmatch.filter(presets, parts[1]):
        return parts[1] not in presets and parts[1] == "peers"
    texts = [tree.read(path) for path in tree.files("daemon", "tests", suffixes=("CMakeLists.txt",))]
    programs = [name for text in texts for name in re.findall(r"\bmillrace_program\((\w+)", text)]
    tests = [name + "_tests" for text in texts for name in re.findall(r"\bmillrace_test\((\w+)", text)]
    return len(parts) > 3 or bool(fnmatch.filter(programs + tests, parts[2]))


def missing_paths(tree, line, files, modules):
    complaints = []
    for word in re.split(r"[\s`\"'()=]+", line):
        word = re.sub(r"[.,;:]+$|:\d+$", "", word)
        if not PATH_WORD.fullmatch(word):
            continue
        first = word.split("/")[0]
        for pattern in alternatives(word):
            if "/" not in word:
                if SOURCE_NAME.fullmatch(pattern) and not fnmatch.filter(files, "*/" + pattern):
                    complaints.append(f"there is no file {word}")
            elif first == "build":
                if not is_built(tree, pattern):
                    complaints.append(f"nothing builds {word}")
            elif (first in FOLDERS or first in modules or first == "millrace") and not exists(pattern, files):
                complaints.append(f"there is no {word}")
    return complaints


def texts_of_command(tree, program):
    """The texts in which the options of a command are, or None if it is not one of ours."""
    name = program.split("/")[-1]
    if name in PROGRAMS:
        return [tree.read(path) for path in tree.files(*PROGRAMS[name], suffixes=(".cpp", ".hpp"))]
    # A program that was built is no text.
    if program.startswith("build/"):
        return None
    if program.startswith(FOLDERS) and tree.exists(program) and (tree.top / program).is_file():
        folder = program.rpartition("/")[0]
        beside = [path for path in tree.files(folder) if path.rpartition("/")[0] == folder]
        return [tree.read(path) for path in beside if path == program or path.endswith(".py")]
    return None


def missing_words(tree, line):
    """What a command of ours does not know: its options, and a word after `millrace` that names what to do."""
    complaints = []
    for command in re.split(r"\s(?:&&|;|\|)\s|\s#\s", line):
        words = command.strip().removeprefix("$ ").split()
        while words and re.fullmatch(r"[A-Z_]+=\S*|sudo|python3|-B|exec|time|nice|timeout|\d+", words[0]):
            words.pop(0)
        if not words:
            continue
        if words[0] in ("cmake", "ctest"):
            complaints += missing_preset(tree, words)
            continue
        texts = texts_of_command(tree, words[0])
        if not texts:
            continue
        for option in re.findall(r"(?<![\w-])--[a-z][\w-]*", " ".join(words[1:])):
            if option not in ("--help",) and not any(re.search(re.escape(option) + r"(?![\w-])", t) for t in texts):
                complaints.append(f"{words[0]} has no option {option}")
        is_client = words[0].split("/")[-1] == "millrace"
        if is_client and len(words) > 1 and re.fullmatch(r"[a-z]+", words[1]):
            if not any(f'"{words[1]}"' in text for text in texts):
                complaints.append(f"{words[0]} has no command {words[1]}")
    return complaints


def missing_preset(tree, words):
    if not tree.exists("CMakePresets.json"):
        return []
    presets = [p["name"] for p in json.loads(tree.read("CMakePresets.json"))["configurePresets"]]
    named = [words[n + 1] for n, word in enumerate(words[:-1]) if word == "--preset"]
    named += [word.removeprefix("--preset=") for word in words if word.startswith("--preset=")]
    return [f"there is no preset {name}" for name in named if re.fullmatch(r"[a-z]+", name) and name not in presets]


def documents_name_what_exists(tree):
    complaints = []
    files = files_of(tree)
    modules = set(tree.uses) | {"structure", "system", "bench", "fuzz", "soak", "support"}
    for path in documents(tree):
        for number, line in quoted_lines(tree.read(path)):
            found = missing_paths(tree, line, files, modules) + missing_words(tree, line)
            complaints += [f"{path}:{number}: {complaint}" for complaint in found]
    return complaints


def metrics_that_are_named_exist(tree):
    """In documents, and in the rules for Prometheus with their summaries and descriptions."""
    rules = tree.files("deploy", suffixes=(".rules.yml",))
    recorded = {name for path in rules for name in re.findall(r"record: (millrace:\S+)", tree.read(path))}
    known = recorded | {f"millrace_{name}" for name in promised_metrics(tree)}
    # The library of a module is no metric.
    known |= {f"millrace_{module}" for module in tree.uses}
    complaints = []
    for path in documents(tree) + rules:
        for number, line in enumerate(tree.read(path).splitlines(), 1):
            for name in re.findall(r"\bmillrace(?:_[a-z0-9_]*[a-z0-9]|:[a-z][a-z0-9_:]*)\b", line):
                if name not in known and re.sub(r"_(bucket|sum|count)$", "", name) not in known:
                    complaints.append(f"{path}:{number}: there is no metric {name}")
    return complaints


CHECKS = [documents_name_what_exists, metrics_that_are_named_exist]
