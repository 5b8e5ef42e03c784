"""One benchmark of each kind runs for a second: programs that are built but never run stop working unnoticed.

Says nothing about speed. MILLRACED is the daemon of a release build; `millrace` and `bench` stand beside it.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import servers

HERE = pathlib.Path(__file__).resolve().parent
BUILT = pathlib.Path(os.environ.get("MILLRACED", "build/strict/millraced")).resolve().parent
PATIENCE_S = 240  # for one second of measuring, on a machine that does other things


class Smoke(unittest.TestCase):
    def bench(self, *options):
        ran = subprocess.run([BUILT / "bench", *options], capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return ran.stdout

    def first_of(self, source):
        """The first benchmark of a file, with its first arguments: later ones have millions of jobs."""
        name = re.search(r"^BENCHMARK\((\w+)\)", (HERE / source).read_text(), re.MULTILINE)[1]
        listed = self.bench("--benchmark_list_tests", f"--benchmark_filter=^{name}(/|$)").splitlines()
        self.assertTrue(listed, f"no benchmark {name} in the program")
        return listed[0]

    def test_a_benchmark_of_each_file_runs(self):
        sources = sorted(path.name for path in HERE.glob("*_bench.cpp"))
        self.assertTrue(sources)
        for source in sources:
            with self.subTest(source):
                name = self.first_of(source)
                runs = json.loads(self.bench(f"--benchmark_filter=^{name}$", "--benchmark_min_time=1",
                                             "--benchmark_format=json"))["benchmarks"]
                self.assertEqual([run["name"] for run in runs], [name])
                self.assertFalse(runs[0].get("error_occurred"), runs[0])

    def test_a_load_of_each_kind_runs_against_the_daemon(self):
        for words in ([], ["--rate", "1000"]):
            with self.subTest(words), servers.Server(BUILT / "millraced") as daemon:
                seen = servers.bench(BUILT, daemon.address(), "--for", "1s", *words)
                self.assertGreater(seen["total"]["jobs_per_second"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
