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

from servers import Server, bench

HERE = pathlib.Path(__file__).resolve().parent
BUILT = pathlib.Path(os.environ.get("MILLRACED", "build/strict/millraced")).resolve().parent
PATIENCE_S = 240  # for one second of measuring, on a machine that does other things


class Smoke(unittest.TestCase):
    def one_of(self, source):
        """The name of the first benchmark of a file."""
        return re.search(r"^BENCHMARK\((\w+)\)", (HERE / source).read_text(), re.MULTILINE)[1]

    def test_a_benchmark_of_each_file_runs(self):
        sources = sorted(path.name for path in HERE.glob("*_bench.cpp"))
        self.assertTrue(sources)
        for source in sources:
            with self.subTest(source):
                name = self.one_of(source)
                ran = subprocess.run([BUILT / "bench", f"--benchmark_filter=^{name}(/|$)", "--benchmark_min_time=1",
                                      "--benchmark_format=json"], capture_output=True, text=True, timeout=PATIENCE_S)
                self.assertEqual(ran.returncode, 0, ran.stderr)
                runs = json.loads(ran.stdout)["benchmarks"]
                self.assertTrue(runs, f"no benchmark {name} in the program")
                self.assertEqual([run for run in runs if run.get("error_occurred")], [])

    def test_a_load_of_each_kind_runs_against_the_daemon(self):
        for words in ([], ["--rate", "1000"]):
            with self.subTest(words), Server(BUILT / "millraced") as daemon:
                seen = bench(BUILT, daemon.address(), "--for", "1s", *words)
                self.assertGreater(seen["total"]["jobs_per_second"], 0)


if __name__ == "__main__":
    unittest.main()
