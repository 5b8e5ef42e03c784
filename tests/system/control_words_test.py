"""The words of the commands to a running daemon: options mean the same before and after them."""

import subprocess
import unittest

from control_support import MILLRACE, ControlTest
from support import PATIENCE

FILTERED = ["q", "--state", "ready"]
# Each command with words that the daemon can answer, be it with a refusal.
COMMANDS = {
    "status": [], "queues": [], "queue": ["q"], "job": ["999"], "group": ["999"], "tasks": [], "pause": ["q"],
    "resume": ["q"], "jobs": ["q"], "cancel": ["999"], "redrive": ["q"], "kick": ["q"], "purge": FILTERED,
    "move-jobs": FILTERED + ["--to", "r"], "cancel-jobs": FILTERED, "delete-jobs": FILTERED,
    "set-priority": ["q", "5", "--state", "ready"], "backup": ["relative"], "actions": [], "stop": ["999"],
    "reload": [], "trace": [], "trace start": ["/no/such/folder/x"], "trace stop": [],
}
OF_FILES = {"bench", "compare", "fsck", "dump", "restore", "import"}
IS_ANSWERED = (0, 1)  # done or refused by the daemon; not 2 (wrong words) or 3 (no daemon)


def millrace(*words):
    return subprocess.run([MILLRACE, *words], capture_output=True, text=True, timeout=PATIENCE)


class Words(ControlTest):

    def test_options_mean_the_same_before_and_after_each_command(self):
        self.start("queues: { q: {}, r: {} }\n")
        address = "unix:" + self.socket
        for command, words in COMMANDS.items():
            verb = command.split()
            orders = [verb + words + ["--control", address], ["--control", address] + verb + words,
                      [f"--control={address}"] + verb + words, ["--control", address, "--json"] + verb + words,
                      verb[:1] + ["--control", address] + verb[1:] + words]
            for order in orders:
                with self.subTest(words=order):
                    ended = millrace(*order)
                    self.assertIn(ended.returncode, IS_ANSWERED, ended.stderr)

    def test_a_trace_takes_its_options_before_and_after_its_verb(self):
        self.start()
        address = "unix:" + self.socket
        for number, order in enumerate((["start", "{}", "--limit", "1MiB", "--control", address],
                                        ["--limit", "1MiB", "--control", address, "start", "{}"],
                                        ["--control", address, "--json", "start", "{}", "--limit=1MiB"],
                                        ["--limit=1MiB", "start", "--control", address, "{}"])):
            path = f"{self.folder}/trace-{number}"
            words = [word.replace("{}", path) for word in order]
            with self.subTest(words=words):
                begun = millrace("trace", *words)
                self.assertEqual(begun.returncode, 0, begun.stderr)
                self.assertIn(path, begun.stdout)
                self.assertIn("1048576", begun.stdout)
                ended = millrace("trace", "--control", address, "stop")
                self.assertEqual(ended.returncode, 0, ended.stderr)
                drawn = millrace("trace", "--plot", path + ".svg", path)
                self.assertEqual(drawn.returncode, 0, drawn.stderr)

    def test_all_commands_are_in_this_test(self):
        listed = {line.split()[0] for line in millrace("--list-options").stdout.splitlines()}
        self.assertEqual(listed - OF_FILES, {command.split()[0] for command in COMMANDS})


if __name__ == "__main__":
    unittest.main(verbosity=2)
