"""The tree as the checks see it: modules, files, includes."""

import functools
import os
import re
from pathlib import Path

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)
NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"', re.DOTALL)


class SourceFile:
    """One .hpp or .cpp of a module, in daemon/<module>/ or include/millrace/<module>/."""

    def __init__(self, tree, path):
        self.path = path  # relative to the top, with slashes
        self.text = tree.read(path)
        parts = path.split("/")
        self.promised = parts[0] == "include"
        self.module = parts[2] if self.promised else parts[1]
        self.stem = Path(path).stem
        self.is_header = path.endswith(".hpp")

    @property
    def includes(self):
        """(bracket, name) in the order of the file."""
        return INCLUDE.findall(self.text)

    @property
    def code(self):
        """The text without comments and string literals."""
        return NOT_CODE.sub(" ", self.text)

    @property
    def own_header_names(self):
        return {("<", f"millrace/{self.module}/{self.stem}.hpp"), ('"', f"{self.module}/{self.stem}.hpp")}

    def belongs_to(self, place):
        """Is this file in `place`: "*", a module, or module/unit (a unit's files begin with its name)?"""
        module, _, unit = place.partition("/")
        if place == "*":
            return True
        return self.module == module and (not unit or self.stem == unit or self.stem.startswith(unit + "_"))


class Tree:
    def __init__(self, top):
        self.top = Path(top)

    def read(self, path):
        return (self.top / path).read_text(encoding="utf-8")

    def exists(self, path):
        return (self.top / path).exists()

    def files(self, *folders, suffixes=("",)):
        """Paths of all files below the folders, sorted."""
        found = []
        for folder in folders:
            for parent, subfolders, names in os.walk(self.top / folder):
                subfolders[:] = [s for s in subfolders if s != "__pycache__"]
                found += [
                    Path(parent, name).relative_to(self.top).as_posix() for name in names if name.endswith(suffixes)
                ]
        return sorted(found)

    @functools.cached_property
    def uses(self):
        """The table: module -> the modules it may include from directly, in the table's order."""
        rows = re.findall(r"^([a-z]+):([^\n#]*)$", self.read("daemon/modules"), re.MULTILINE)
        return {module: used.split() for module, used in rows}

    @functools.cached_property
    def sources(self):
        paths = self.files("daemon", "include/millrace", suffixes=(".hpp", ".cpp"))
        return [SourceFile(self, path) for path in paths if path.count("/") >= (3 if path.startswith("include") else 2)]

    def resolve(self, bracket, name):
        """The path of one of our headers that an include names, or None if it is somebody else's."""
        if bracket == "<":
            return f"include/{name}" if name.startswith("millrace/") else None
        return f"daemon/{name}"

    @functools.cached_property
    def file_edges(self):
        """path -> paths of our own files it includes."""
        edges = {}
        for source in self.sources:
            targets = [self.resolve(*include) for include in source.includes]
            edges[source.path] = [target for target in targets if target]
        return edges

    @functools.cached_property
    def module_edges(self):
        """(module, used module) -> the first include that makes it, as "file includes name"."""
        edges = {}
        for source in self.sources:
            for bracket, name in source.includes:
                target = self.resolve(bracket, name)
                if target and "/" in name:
                    used = target.split("/")[2 if bracket == "<" else 1]
                    if used != source.module:
                        edges.setdefault((source.module, used), f"{source.path} includes {name}")
        return edges
