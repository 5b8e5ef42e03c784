#!/usr/bin/env python3
"""What can be said of the package and of the units without a boot."""

import glob
import os
import shutil
import subprocess
import tempfile
import unittest

from boot_support import MAKER, MILLRACED, ROOT, packaged

UNITS = os.path.join(ROOT, "deploy", "systemd")
EXPOSURE_MAX = 20  # tenths; redis-server's own unit has 12, beanstalkd's 92


def instructions(unit):
    """The lines of a unit that are no comments."""
    with open(os.path.join(UNITS, unit), encoding="utf-8") as file:
        return [line for line in file.read().splitlines() if line and not line.startswith("#")]


class Package(unittest.TestCase):
    def test_it_names_who_made_it(self):
        named = subprocess.run(["dpkg-deb", "--field", packaged(), "Maintainer"], capture_output=True, text=True)
        self.assertEqual(named.stdout.strip(), f"{MAKER} <keeper@debian.org>")

    def test_lintian_is_silent(self):
        judge = ["lintian", "--allow-root", "--fail-on", "error,warning", packaged()]
        judged = subprocess.run(judge, capture_output=True, text=True)
        self.assertEqual((judged.returncode, judged.stdout), (0, ""))

    def test_it_has_all_units_and_drop_ins(self):
        listed = subprocess.run(["dpkg-deb", "--contents", packaged()], capture_output=True, text=True, check=True)
        names = {os.path.basename(line.split()[-1]) for line in listed.stdout.splitlines()}
        self.assertLessEqual({os.path.basename(path) for path in glob.glob(f"{UNITS}/*.s*") +
                              glob.glob(f"{UNITS}/drop-ins/*")}, names)


class Units(unittest.TestCase):
    def setUp(self):
        """Copies of the units whose program is that of the build, since systemd looks for it."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        for path in glob.glob(f"{UNITS}/*.service") + glob.glob(f"{UNITS}/*.socket"):
            with open(path, encoding="utf-8") as original, open(self.copy(os.path.basename(path)), "w") as copy:
                copy.write(original.read().replace("/usr/bin/millraced", MILLRACED))

    def copy(self, name):
        return os.path.join(self.folder, name)

    def verify(self, *units):
        verified = subprocess.run(["systemd-analyze", "verify", "--man=no", *map(self.copy, units)],
                                  capture_output=True, text=True)
        self.assertEqual((verified.returncode, verified.stderr), (0, ""))

    def test_the_units_are_valid(self):
        os.rename(self.copy("millraced@.service"), self.copy("millraced@mail.service"))
        self.verify("millraced.service", "millraced@mail.service", "millraced.socket", "millraced-http.socket",
                    "millraced-control.socket")

    def test_the_units_are_valid_with_each_drop_in(self):
        drop_ins = glob.glob(f"{UNITS}/drop-ins/*")
        self.assertTrue(drop_ins)
        for path in drop_ins:
            with self.subTest(drop_in=os.path.basename(path)):
                folder = self.copy("millraced.service.d")
                os.mkdir(folder)
                shutil.copy(path, folder)
                self.verify("millraced.service")
                shutil.rmtree(folder)

    def test_each_drop_in_says_when_to_use_it_and_the_document_names_it(self):
        with open(os.path.join(ROOT, "deploy", "README.md"), encoding="utf-8") as file:
            document = file.read()
        for path in glob.glob(f"{UNITS}/drop-ins/*"):
            with open(path, encoding="utf-8") as file:
                self.assertTrue(file.read().startswith("# Use it where "), path)
            self.assertIn(f"| `{os.path.basename(path)}` |", document)

    def test_the_service_takes_away_what_the_daemon_does_not_need(self):
        for unit in ("millraced.service", "millraced@.service"):
            judge = ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", self.copy(unit)]
            exposed = subprocess.run(judge, capture_output=True, text=True)
            self.assertEqual(exposed.returncode, 0, exposed.stdout)

    def test_an_instance_differs_from_the_service_in_its_names_only(self):
        instance = [line for line in instructions("millraced@.service") if line != "User=millraced-%i"]
        plain = [line.replace("millraced/%i", "millrace").replace("%i.yaml", "millrace.yaml").replace(" (%i)", "")
                 for line in instance]
        self.assertEqual(plain, instructions("millraced.service"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
