"""Completion of command lines: the scripts of deploy/completions in a real bash and a real zsh, with the built
programs.
"""

import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import time
import unittest

from support import MILLRACED, PATIENCE, ROOT

FOLDER = os.path.join(ROOT, "deploy", "completions")
PROGRAMS = os.path.dirname(os.path.abspath(MILLRACED))


def environment():
    return {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "TERM": "dumb", "LC_ALL": "C"}


def options_of(*command):
    """The names in the help of a program or tool."""
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, env=environment(), timeout=PATIENCE)
    lines = re.findall(r"^  (-\S+)", done.stdout, re.MULTILINE)
    return sorted(name for line in lines for name in line.split(","))


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        os.mkdir(os.path.join(self.folder, "data-of-jobs"))
        with open(os.path.join(self.folder, "data.yaml"), "w"):
            pass


class Bash(Folder):
    def complete(self, *words):
        """What bash offers for the last word."""
        script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1));'
                  '_millrace "$1" "${!#}" "${COMP_WORDS[COMP_CWORD-1]}"; printf "%s\\n" "${COMPREPLY[@]}"')
        command = ["bash", "-c", script, "bash", os.path.join(FOLDER, "millrace.bash"), *words]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, env=environment(),
                              timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return sorted(filter(None, done.stdout.split("\n")))

    def test_every_option_of_the_help_is_offered(self):
        self.assertEqual(self.complete("millraced", ""), options_of("millraced"))
        self.assertEqual(self.complete("millrace", "bench", "-"), options_of("millrace", "bench"))
        self.assertIn("--partial", self.complete("millrace", "restore", "-"))

    def test_the_tools_of_millrace_are_completed(self):
        tools = self.complete("millrace", "")
        for tool in ("bench", "dump", "fsck", "restore", "import"):
            self.assertIn(tool, tools)
        self.assertEqual(self.complete("millrace", "fs"), ["fsck"])
        self.assertEqual(self.complete("millrace", "--help", ""), tools)

    def test_values_are_words_files_or_folders(self):
        self.assertEqual(self.complete("millraced", "--log-level", ""), ["debug", "error", "info", "warning"])
        self.assertEqual(self.complete("millraced", "--mode", "l"), ["loop"])
        self.assertEqual(self.complete("millraced", "--config", "data"), ["data-of-jobs", "data.yaml"])
        self.assertEqual(self.complete("millraced", "-b", "d"), ["data-of-jobs"])
        self.assertEqual(self.complete("millrace", "fsck", "d"), ["data-of-jobs"])
        self.assertEqual(self.complete("millraced", "--limit", ""), [])

    def test_a_program_that_cannot_be_run_offers_nothing(self):
        self.assertEqual(self.complete("/nowhere/millraced", "--c"), [])


@unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
class Zsh(Folder):
    def complete(self, line):
        """The line after the tabulator key, typed into an interactive zsh."""
        process, terminal = pty.fork()
        if process == 0:
            os.chdir(self.folder)
            os.execvpe("zsh", ["zsh", "-f", "-i"], environment())
        self.addCleanup(os.waitpid, process, 0)
        self.addCleanup(os.close, terminal)
        begin = f"fpath=({FOLDER} $fpath); autoload -U compinit; compinit -u -D; PS1=; print be''gin\n"
        os.write(terminal, begin.encode())
        self.read_until(terminal, lambda seen: "begin" in seen.replace("be''gin", ""))
        # The widget prints the line between marks once the completion has changed it.
        os.write(terminal, b"show() { print -r -- \"<<$BUFFER>>\"; BUFFER=; }; zle -N show; bindkey '^X' show\n")
        os.write(terminal, line.encode() + b"\t\x18")
        seen = self.read_until(terminal, lambda seen: re.search(r"<<[^$].*>>", seen))
        os.write(terminal, b"\x15exit\n")
        return re.search(r"<<([^$].*)>>", seen).group(1).rstrip()

    def read_until(self, terminal, reached):
        seen, ends = "", time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            if select.select([terminal], [], [], 1)[0]:
                seen += os.read(terminal, 4096).decode(errors="replace")
            if reached(seen):
                return seen
        self.fail(f"zsh printed only {seen!r}")

    def test_options_tools_values_and_folders_are_completed(self):
        for line, whole in (("millraced --unt", "millraced --until-idle"),
                            ("millraced --log-level w", "millraced --log-level warning"),
                            ("millrace fs", "millrace fsck"),
                            ("millrace restore --par", "millrace restore --partial"),
                            ("millrace fsck data-", "millrace fsck data-of-jobs/"),
                            ("millraced --config data.", "millraced --config data.yaml")):
            self.assertEqual(self.complete(line), whole)


del Folder

if __name__ == "__main__":
    unittest.main(verbosity=2)
