#!/usr/bin/env python3
"""What can be said of the package and of the units without a boot."""

import functools
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from boot_support import MAKER, MILLRACED, ROOT, packaged, text_of

UNITS = os.path.join(ROOT, "deploy", "systemd")
EXPOSURE_MAX = 20  # tenths; redis-server's own unit has 12, beanstalkd's 92


def instructions(unit):
    """The lines of a unit that are no comments."""
    with open(os.path.join(UNITS, unit), encoding="utf-8") as file:
        return [line for line in file.read().splitlines() if line and not line.startswith("#")]


# The tree's folder or file, and where the package has it.
CONTENTS = (
    ("deploy/systemd/drop-ins/*", "usr/share/millrace/drop-ins/"),
    ("config/millrace.schema.json", "usr/share/millrace/"),
    ("deploy/openapi.yaml", "usr/share/millrace/"),
    ("deploy/systemd/millrace.yaml", "usr/share/millrace/"),
    ("deploy/systemd/millrace.yaml", "etc/millrace/"),
    ("deploy/prometheus/*", "usr/share/millrace/prometheus/"),
    ("deploy/grafana/dashboards/*", "usr/share/millrace/grafana/dashboards/"),
    ("deploy/grafana/provisioning/*", "usr/share/millrace/grafana/provisioning/"),
    ("deploy/completions/_millrace", "usr/share/zsh/vendor-completions/"),
)
# Without a source of the same name.
OTHERS = ("usr/bin/millraced", "usr/bin/millrace", "usr/share/bash-completion/completions/millraced",
          "usr/share/bash-completion/completions/millrace", "usr/share/man/man1/millrace.1.gz",
          "usr/share/man/man5/millrace.yaml.5.gz", "usr/share/man/man8/millraced.8.gz")
# What deploy/README.md says that cmake --install leaves out.
LEFT_OUT = ("etc/millrace/millrace.yaml", "usr/share/man/", "usr/share/doc/millrace/")


def files_below(folder):
    return {os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names}


@functools.cache
def unpacked():
    """A folder with what the package has."""
    folder = tempfile.mkdtemp()
    unittest.addModuleCleanup(shutil.rmtree, folder)
    subprocess.run(["dpkg-deb", "--extract", packaged(), folder], check=True)
    return folder


def packaged_files():
    """Debian 12 has its units in another folder than Debian 13."""
    return {re.sub("^lib/systemd/", "usr/lib/systemd/", path) for path in files_below(unpacked())}


def keys_of(schema):
    """The names of all settings in a part of a schema."""
    if isinstance(schema, list):
        return set().union(*map(keys_of, schema))
    if not isinstance(schema, dict):
        return set()
    named = schema.get("properties", {})
    return set(named) | keys_of(list(named.values())) | \
        keys_of([part for key, part in schema.items() if key != "properties"])


class Package(unittest.TestCase):
    def test_it_names_who_made_it(self):
        named = subprocess.run(["dpkg-deb", "--field", packaged(), "Maintainer"], capture_output=True, text=True)
        self.assertEqual(named.stdout.strip(), f"{MAKER} <keeper@debian.org>")

    def test_lintian_is_silent(self):
        judge = ["lintian", "--allow-root", "--fail-on", "error,warning", packaged()]
        judged = subprocess.run(judge, capture_output=True, text=True)
        self.assertEqual((judged.returncode, judged.stdout), (0, ""))

    def test_it_has_units_schema_pages_completions_rules_and_dashboards(self):
        expected = {f"usr/lib/systemd/system/{os.path.basename(path)}" for path in glob.glob(f"{UNITS}/*.s*")}
        for pattern, folder in CONTENTS:
            found = glob.glob(os.path.join(ROOT, pattern))
            self.assertTrue(found, pattern)
            expected |= {folder + os.path.basename(path) for path in found}
        self.assertEqual(sorted(expected.union(OTHERS) - packaged_files()), [])

    def test_cmake_installs_the_same_files_except_those_that_the_document_names(self):
        document = text_of("deploy", "README.md")
        command, = re.findall(r"^sudo (cmake --install) build/release (--prefix /usr --component .*)$", document,
                              re.MULTILINE)
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([*command[0].split(), os.path.dirname(os.path.abspath(MILLRACED)), *command[1].split()],
                           check=True, env=dict(os.environ, DESTDIR=folder), stdout=subprocess.DEVNULL)
            self.assertEqual(files_below(folder),
                             {path for path in packaged_files() if not path.startswith(LEFT_OUT)})
        for path in ("/etc/millrace/millrace.yaml", "/usr/share/doc/millrace", "the man pages"):
            self.assertIn(path, document)


class ManPages(unittest.TestCase):
    def page(self, name):
        """The text that a reader sees; nothing in the page is wrong."""
        path, = glob.glob(os.path.join(unpacked(), "usr/share/man/man*", name + ".gz"))
        wide = dict(os.environ, LC_ALL="C.UTF-8", MANWIDTH="200", MANROFFOPT="")
        shown = subprocess.run(["man", "--warnings", "--no-hyphenation", "--local-file", path], capture_output=True,
                               text=True, env=wide)
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        return shown.stdout

    def help_of(self, name):
        program = os.path.join(os.path.dirname(os.path.abspath(MILLRACED)), name)
        return subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout

    def test_the_page_of_the_daemon_has_every_option_of_its_help(self):
        options = re.findall(r"^  (-\S+)", self.help_of("millraced"), re.MULTILINE)
        self.assertGreater(len(options), 20)
        entries = re.findall(r"^ +(-\S+)", self.page("millraced.8"), re.MULTILINE)
        self.assertEqual([option for option in options if option not in entries], [])

    def test_the_page_of_the_tools_has_every_tool_of_its_help(self):
        tools = re.findall(r"^  ([a-z-]+)  ", self.help_of("millrace"), re.MULTILINE)
        self.assertGreater(len(tools), 20)
        entries = re.findall(r"^ +([a-z-]+)(?: |$)", self.page("millrace.1"), re.MULTILINE)
        self.assertEqual([tool for tool in tools if tool not in entries], [])

    def test_the_page_of_the_settings_has_every_key_of_the_schema(self):
        keys = keys_of(json.loads(text_of("config", "millrace.schema.json")))
        self.assertGreater(len(keys), 100)
        entries = re.findall(r"^ +#?([\w-]+):", self.page("millrace.yaml.5"), re.MULTILINE)
        self.assertEqual(sorted(keys.difference(entries)), [])


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
