"""What a check found good is kept between runs, so that it looks only at what has changed, in a new clone too.

Kept are fingerprints, in ${XDG_CACHE_HOME:-~/.cache}/millrace. A fingerprint covers everything that the result depends
on, and no path of the machine. Without a place to write to, nothing is kept.
"""

import json
import os
import tempfile
from pathlib import Path

ENTRIES_MAX = 20_000  # beyond that, those that were kept first are dropped


class KeptResults:
    def __init__(self, name, folder=None):
        cache = folder or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        self.path = Path(cache, "millrace", f"{name}.json")
        self.prints = self.read()

    def read(self):
        try:
            return dict.fromkeys(json.loads(self.path.read_text()))
        except (OSError, ValueError, TypeError):
            return {}

    def __contains__(self, fingerprint):
        return fingerprint in self.prints

    def add(self, fingerprints):
        """Keeps them as the newest. Another run may have kept others meanwhile."""
        self.prints = self.read() | self.prints
        for fingerprint in fingerprints:
            self.prints.pop(fingerprint, None)
            self.prints[fingerprint] = None
        self.prints = dict.fromkeys(list(self.prints)[-ENTRIES_MAX:])
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self.path.parent, delete=False) as file:
                json.dump(list(self.prints), file)
            os.replace(file.name, self.path)
        except OSError:
            pass
