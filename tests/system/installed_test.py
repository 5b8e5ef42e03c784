"""What `cmake --install` installs for programs outside the tree: tests/example is built against it alone, and run with
its own handler and source.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from support import MILLRACED, PATIENCE, ROOT

BUILD = os.path.dirname(os.path.abspath(MILLRACED))
EXAMPLE = os.path.join(ROOT, "tests", "example")
SETTINGS = """queues: { numbers: {}, loud: {} }
producers: { down: { kind: countdown, from: 3, queue: numbers } }
consumers:
  shouting: { queue: numbers, handler: shout, marks: 2, output: loud }
  out: { queue: loud, handler: print }
"""


def cached(name):
    """A variable of the build that is tested."""
    with open(os.path.join(BUILD, "CMakeCache.txt")) as cache:
        return re.search(rf"^{name}:\w+=(.*)$", cache.read(), re.MULTILINE).group(1)


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.run_command("cmake", "--build", BUILD, "--target", "millrace_daemon")
        cls.run_command("cmake", "--install", BUILD, "--prefix", f"{cls.folder}/usr", "--component", "development")
        # The source is copied, so that nothing is found beside it.
        shutil.copytree(EXAMPLE, f"{cls.folder}/example")
        cls.run_command("cmake", "-G", cached("CMAKE_GENERATOR"), "-S", f"{cls.folder}/example", "-B",
                        f"{cls.folder}/build", f"-DCMAKE_PREFIX_PATH={cls.folder}/usr", "-DCMAKE_BUILD_TYPE=None",
                        f"-DCMAKE_CXX_COMPILER={cached('CMAKE_CXX_COMPILER')}",
                        f"-DCMAKE_CXX_FLAGS={cached('CMAKE_CXX_FLAGS')}")
        cls.run_command("cmake", "--build", f"{cls.folder}/build")
        cls.program = f"{cls.folder}/build/shoutd"

    @staticmethod
    def run_command(*command):
        done = subprocess.run(command, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, " ".join(command) + "\n" + done.stdout + done.stderr

    def ask(self, *words, settings=SETTINGS):
        path = os.path.join(self.folder, "settings.yaml")
        with open(path, "w") as file:
            file.write(settings)
        command = [self.program, *(word.replace("FILE", path) for word in words)]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)

    def test_a_program_runs_its_own_handler_and_source(self):
        done = self.ask("--config", "FILE", "--until-idle")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, "3!!\n2!!\n1!!\n")

    def test_its_own_computations_run_in_processes(self):
        settings = SETTINGS.replace("handler: shout, marks: 2", "handler: digits, unit: points, run_on: processes")
        done = self.ask("--config", "FILE", "--until-idle", settings=settings)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, "3 points\n2 points\n1 points\n")

    def test_its_own_kinds_are_in_its_schema_and_its_messages(self):
        kinds = json.dumps(json.loads(self.ask("--print-schema").stdout))
        self.assertIn('"shout"', kinds)
        self.assertIn('"countdown"', kinds)
        refused = self.ask("--config", "FILE", "--check", settings=SETTINGS.replace("marks: 2", "marks: 11"))
        self.assertEqual(refused.returncode, 2)
        self.assertIn("marks", refused.stderr)

    def test_wrong_arguments_are_a_message_and_a_status(self):
        refused = self.ask("--nonsense")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("--nonsense", refused.stderr)

    def test_only_headers_that_are_promised_are_installed(self):
        found = {os.path.relpath(os.path.join(folder, name), f"{self.folder}/usr/include")
                 for folder, _, names in os.walk(f"{self.folder}/usr/include") for name in names}
        promised = {os.path.relpath(os.path.join(folder, name), f"{ROOT}/include")
                    for folder, _, names in os.walk(f"{ROOT}/include") for name in names}
        self.assertEqual(found, promised)

    def test_nothing_that_is_installed_names_the_folder_of_the_build(self):
        for folder, _, names in os.walk(f"{self.folder}/usr/lib"):
            for name in names:
                if name.endswith(".cmake"):
                    with open(os.path.join(folder, name)) as file:
                        text = file.read()
                    self.assertNotIn(BUILD, text)
                    self.assertNotIn(ROOT + os.sep, text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
