"""The image and the composition of deploy/: linted, and what they name is there and valid. tests/bare/dockerfile
carries out the steps of the image.
"""

import json
import os
import shutil
import subprocess
import unittest

import npm_support
from support import MILLRACED, PATIENCE, ROOT, DaemonTest

try:
    import yaml
except ImportError:
    yaml = None

DEPLOY = os.path.join(ROOT, "deploy")
SOURCE = os.path.join(ROOT, "tests", "system", "container")
INSTALLED = npm_support.folder_of("container")
BIN = os.path.join(INSTALLED, "node_modules", ".bin")


def text_of(*path):
    with open(os.path.join(DEPLOY, *path)) as file:
        return file.read()


class Linted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            npm_support.install(SOURCE, INSTALLED)
        except (OSError, subprocess.SubprocessError) as failure:
            raise unittest.SkipTest(f"the linters cannot be installed here: {failure}") from failure

    def lint(self, *command, text=None):
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=PATIENCE)
        return done.returncode, done.stdout + done.stderr

    def test_two_linters_find_nothing_in_the_dockerfile(self):
        path = os.path.join(DEPLOY, "Dockerfile")
        self.assertEqual(self.lint(os.path.join(BIN, "dockerfile-utils"), "lint", path)[1].strip(), "")
        status, said = self.lint(os.path.join(BIN, "dockerfilelint"), "--output", "json", path)
        self.assertEqual((status, json.loads(said)["totalIssues"]), (0, 0), said)

    def test_the_linter_finds_a_fault(self):
        path = os.path.join(INSTALLED, "Dockerfile.wrong")
        with open(path, "w") as file:
            file.write("FROM debian:12-slim\nRUM true\n")
        self.assertIn("RUM", self.lint(os.path.join(BIN, "dockerfile-utils"), "lint", path)[1])

    @unittest.skipUnless(yaml, "this Python has no yaml")
    def test_the_composition_is_of_the_specification(self):
        composition = yaml.safe_load(text_of("compose.yaml"))
        self.assertEqual(composition.pop("name"), "millrace")  # the published schema is older than this key
        check = ("node", os.path.join(SOURCE, "check_compose.mjs"), INSTALLED)
        self.assertEqual(self.lint(*check, text=json.dumps(composition)), (0, ""))
        composition["services"]["grafana"]["imagee"] = "grafana"
        self.assertIn("imagee", self.lint(*check, text=json.dumps(composition))[1])


class Named(DaemonTest):
    @unittest.skipUnless(yaml, "this Python has no yaml")
    def test_each_file_that_the_composition_mounts_is_there(self):
        composition = yaml.safe_load(text_of("compose.yaml"))
        build = composition["services"]["millrace"]["build"]
        self.assertTrue(os.path.isfile(os.path.join(DEPLOY, build["context"], build["dockerfile"])))
        mounted = [volume.split(":")[0] for service in composition["services"].values()
                   for volume in service["volumes"]]
        files = [source for source in mounted if source.startswith("./")]
        self.assertGreater(len(files), 4)
        for source in files:
            self.assertTrue(os.path.exists(os.path.join(DEPLOY, source)), source)
        self.assertEqual(sorted(set(mounted) - set(files)), sorted(composition["volumes"]))

    @unittest.skipUnless(yaml, "this Python has no yaml")
    def test_grafana_opens_on_a_dashboard_that_is_mounted_and_asks_the_prometheus_that_runs(self):
        services = yaml.safe_load(text_of("compose.yaml"))["services"]
        home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
        folder = yaml.safe_load(text_of("grafana", "provisioning", "dashboards.yml"))["providers"][0]["options"]["path"]
        self.assertEqual(os.path.dirname(home), folder)
        self.assertIn(f"./grafana/dashboards:{folder}:ro", services["grafana"]["volumes"])
        self.assertTrue(os.path.isfile(os.path.join(DEPLOY, "grafana", "dashboards", os.path.basename(home))))
        source = yaml.safe_load(text_of("container", "datasources.yml"))["datasources"][0]
        self.assertEqual(source["url"], "http://prometheus:9090")
        scraped = yaml.safe_load(text_of("container", "prometheus.yml"))["scrape_configs"][0]
        self.assertEqual(scraped["static_configs"][0]["targets"], ["millrace:9464"])

    def test_promtool_accepts_the_configuration(self):
        for path in ("container/prometheus.yml", "prometheus/millrace.rules.yml"):
            shutil.copy(os.path.join(DEPLOY, path), self.folder)
        config = os.path.join(self.folder, "prometheus.yml")
        done = subprocess.run(["promtool", "check", "config", config], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_settings_of_the_image_are_valid(self):
        settings = os.path.join(DEPLOY, "container", "millrace.yaml")
        done = subprocess.run([MILLRACED, "--check", "--config", settings], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_health_check_succeeds_only_while_the_daemon_runs(self):
        daemon = self.daemon(self.settings("queues: { numbers: {} }\n")).started()
        check = [os.path.join(DEPLOY, "container", "health"), str(daemon.port)]
        self.assertEqual(subprocess.run(check, timeout=PATIENCE).returncode, 0)
        daemon.signal()
        daemon.wait()
        self.assertNotEqual(subprocess.run(check, timeout=PATIENCE, stderr=subprocess.DEVNULL).returncode, 0)


del DaemonTest

if __name__ == "__main__":
    unittest.main(verbosity=2)
