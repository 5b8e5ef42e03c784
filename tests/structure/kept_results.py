"""What a check found good is kept between runs, so that it looks only at what has changed, in a new clone too.

Kept are fingerprints, in ${XDG_CACHE_HOME:-~/.cache}/millrace. The fingerprint of a check covers the files of the tree
that it read, its tool and its command, and no path of the machine; the versions of the libraries' headers are added
here. Without a place to write to, nothing is kept.
"""

import contextlib
import hashlib
import json
import os
import subprocess
from pathlib import Path

ENTRIES_MAX = 20_000  # beyond that, those that were kept first are dropped


def library_versions():
    """Of the installed packages that have headers; empty where there is no dpkg."""
    try:
        listed = subprocess.run(["dpkg-query", "-W", "lib*-dev", "catch2"], capture_output=True, text=True)
        return listed.stdout
    except OSError:
        return ""


def cache_folder():
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # a user without a home
        return Path(os.devnull)


class KeptResults:
    def __init__(self, name, folder=None):
        self.path = Path(folder or cache_folder(), "millrace", f"{name}.json")
        self.libraries = library_versions()
        self.prints = self.read()

    def read(self):
        try:
            return dict.fromkeys(json.loads(self.path.read_text()))
        except (OSError, ValueError, TypeError):
            return {}

    def whole(self, fingerprint):
        return hashlib.sha256((self.libraries + fingerprint).encode()).hexdigest()

    def __contains__(self, fingerprint):
        return self.whole(fingerprint) in self.prints

    def add(self, fingerprints):
        """Keeps them as the newest. Another run may have kept others meanwhile."""
        self.prints = self.read() | self.prints
        for fingerprint in map(self.whole, fingerprints):
            self.prints.pop(fingerprint, None)
            self.prints[fingerprint] = None
        self.prints = dict.fromkeys(list(self.prints)[-ENTRIES_MAX:])
        new = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps(list(self.prints)))
            os.replace(new, self.path)
        except OSError:
            with contextlib.suppress(OSError):
                new.unlink()
