"""Computing processes, workers and commands on durable queues while the daemon is killed, stopped and reloaded again
and again, computing processes are killed beside it, and jobs are cancelled: each acknowledged job ends once, as it
should, with the right reason. No process works on behind a daemon that has ended, and no file or descriptor is left.

    tests/system/kill_chaos_test.py     as in tests/run; MILLRACE_CHAOS_SECONDS, CHAOS_SEED repeats the choices
"""

import hashlib
import json
import os
import random
import re
import signal
import subprocess
import threading
import time
import unittest

from beanstalk_wire import Wire
from control_support import MILLRACE, ControlTest
from support import MILLRACED, PATIENCE
from worker_words import WORDS

SECONDS = float(os.environ.get("MILLRACE_CHAOS_SECONDS", "20"))
SEED = int(os.environ.get("CHAOS_SEED", str(random.SystemRandom().randrange(1 << 32))))
JOBS_MAX = 150  # not ended, about

WORKER = WORDS + r"""
for line in sys.stdin:
    job = json.loads(line)
    word = job["body"].split()[0]
    if word == "exit":
        sys.exit(3)
    elif word == "slow":
        time.sleep(0.2)
        say(id=job["id"], ok=True)
    elif not obey(word, job):
        say(id=job["id"], ok=True)
"""

SETTINGS = """
queue_defaults: {{ dead_letter: dead }}
queues:
  spins: {{ deliveries_max: 0 }}
  hashes: {{ deliveries_max: 0 }}
  primes: {{ deliveries_max: 0 }}
  late: {{ deliveries_max: 0 }}
  doomed: {{}}
  answers: {{ deliveries_max: 0, retry: {{ attempts: 3, first: 1ms }} }}
  deaths: {{}}
  scripts: {{ deliveries_max: 0 }}
  dead: {{ dead_letter: "" }}
  done: {{}}
consumers:
  spins: {{ queue: spins, handler: spin, length: 30ms, run_on: processes, concurrency: {many}, output: done }}
  hashes: {{ queue: hashes, handler: hash, run_on: processes, concurrency: {many}, output: done }}
  primes: {{ queue: primes, handler: prime, run_on: processes, concurrency: 8, output: done }}
  late: {{ queue: late, handler: spin, run_on: processes, timeout: 300ms }}
  doomed: {{ queue: doomed, handler: spin, run_on: processes }}
  answers:
    {{ queue: answers, handler: worker, command: [python3, worker.py], directory: {folder}, output: done, workers: 2,
      in_flight: 4, concurrency: {many}, kill_after: 100ms }}
  deaths:
    {{ queue: deaths, handler: worker, command: [python3, worker.py], directory: {folder}, output: done,
      kill_after: 100ms }}
  scripts:
    {{ queue: scripts, handler: exec, command: [sh, -c, "${{body}}"], directory: {folder}, output: done,
      concurrency: {many}, output_max: 64KiB, later_after: 1ms, final_statuses: [9], kill_after: 100ms }}
"""
DAEMON = "  data_dir: data\n  drain_timeout: 200ms\n  offload: { processes: 3 }\n"

# What a job is: (queue, weight, body, the body of its output, or the reason why it is a dead letter).
KINDS = (
    ("spins", 20, "spin {n}", lambda body: body, None),
    ("hashes", 5, "{n}", lambda body: hashlib.sha256(body.encode()).hexdigest(), None),
    ("hashes", 2, "{n} " + "long " * 12_000, lambda body: hashlib.sha256(body.encode()).hexdigest(), None),
    ("primes", 5, "{n}1", lambda body: body, None),
    ("primes", 2, "no number {n}", None, "rejected"),
    ("late", 0.5, "{n}h", None, "timeout"),
    ("doomed", 0, "{n}h", None, "undeliverable"),  # one; it ends by what is killed
    ("deaths", 0, "exit {n}", None, "undeliverable"),  # one; ever longer pauses follow such an end
    ("answers", 15, "ok {n}", lambda body: body, None),
    ("answers", 5, "slow {n}", lambda body: body, None),
    ("answers", 2, "later {n}", lambda body: body, None),
    ("answers", 2, "error {n}", None, "failed"),
    ("answers", 2, "reject {n}", None, "rejected"),
    ("scripts", 8, "echo {n}", lambda body: body.split()[1], None),
    ("scripts", 2, "sleep 600 & sleep 0.05; echo {n}", lambda body: body.split()[-1], None),
    ("scripts", 1, "exit 7; {n}", None, "failed"),
    ("scripts", 1, "kill -9 $$; {n}", None, "failed"),
    ("scripts", 1, "exit 9; {n}", None, "rejected"),
    ("scripts", 1, "yes {n}", None, "limit"),
)


