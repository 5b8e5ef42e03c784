"""What the tests of the package share: the package itself, and a booted machine that has it."""

import functools
import os
import shutil
import subprocess
import tempfile
import unittest

from booted import Machine, NotBooted

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MILLRACED = os.environ.get("MILLRACED", os.path.join(ROOT, "build", "release", "millraced"))
MAKER = "Queue Keepers & Sons / Mill"  # with what has a meaning to shells and to sed


def text_of(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


@functools.cache
def packaged(*words):
    """The path of a package of the build under test; `words` go to deploy/package."""
    folder = tempfile.mkdtemp()
    unittest.addModuleCleanup(shutil.rmtree, folder)
    maker = dict(os.environ, DEBFULLNAME=MAKER, DEBEMAIL="keeper@debian.org")
    program = os.path.join(ROOT, "deploy", "package")
    made = subprocess.run([program, "--build", os.path.dirname(os.path.abspath(MILLRACED)), "--to", "a folder",
                           *words],
                          capture_output=True, text=True, env=maker, cwd=folder)
    if made.returncode != 0:
        raise AssertionError(made.stdout + made.stderr)
    return made.stdout.strip()


def booted(files, packages):
    """A machine with files and packages, which are not installed yet. `files` maps paths there to texts, `packages` to
    paths here."""
    with tempfile.TemporaryDirectory() as folder:
        copies = dict(packages)
        for number, (path, text) in enumerate(files.items()):
            copies[path] = os.path.join(folder, str(number))
            with open(copies[path], "w", encoding="utf-8") as file:
                file.write(text)
        try:
            return Machine(copies)
        except NotBooted as failure:
            raise unittest.SkipTest(str(failure)) from failure
