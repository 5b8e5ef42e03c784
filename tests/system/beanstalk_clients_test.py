"""Client libraries that nobody here wrote go round the protocol: tests/system/clients, in JavaScript, Ruby and PHP.

Those of Node are pinned in clients/package-lock.json and installed into the build folder once.
"""

import os
import subprocess
import unittest

import npm_support
from beanstalk_support import BEANSTALKD, BeanstalkTest
from support import PATIENCE, ROOT

CLIENTS = os.path.join(ROOT, "tests", "system", "clients")
INSTALLED = npm_support.folder_of("clients")


def setUpModule():
    npm_support.install(CLIENTS, INSTALLED)


class Libraries(BeanstalkTest):
    def goes_round(self, program, script):
        if BEANSTALKD:
            full = []
        else:
            full = ["full"]
            self.start_on(
                "queues:\n"
                "  rejecting: { max_jobs: 1, overflow: reject }\n"
                "  dropping: { max_jobs: 1, overflow: drop_oldest }\n"
                "  blocking: { max_jobs: 1, overflow: block }\n"
            )
        command = [program, os.path.join(CLIENTS, script), str(self.server.address[1]), *full]
        # Options of a sanitizer are meant for the daemon.
        environment = {key: value for key, value in os.environ.items() if not key.endswith("SAN_OPTIONS")}
        environment["NODE_PATH"] = os.path.join(INSTALLED, "node_modules")
        ended = subprocess.run(command,
                               capture_output=True,
                               text=True,
                               timeout=PATIENCE,
                               env=environment,
                               stdin=subprocess.DEVNULL)
        self.assertEqual((ended.returncode, ended.stdout.splitlines()[-1:]), (0, ["ok"]), ended.stdout + ended.stderr)

    def test_jackd(self):
        self.goes_round("node", "jackd.js")

    def test_fivebeans(self):
        self.goes_round("node", "fivebeans.js")

    def test_nodestalker(self):
        self.goes_round("node", "nodestalker.js")

    def test_beanstalkd(self):
        self.goes_round("node", "beanstalkd.js")

    def test_node_beanstalk(self):
        self.goes_round("node", "node-beanstalk.js")

    def test_beaneater(self):
        self.goes_round("ruby", "beaneater.rb")

    def test_pheanstalk(self):
        self.goes_round("php", "pheanstalk.php")


if __name__ == "__main__":
    unittest.main(verbosity=2)
