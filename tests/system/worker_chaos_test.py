"""Workers that crash, hang, ignore SIGTERM, fork and exit, print garbage, half and long lines, close their pipes and
answer for jobs that they do not have, while the daemon is killed: each job ends once, as it should, with the right
reason, and nothing is left.

    tests/system/worker_chaos_test.py     as in tests/run; MILLRACE_CHAOS_SECONDS, CHAOS_SEED repeats the choices
"""

import os
import random
import signal
import time
import unittest

from beanstalk_wire import Wire
from control_support import ControlTest
from support import PATIENCE
from worker_words import WORDS

SECONDS = float(os.environ.get("MILLRACE_CHAOS_SECONDS", "40"))
SEED = int(os.environ.get("CHAOS_SEED", str(random.SystemRandom().randrange(1 << 32))))
KILLS = 3
JOBS_MAX = 60  # not ended, about

WORKER = WORDS + r"""
for line in sys.stdin:
    job = json.loads(line)
    word, id = job["body"].split()[0], job["id"]
    if word == "exit":
        sys.exit(3)
    elif word == "die":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif word == "fork":
        subprocess.Popen([sys.executable, __file__, "child"], stdin=subprocess.PIPE)
        os._exit(0)
    elif word == "half":
        sys.stdout.write('{"id": %d, "ok"' % id)
        sys.stdout.flush()
        os._exit(1)
    elif word == "close":
        os.close(0)
        os.close(1)
        time.sleep(600)
    elif word == "garbage":
        os.write(1, b"\xff\x00 nonsense\n")
    elif word == "long":
        say(id=id, ok=True, result="x" * 100_000)
    elif word == "other":
        say(id=id + 1_000_000, ok=True)
    elif word == "pieces":
        for piece in ('{"id"', ': %d, ' % id, '"ok": true, "re', 'sult": "%s"}\n' % job["body"]):
            sys.stdout.write(piece)
            sys.stdout.flush()
    elif not obey(word, job):
        say(id=id, progress="half")
        say(id=id, ok=True)
"""

SETTINGS = """
queues:
  mixed: {{ dead_letter: dead }}
  late: {{ dead_letter: dead }}
  shared: {{ dead_letter: dead, deliveries_max: 0 }}
  dead: {{}}
  done: {{}}
  never: {{ dead_letter: dead }}
consumers:
  mixed:
    {{ queue: mixed, handler: worker, command: [python3, worker.py], directory: {folder}, output: done, workers: 4,
      concurrency: 4, output_max: 8KiB, kill_after: 100ms, recycle_after: 20 }}
  late:
    {{ queue: late, handler: worker, command: [python3, worker.py], directory: {folder}, output: done, workers: 2,
      concurrency: 2, kill_after: 100ms, timeout: 300ms }}
  shared:
    {{ queue: shared, handler: worker, command: [python3, worker.py], directory: {folder}, output: done,
      in_flight: 8, concurrency: 8, kill_after: 100ms }}
  exits_first: {{ queue: never, handler: worker, command: ["false"] }}
"""

# word: (queue, its weight there, reason of its end; none: it is done)
ENDS = {
    "ok": ("mixed", 60, None),
    "pieces": ("mixed", 5, None),
    "later": ("mixed", 5, None),
    "error": ("mixed", 3, "failed"),
    "reject": ("mixed", 3, "rejected"),
    "exit": ("mixed", 2, "undeliverable"),
    "die": ("mixed", 2, "undeliverable"),
    "fork": ("mixed", 2, "undeliverable"),
    "half": ("mixed", 2, "undeliverable"),
    "close": ("mixed", 1, "undeliverable"),
    "garbage": ("mixed", 2, "failed"),
    "long": ("mixed", 2, "failed"),
    "other": ("mixed", 2, "failed"),
    "hang": ("late", 2, "timeout"),
    "deaf": ("late", 2, "timeout"),
    "many": ("shared", 20, None),
    "first": ("never", 0, "undeliverable"),  # put once for each start, since such workers wait ever longer
}


class Chaos(ControlTest):

    def setUp(self):
        super().setUp()
        self.chance = random.Random(SEED)
        self.word_of = {}  # body: word
        with open(os.path.join(self.folder, "worker.py"), "w", encoding="utf-8") as file:
            file.write(WORKER)

    def test_each_job_ends_once_as_it_should_and_nothing_is_left(self):
        print(f"seed {SEED}", flush=True)
        daemon = self.run_daemon()
        self.put([word for word in ENDS if word != "first"])
        begin = time.monotonic()
        kills = [begin + SECONDS * (number + 1) / (KILLS + 1) for number in range(KILLS)]
        while time.monotonic() < begin + SECONDS:
            self.put_some()
            if kills and time.monotonic() > kills[0]:
                kills.pop(0)
                daemon.signal(signal.SIGKILL)
                daemon.wait()
                self.await_no_worker()
                daemon = self.run_daemon()
        while self.unended() > 0:
            time.sleep(0.05)
        self.check()
        descriptors = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
        daemon.signal()
        self.assertEqual(daemon.wait(), 0, "\n".join(daemon.log.rest()[-20:]))
        self.await_no_worker()
        # Eight workers at most, with three pipes and a pidfd each, the guard, and a few files of the store.
        self.assertLess(descriptors, self.descriptors_at_start + 8 * 4 + 10)

    def run_daemon(self):
        daemon = self.start(SETTINGS.format(folder=self.folder), daemon="  data_dir: data\n")
        self.descriptors_at_start = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
        self.put(["first"])
        return daemon

    def put_some(self):
        if self.unended() > JOBS_MAX:
            time.sleep(0.02)
            return
        words, weights = zip(*((word, weight) for word, (_, weight, _) in ENDS.items()))
        self.put(self.chance.choices(words, weights, k=20))

    def put(self, words):
        with Wire(self.beanstalk) as wire:
            for word in words:
                body = f"{word} {len(self.word_of)}"
                wire.reply_to(b"use " + ENDS[word][0].encode())
                wire.put(body.encode())
                self.word_of[body] = word

    def unended(self):
        queues = self.expect(200, self.get("/v1/queues?limit=100"))["queues"]
        served = {queue for queue, _, _ in ENDS.values()}
        return sum(sum(queue["jobs"].values()) for queue in queues if queue["name"] in served)

    def check(self):
        done, dead = self.all_jobs("done"), self.all_jobs("dead")
        bodies = [job["body"] for job in done + dead]
        self.assertEqual(sorted(bodies), sorted(self.word_of))
        for job in done:
            self.assertIsNone(ENDS[self.word_of[job["body"]]][2], job)
        for job in dead:
            word = self.word_of[job["body"]]
            queue, _, reason = ENDS[word]
            self.assertEqual((job["origin"], job["reason"]), (queue, reason), job)
            if reason == "undeliverable":
                self.assertEqual(job["interruptions"], 3, job)
                self.assertTrue(job["error"].startswith("the worker "), job)
            if word in ("garbage", "long", "other"):
                self.assertIn("broke the protocol", job["error"])
        self.assertEqual(set(self.word_of.values()), set(ENDS))

    def await_no_worker(self):
        """No process of the test's worker is left, not even one with another parent."""
        until = time.monotonic() + PATIENCE
        while (left := self.workers()) and time.monotonic() < until:
            time.sleep(0.01)
        self.assertEqual(left, [])

    def workers(self):
        left = []
        for process in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{process}/cwd") == os.path.realpath(self.folder):
                    left.append(int(process))
            except OSError:
                continue
        return left


if __name__ == "__main__":
    unittest.main(verbosity=2)