class Chaos(ControlTest):

    def setUp(self):
        super().setUp()
        self.chance = random.Random(SEED)
        self.kind_of = {}  # body: kind, of all puts whose answer came
        self.unsure = {}  # the same, of those whose answer did not come
        self.id_of = {}
        self.cancelled, self.perhaps_cancelled = set(), set()
        self.number = self.kills = self.stops = self.reloads = self.children_killed = 0
        self.stopping = threading.Event()
        self.complaints = []
        with open(os.path.join(self.folder, "worker.py"), "w", encoding="utf-8") as file:
            file.write(WORKER)

    def test_each_acknowledged_job_ends_once_whatever_is_killed(self):
        print(f"seed {SEED}", flush=True)
        files = self.files_of_an_idle_daemon()
        daemon = self.run_daemon()
        self.put(KINDS)  # each of them ends, so none of these is cancelled
        self.first = set(self.kind_of)
        clients = [threading.Thread(target=self.works, args=(work, random.Random(f"{SEED} {number}")))
                   for number, work in enumerate((self.puts, self.puts, self.cancels))]
        for client in clients:
            client.start()
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends and not self.complaints:
            time.sleep(self.chance.uniform(0, 1))  # whatever they are doing then
            draw = self.chance.random()
            if draw < 0.5:
                self.kill_a_child(daemon)
            elif draw < 0.6:
                daemon = self.stopped(daemon)
            elif draw < 0.75:
                self.reload(daemon)
            else:
                daemon = self.killed(daemon)
        self.stopping.set()
        for client in clients:
            client.join()
        daemon = self.until_all_have_ended(daemon)
        self.check()
        self.check_descriptors(daemon)
        daemon.signal()
        self.assertEqual(daemon.wait(), 0, "\n".join(daemon.log.rest()[-20:]))
        self.await_no_process()
        self.assertEqual(self.files(), files)
        checked = subprocess.run([MILLRACE, "fsck", os.path.join(self.folder, "data")], capture_output=True, text=True)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        print(f"{len(self.kind_of)} jobs, {self.kills} kills of the daemon, {self.children_killed} of its processes, "
              f"{self.stops} stops, {self.reloads} reloads, {len(self.cancelled)} jobs cancelled")

    # The daemon

    def run_daemon(self):
        daemon = self.start(SETTINGS.format(folder=self.folder, many=8), daemon=DAEMON, cwd=self.folder)
        self.descriptors_at_start = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
        return daemon

    def files_of_an_idle_daemon(self):
        daemon = self.run_daemon()
        daemon.signal()
        self.assertEqual(daemon.wait(), 0)
        return self.files()

    def files(self):
        """All files below the test's folder, without those of SQLite that come and go."""
        return sorted(os.path.join(folder, name) for folder, _, names in os.walk(self.folder) for name in names
                      if not name.endswith(("-wal", "-shm", "-journal", ".pyc")))

    def reload(self, daemon):
        """With other settings of most consumers, which end and begin again. The answer is not awaited."""
        path = os.path.join(self.folder, "settings.yaml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        many = self.chance.randint(1, 8)
        with open(path, "w", encoding="utf-8") as file:
            file.write(re.sub(r"concurrency: \d", f"concurrency: {many}", text))
        daemon.signal(signal.SIGHUP)
        self.reloads += 1

    def stopped(self, daemon):
        """Jobs are given back, which interrupts none."""
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), 0, "\n".join(daemon.log.rest()[-20:]))
        self.stops += 1
        self.await_no_process()
        return self.run_daemon()

    def killed(self, daemon):
        daemon.signal(signal.SIGKILL)
        daemon.wait()
        self.kills += 1
        self.await_no_process()
        return self.run_daemon()

    def kill_a_child(self, daemon):
        found = self.processes("--computing-process", parent=daemon.process.pid)
        if found:
            self.children_killed += 1
            os.kill(self.chance.choice(found), self.chance.choice((signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM)))

    def check_descriptors(self, daemon):
        # Three computing processes and three workers, with three pipes and a pidfd each, the guard, and files of the
        # store.
        self.assertLess(len(os.listdir(f"/proc/{daemon.process.pid}/fd")), self.descriptors_at_start + 6 * 4 + 10)

    # Processes

    def processes(self, *words, parent=None):
        """Those that run in the test's folder, as all that the daemon starts do."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{name}/cwd") != os.path.realpath(self.folder):
                    continue
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                    facts = file.read().rsplit(")", 1)[1].split()
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    line = file.read().decode(errors="replace").split("\0")
            except OSError:
                continue
            if facts[0] != "Z" and parent in (None, int(facts[1])) and all(word in line for word in words):
                found.append(int(name))
        return found

    def await_no_process(self):
        until = time.monotonic() + PATIENCE
        while (left := self.processes()) and time.monotonic() < until:
            time.sleep(0.01)
        self.assertEqual(left, [])

    # Clients

    def works(self, work, chance):
        """Does it until the end, and again where the daemon died."""
        while not self.stopping.is_set():
            try:
                work(chance)
            except (OSError, AssertionError, json.JSONDecodeError) as failure:
                if isinstance(failure, AssertionError) and "end of file" not in str(failure):
                    self.complaints.append(str(failure))
                    return
                time.sleep(0.01)  # until there is a daemon again
            except Exception as failure:  # of http.client, when the daemon dies in the middle
                if type(failure).__module__ != "http.client":
                    self.complaints.append(f"{type(failure).__name__}: {failure}")
                    return

    def puts(self, chance):
        if self.unended() > JOBS_MAX:
            time.sleep(0.05)
            return
        self.put(chance.choices(KINDS, [kind[1] for kind in KINDS], k=20))

    def put(self, kinds):
        with Wire(self.beanstalk) as wire:
            for kind in kinds:
                body = kind[2].format(n=self.new_number())
                self.unsure[body] = kind
                wire.reply_to(b"use " + kind[0].encode())
                self.id_of[body] = wire.put(body.encode())
                self.kind_of[body] = self.unsure.pop(body)

    lock = threading.Lock()

    def new_number(self):
        with self.lock:
            self.number += 1
            return 1000 + self.number

    def cancels(self, chance):
        time.sleep(0.05)  # a few of the jobs, not most of them
        known = list(self.kind_of)
        if not known:
            return
        body = chance.choice(known[-200:])
        if body in self.first or body in self.cancelled:
            return
        try:
            status, answer = self.post(f"/v1/jobs/{self.id_of[body]}/cancel")
        except Exception:
            self.perhaps_cancelled.add(body)
            raise
        if status == 200:
            self.cancelled.add(body)
        elif status not in (404, 503):  # it has ended; the daemon is still reading what it kept
            self.complaints.append(f"a cancellation was answered {status}: {answer}")

    # Accounts

    def unended(self, queues=tuple({kind[0] for kind in KINDS})):
        """How many jobs these queues hold."""
        while (answer := self.get("/v1/queues?limit=100"))[0] == 503:  # it is still reading what it kept
            time.sleep(0.01)
        found = self.expect(200, answer)["queues"]
        return sum(sum(queue["jobs"].values()) for queue in found if queue["name"] in queues)

    def until_all_have_ended(self, daemon):
        """The daemon that has no job left."""
        last, since = None, time.monotonic()
        while (left := self.unended()) > 0:
            # Only what is killed ends the doomed ones. A daemon that begins anew makes no pause before a process.
            if self.unended(("doomed",)) == left and self.processes("--computing-process", parent=daemon.process.pid):
                daemon = self.killed(daemon)
            if left != last:
                last, since = left, time.monotonic()
            self.assertLess(time.monotonic() - since, PATIENCE, f"{left} jobs do not end")
            time.sleep(0.05)
        return daemon

    def check(self):
        self.assertEqual(self.complaints, [])
        kinds = {**self.kind_of, **self.unsure}
        bodies_of = {}
        for body, kind in kinds.items():
            if kind[3] is not None:
                output = kind[3](body)
                bodies_of[f"{output} is a prime number." if kind[0] == "primes" else output] = body
        ended = {}
        for job in self.all_jobs("done"):
            output = job["body"].replace(" is not a prime number.", " is a prime number.")
            self.assertIn(output, bodies_of, job)
            self.end(ended, bodies_of[output], "done")
        for job in self.all_jobs("dead"):
            self.end(ended, job["body"], "dead")
            queue, _, _, _, reason = kinds[job["body"]]
            self.assertEqual((job["origin"], job["reason"]), (queue, reason), job)
            if reason == "undeliverable":
                self.assertEqual(job["interruptions"], 3, job)
        lost = set(self.kind_of) - set(ended) - self.cancelled - self.perhaps_cancelled
        self.assertEqual([(body[:60], self.id_of[body], self.kind_of[body][0]) for body in lost], [])
        for body, outcome in ended.items():
            self.assertEqual(outcome, "done" if kinds[body][3] else "dead", body[:60])
        self.assertEqual({kind[2] for kind in KINDS}, {kinds[body][2] for body in ended})

    def end(self, ended, body, outcome):
        self.assertNotIn(body, ended, f"{body[:60]} has ended twice")
        self.assertNotIn(body, self.cancelled, f"{body[:60]} was cancelled and is {outcome}")
        ended[body] = outcome


if __name__ == "__main__":
    unittest.main(verbosity=2)
