"""The main job: verdicts, hand-off, and the order in which the tutorial's numbers come out in each mode."""

import glob
import os
import unittest

from support import CONFIG, DaemonTest

TUTORIAL = ["9637529763296797", "427920331", "157"]
TRIAL = """queues: { numbers: {}, verdicts: {} }
producers: { candidates: { kind: list, queue: numbers, items: [%s] } }
consumers:
  primality: { queue: numbers, handler: prime, method: trial, run_on: threads, concurrency: 3, output: verdicts }
  report: { queue: verdicts, handler: print }
""" % ", ".join(TUTORIAL)


def numbers_of(path):
    with open(path, encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


def published():
    """Every number of config/data with its true verdict, which the name of its file says."""
    verdicts = {}
    for path in glob.glob(os.path.join(CONFIG, "data", "*.txt")):
        kind = path.removesuffix(".txt").rsplit("-", 1)[1]
        for number in numbers_of(path):
            verdicts[number] = {"prime": True, "composite": False}[kind]
    return verdicts


def sentence(number, prime):
    return f"{number} is a prime number." if prime else f"{number} is not a prime number."


class Verdicts(DaemonTest):
    def test_every_published_number_gets_the_right_verdict(self):
        truth = published()
        self.assertGreater(len(truth), 200)
        data = "".join(
            f"  data{i}: {{ kind: lines, queue: numbers, comment: '#', file: {path} }}\n"
            for i, path in enumerate(sorted(glob.glob(os.path.join(CONFIG, "data", "*.txt"))))
        )
        printed = self.finish(
            self.settings(
                "queues: { numbers: {}, verdicts: {} }\nproducers:\n" + data + "consumers:\n"
                "  primality: { queue: numbers, handler: prime, run_on: threads, concurrency: 4, output: verdicts }\n"
                "  report: { queue: verdicts, handler: print }\n"
            )
        )
        self.assertEqual(sorted(set(printed)), sorted(sentence(*item) for item in truth.items()))

    def test_the_quickstart_prints_right_verdicts(self):
        with open(os.path.join(CONFIG, "quickstart.yaml"), encoding="utf-8") as file:
            text = file.read()
        port = "http: 127.0.0.1:9464"
        self.assertIn(port, text)
        settings = self.write(text.replace(port, "http: 127.0.0.1:0"), "quickstart.yaml")
        os.symlink(os.path.join(CONFIG, "data"), os.path.join(self.folder, "data"))
        printed = self.finish(settings, "--limit", "100")
        for number in TUTORIAL:
            self.assertIn(sentence(number, True), printed)
        for number, prime in published().items():
            self.assertIn(sentence(number, prime), printed)
        known = set(published()) | set(TUTORIAL)
        # Each of the 100 random numbers has one line. Nobody has published its verdict.
        random = [line for line in printed if line.split(" ")[0] not in known]
        self.assertEqual(len(random), 100)

    def order(self, *mode):
        return [line.split(" ")[0] for line in self.finish(self.settings(TRIAL), *mode)]

    def test_sequential_keeps_the_order_given(self):
        self.assertEqual(self.order("--mode", "sequential"), TUTORIAL)

    def test_on_the_loop_the_small_ones_overtake(self):
        order = self.order("--mode", "loop")
        self.assertEqual(sorted(order), sorted(TUTORIAL))
        self.assertEqual(order[-1], "9637529763296797")

    def test_on_threads_the_small_ones_overtake(self):
        order = self.order("--mode", "threads")
        self.assertEqual(sorted(order), sorted(TUTORIAL))
        self.assertEqual(order[-1], "9637529763296797")

    def test_standard_input_is_a_source(self):
        settings = self.settings(
            "queues: { numbers: {} }\n"
            "producers: { typed: { kind: lines, queue: numbers, file: '-' } }\n"
            "consumers: { report: { queue: numbers, handler: print } }\n"
        )
        reading, writing = os.pipe()
        daemon = self.daemon(settings, "--until-idle", stdin=reading)
        os.close(reading)
        os.write(writing, b"first\nsecond")
        os.close(writing)
        self.assertEqual(daemon.printed.rest(), ["first", "second"])
        self.assertEqual(daemon.wait(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
