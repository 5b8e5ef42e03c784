"""Packages of npm that tests need, pinned by a lock file and installed into the build folder once."""

import fcntl
import os
import shutil
import subprocess

from support import ROOT

LOCK = "package-lock.json"


def folder_of(name):
    return os.path.join(ROOT, "build", "test_" + name)


def install(source, installed):
    """Installs what the lock file in `source` names, unless that was done; two builds may test at one time. Raises
    subprocess.SubprocessError when npm cannot."""
    os.makedirs(installed, exist_ok=True)
    with open(os.path.join(installed, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = os.path.join(installed, "installed-" + LOCK)
        if same(done, os.path.join(source, LOCK)):
            return
        for name in ("package.json", LOCK):
            shutil.copy(os.path.join(source, name), installed)
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", installed]
        subprocess.run(command, cwd=installed, check=True, stdin=subprocess.DEVNULL, timeout=280)
        shutil.copy(os.path.join(source, LOCK), done)


def same(one, other):
    try:
        with open(one, "rb") as first, open(other, "rb") as second:
            return first.read() == second.read()
    except FileNotFoundError:
        return False
