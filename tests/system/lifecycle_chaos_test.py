"""Jobs that fail, time out, expire, come later, lose their clients and are cancelled: each ends exactly once, as it
should, with the right reason and counts. Every feature is in use at the same time for a minute."""

import json
import os
import random
import threading
import time
import unittest
from collections import Counter

from beanstalk_wire import Wire
from control_support import ControlTest

SECONDS = float(os.environ.get("MILLRACE_CHAOS_SECONDS", "60"))
JOBS_MAX = 400  # not ended, about

SETTINGS = """
queues:
  twice: { retry: { attempts: 3, backoff: constant, first: 1ms }, dead_letter: dead }
  always: { retry: { attempts: 3, backoff: exponential, first: 1ms }, dead_letter: dead }
  final: { retry: { attempts: 3, backoff: constant, first: 1ms }, dead_letter: dead }
  later: { retry: { attempts: 1 }, dead_letter: dead }
  slow: { retry: { attempts: 2, backoff: linear, first: 1ms }, dead_letter: dead }
  clients: { deliveries_max: 3, dead_letter: dead }
  stale: { expire_after: 200ms, dead_letter: dead }
  dead: {}
  done: {}
  summaries: {}
consumers:
  fails_twice: { queue: twice, handler: fail, times: 2, output: done }
  fails_always: { queue: always, handler: fail, every: 1 }
  rejects: { queue: final, handler: fail, every: 1, for_good: true }
  postpones: { queue: later, handler: fail, times: 2, later: 5ms, output: done }
  hangs: { queue: slow, handler: sleep, length: 1h, timeout: 20ms, concurrency: 20 }
"""
# queue: (where its jobs end, reason, failures)
ENDS = {
    "twice": ("done", None, 2),
    "later": ("done", None, 0),
    "always": ("dead", "failed", 3),
    "final": ("dead", "rejected", 1),
    "slow": ("dead", "timeout", 2),
    "stale": ("dead", "expired", 0),
    "clients": ("dead", "undeliverable", 0),
}


class Ledger:
    """What the daemon acknowledged, by the token in each body."""

    def __init__(self):
        self.lock = threading.Lock()
        self.queue_of = {}  # token: queue
        self.id_of = {}
        self.ended = {}  # token: "deleted" or "cancelled"
        self.complaints = []

    def new(self, queue):
        with self.lock:
            token = len(self.queue_of)
            self.queue_of[token] = queue
            return token

    def end(self, token, outcome):
        with self.lock:
            if token in self.ended:
                self.complaints.append(f"job {token} was {self.ended[token]} and then {outcome}")
            self.ended[token] = outcome


