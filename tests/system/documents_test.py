"""What the documents show works: their settings are valid, and their examples give the results that they name."""

import os
import re
import subprocess
import sys
import unittest

from support import CONFIG, ROOT, DaemonTest, Lines, run


def blocks(document, language):
    """The code blocks of that language in a document."""
    with open(os.path.join(ROOT, document), encoding="utf-8") as file:
        return re.findall(rf"^```{language}\n(.*?)^```", file.read(), re.MULTILINE | re.DOTALL)


class Documents(DaemonTest):
    def with_free_ports(self, text, *addresses):
        for address in addresses:
            self.assertIn(address, text)
            text = text.replace(address, address.rpartition(":")[0] + ":0")
        return text

    def test_the_workload_of_the_readme_gives_a_verdict_for_each_number(self):
        (workload,) = blocks("README.md", "yaml")
        printed = self.finish(self.settings(workload))
        self.assertEqual(sorted(printed), ["157 is a prime number.", "158 is not a prime number.",
                                           "427920331 is a prime number.", "9637529763296797 is a prime number."])

    def test_the_python_client_of_the_readme_receives_the_verdict(self):
        with open(os.path.join(CONFIG, "beanstalk.yaml"), encoding="utf-8") as file:
            settings = self.with_free_ports(file.read(), "beanstalk: 127.0.0.1:11300", "http: 127.0.0.1:9464")
        daemon = self.daemon(self.write(settings))
        port = daemon.wait_for("started")["beanstalk"].rpartition(":")[2]
        (program,) = blocks("README.md", "python")
        self.assertIn("11300", program)
        client = subprocess.Popen([sys.executable, "-u", "-c", program.replace("11300", port)], stdout=subprocess.PIPE)
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)
        printed = Lines(client.stdout)
        last = [printed.next() for _ in range(5)][-2:]
        self.assertEqual(last[1], "157 is a prime number.")
        self.assertRegex(last[0], r"^RESERVED \d+ 22$")
        promised = re.search(r"# \.\.\. (RESERVED \d+ 22), (157 is a prime number\.)", program)
        self.assertEqual(list(promised.groups()), last)

    def test_every_settings_example_of_the_documents_is_valid(self):
        examples = [block for name in ("README.md", "config/README.md") for block in blocks(name, "yaml")]
        self.assertGreater(len(examples), 1)
        os.environ["RUNTIME_DIRECTORY"] = self.folder  # as systemd sets it
        self.addCleanup(os.environ.pop, "RUNTIME_DIRECTORY")
        for example in examples:
            for name in re.findall(r"file: ([\w.]+)", example):
                self.write("157\n", name)
            checked = run("--config", self.write(example), "--check")
            self.assertEqual((checked.returncode, checked.stderr), (0, ""), example)


if __name__ == "__main__":
    unittest.main(verbosity=2)
