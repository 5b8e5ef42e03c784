"""Checks of who includes whom. Each takes a Tree and gives a list of complaints."""

import re

from rules import NEVER, SYSTEM_HEADER, THIRD_PARTIES
from tree import INCLUDE


def table_is_ordered(tree):
    """A module stands above all it uses, so the table has no circle; every module on disk is in it."""
    complaints, seen = [], set()
    for module, used in tree.uses.items():
        complaints += [
            f"daemon/modules: {module} uses {u}, which does not stand above it" for u in used if u not in seen
        ]
        seen.add(module)
    on_disk = {source.module for source in tree.sources}
    return complaints + [f"{module}: not in daemon/modules" for module in sorted(on_disk - seen)]


def includes_follow_the_table(tree):
    return [f"{example}, but daemon/modules has no edge {module} -> {used}"
            for (module, used), example in tree.module_edges.items() if used not in tree.uses.get(module, [])]


def every_edge_is_used(tree):
    built = {source.module for source in tree.sources}
    return [
        f"daemon/modules: nothing in {module} includes from {used}" for module, uses in tree.uses.items()
        if module in built for used in uses if (module, used) not in tree.module_edges
    ]


def the_never_list(tree):
    complaints = [
        f"daemon/modules: {module} must never use {used}" for module, used in NEVER
        if used in tree.uses.get(module, [])
    ]
    return complaints + [
        f"{tree.module_edges[edge]}: {edge[0]} must never use {edge[1]}" for edge in NEVER if edge in tree.module_edges
    ]


def includes_name_files(tree):
    """Each of our includes names a file that exists, by its module."""
    complaints = []
    for source in tree.sources:
        for bracket, name in source.includes:
            target = tree.resolve(bracket, name)
            if target and not tree.exists(target):
                complaints.append(
                    f'{source.path}: {name} is not there '
                    '(interior headers: "module/x.hpp"; promised: <millrace/module/x.hpp>)'
                )
    return complaints


def no_circle_of_files(tree):
    """Depth-first; a file met again while it is still open closes a circle."""
    complaints, state = [], {}

    def visit(path, trail):
        if state.get(path) == "done":
            return
        if path in trail:
            complaints.append("circle: " + " -> ".join(trail[trail.index(path):] + [path]))
            return
        for target in tree.file_edges.get(path, []):
            visit(target, trail + [path])
        state[path] = "done"

    for path in tree.file_edges:
        visit(path, [])
    return complaints


def promised_include_promised(tree):
    """Code that is built on include/ alone must find everything there."""
    return [f"{source.path}: a promised header includes {name}, which is interior"
            for source in tree.sources if source.promised for bracket, name in source.includes if bracket == '"']


def third_parties_in_their_modules(tree):
    complaints = []
    for source in tree.sources:
        for bracket, name in source.includes:
            of_the_language = "." not in name and "/" not in name
            if bracket != "<" or name.startswith("millrace/") or of_the_language or SYSTEM_HEADER.fullmatch(name):
                continue
            places = next((places for pattern, places in THIRD_PARTIES if re.fullmatch(pattern, name)), None)
            if places is None:
                complaints.append(f"{source.path}: <{name}> is in no module's list (tests/structure/rules.py)")
            elif not any(source.belongs_to(place) for place in places):
                complaints.append(f"{source.path}: <{name}> belongs to {', '.join(sorted(places))} only")
    return complaints


def only_service_includes_a_catalogue(tree):
    return [f"{source.path}: includes {name}; only service composes"
            for source in tree.sources if source.module != "service" and source.stem != "catalogue"
            for _, name in source.includes if name.endswith("/catalogue.hpp")]


def own_header_first(tree):
    """The first include of x.cpp is x.hpp: so every build proves that the header compiles alone."""
    complaints = []
    headers = {source.path for source in tree.sources if source.is_header}
    for source in tree.sources:
        own = [include for include in source.own_header_names if tree.resolve(*include) in headers]
        if not source.is_header and own and source.includes[0:1] not in [[include] for include in own]:
            complaints.append(f"{source.path}: the first include should be {own[0][1]}")
    return complaints


def headers_are_included(tree):
    """A header of the daemon is included by the daemon, beside its own .cpp; one of the tests by another file of
    them."""
    used = {target for source in tree.sources for target in tree.file_edges[source.path]
            if source.is_header or target not in [tree.resolve(*own) for own in source.own_header_names]}
    complaints = [f"{source.path}: nothing in the daemon includes it"
                  for source in tree.sources if source.is_header and source.path not in used]
    # A test names a header from tests/ or from its own folder.
    in_tests = set()
    for path in tree.files("tests", suffixes=(".hpp", ".cpp")):
        for bracket, name in INCLUDE.findall(tree.read(path)):
            in_tests |= {f"tests/{name}", f"{path.rpartition('/')[0]}/{name}"}
    return complaints + [f"{path}: nothing in the tests includes it"
                         for path in tree.files("tests", suffixes=(".hpp",)) if path not in in_tests]


CHECKS = [table_is_ordered, includes_follow_the_table, every_edge_is_used, the_never_list, includes_name_files,
          no_circle_of_files, promised_include_promised, third_parties_in_their_modules,
          only_service_includes_a_catalogue, own_header_first, headers_are_included]