class Lifecycle(ControlTest):

    def setUp(self):
        super().setUp()
        self.ledger = Ledger()
        self.chance = random.Random()
        self.stopping = threading.Event()
        self.groups = {}  # id: tokens

    def test_each_job_ends_once_as_it_should(self):
        daemon = self.start(SETTINGS, daemon="  data_dir: data\n")
        workers = [threading.Thread(target=self.guarded, args=(self.works,)) for _ in range(6)]
        makers = [threading.Thread(target=self.guarded, args=(work,))
                  for work in (self.puts, self.puts_groups, self.cancels)]
        for thread in workers + makers:
            thread.start()
        for thread in makers:
            thread.join()
        self.until_idle()
        self.stopping.set()
        for thread in workers:
            thread.join()
        self.check()
        daemon.signal()
        self.assertEqual(daemon.wait(), 0)

    def guarded(self, work):
        try:
            work()
        except Exception as error:  # the end of a thread must be seen
            self.ledger.complaints.append(f"{work.__name__}: {type(error).__name__}: {error}")

    def lasts(self):
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends and not self.ledger.complaints:
            yield

    def unended(self):
        """Jobs that the queues with consumers hold now."""
        queues = self.expect(200, self.get("/v1/queues?limit=100"))["queues"]
        return sum(sum(queue["jobs"].values()) for queue in queues if queue["name"] in ENDS)

    def puts(self):
        chance = random.Random(self.chance.random())
        with Wire(self.beanstalk) as wire:
            for _ in self.lasts():
                if self.unended() > JOBS_MAX:
                    time.sleep(0.01)
                    continue
                for _ in range(20):
                    queue = chance.choice(list(ENDS))
                    token = self.ledger.new(queue)
                    wire.reply_to(b"use " + queue.encode())
                    delay = chance.choice((0, 0, 0, 1))
                    job = wire.put(b"%d" % token, priority=chance.randint(0, 3), delay=delay, ttr=1)
                    self.ledger.id_of[token] = job

    def puts_groups(self):
        chance = random.Random(self.chance.random())
        for _ in self.lasts():
            queues = [chance.choice(["twice", "later", "always", "final", "slow"]) for _ in range(chance.randint(1, 8))]
            tokens = [self.ledger.new(queue) for queue in queues]
            jobs = [{"queue": queue, "body": str(token)} for queue, token in zip(queues, tokens)]
            made = self.expect(201, self.post("/v1/groups", {"name": "batch", "then": "summaries", "jobs": jobs}))
            self.groups[made["id"]] = tokens
            time.sleep(0.05)

    def cancels(self):
        chance = random.Random(self.chance.random())
        for _ in self.lasts():
            time.sleep(0.005)
            token = chance.randrange(len(self.ledger.queue_of) + 1)
            job = self.ledger.id_of.get(token)
            if job is None or token in self.ledger.ended:
                continue
            status, answer = self.post(f"/v1/jobs/{job}/cancel")
            if status == 200:
                self.ledger.end(token, "cancelled")
            elif status != 404:
                self.ledger.complaints.append(f"cancel of job {job}: {status} {answer}")

    def works(self):
        """A client that deletes some jobs, and dies, is late, answers twice or releases with others."""
        chance = random.Random(self.chance.random())
        while not self.stopping.is_set():
            wire = Wire(self.beanstalk)
            wire.reply_to(b"watch clients")
            while not self.stopping.is_set():
                wire.send(b"reserve-with-timeout 1\r\n")
                words, body = wire.chunk()
                if body is None:
                    continue
                job, token, draw = int(words[1]), int(body), chance.random()
                if draw < 0.5:
                    self.deletes(wire, job, token)
                    if draw < 0.1:
                        self.assertEqual(wire.reply_to(b"delete %d" % job), "NOT_FOUND")
                elif draw < 0.55:
                    time.sleep(1.2)  # longer than its time to run
                    self.deletes(wire, job, token)
                elif draw < 0.65:
                    wire.reply_to(b"release %d 1 0" % job)
                else:
                    break
            wire.reset() if chance.random() < 0.5 else wire.close()

    def deletes(self, wire, job, token):
        if wire.reply_to(b"delete %d" % job) == "DELETED":
            self.ledger.end(token, "deleted")

    def until_idle(self):
        while not self.ledger.complaints and self.unended() > 0:
            time.sleep(0.05)

    def check(self):
        self.assertEqual(self.ledger.complaints, [])
        done = self.all_jobs("done")
        dead = self.all_jobs("dead")
        bodies = Counter(int(job["body"]) for job in done + dead)
        self.assertEqual([token for token, times in bodies.items() if times > 1], [])
        ends = {int(job["body"]): ("done", None) for job in done}
        letters = {int(job["body"]): job for job in dead}
        ends.update((token, ("dead", job["reason"])) for token, job in letters.items())
        for token, queue in self.ledger.queue_of.items():
            expected, reason, failures = ENDS[queue]
            outcome = self.ledger.ended.get(token)
            self.assertEqual(outcome is None, token in ends, (token, queue, outcome, ends.get(token)))
            if outcome is not None:
                continue
            self.assertEqual(ends[token], (expected, reason), (token, queue))
            if expected == "dead":
                self.assertEqual((letters[token]["origin"], letters[token]["failures"]), (queue, failures))
            if reason == "undeliverable":
                self.assertEqual(letters[token]["interruptions"], 3)
        self.assertEqual({outcome for outcome in self.ledger.ended.values()}, {"deleted", "cancelled"})
        self.assertEqual({queue for token, queue in self.ledger.queue_of.items() if token in ends}, set(ENDS))
        self.check_groups(ends)

    def check_groups(self, ends):
        summaries = [json.loads(job["body"]) for job in self.all_jobs("summaries")]
        self.assertEqual(sorted(one["id"] for one in summaries), sorted(self.groups))
        for summary in summaries:
            tokens = self.groups[summary["id"]]
            self.assertEqual(len(summary["members"]), len(tokens))
            for token, member in zip(tokens, summary["members"]):
                good = ENDS[self.ledger.queue_of[token]][0] == "done"
                self.assertEqual(member["outcome"] == "ok", good, (token, member))


if __name__ == "__main__":
    unittest.main(verbosity=2)
