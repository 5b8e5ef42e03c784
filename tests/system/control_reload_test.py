"""Reloads over the control API of the built daemon while others are under way, and while it drains."""

import os
import signal
import threading
import time
import unittest

from control_support import QueueTest
from support import PATIENCE

HELD = "queues: { work: {} }\nconsumers: { c: { queue: work, handler: sleep, length: 1h, concurrency: %d } }\n"
CHANGED = "consumer c: changed"


class ReloadTest(QueueTest):

    def rewrite(self, text):
        """Changes what follows the daemon's part of the settings file."""
        path = os.path.join(self.folder, "settings.yaml")
        with open(path, encoding="utf-8") as file:
            kept = file.read().split("queues:")[0]
        self.write(kept + text)

    def tasks(self):
        return self.expect(200, self.get("/v1/tasks"))["tasks"]

    def until(self, is_so, *more):
        ends = time.monotonic() + PATIENCE
        while not is_so(*more):
            self.assertLess(time.monotonic(), ends)


class TwoReloads(ReloadTest):
    """The first changes a consumer that works on a job, so it has read the file and waits until the job ends."""

    def setUp(self):
        super().setUp()
        self.process = self.start(HELD % 1)
        (self.job,) = self.fill(self.connect("work"), 1)
        self.until(lambda: self.expect(200, self.get(f"/v1/jobs/{self.job}"))["state"] == "reserved")

    def first_waits(self):
        return [task for task in self.tasks() if task["name"] == "reload" and task["waits_for"] == "idle"]

    def reloaded(self):
        """What the next reload has changed; no other one was refused."""
        *before, last = self.process.log.entries_until("reloaded")
        self.assertNotIn("reload_refused", [entry["event"] for entry in before])
        return last["changes"]

    def end_job(self):
        self.expect(200, self.post(f"/v1/jobs/{self.job}/cancel"))

    def slots(self):
        return sorted(task["name"] for task in self.tasks() if task["name"].startswith("c#"))

    def test_a_second_request_waits_for_the_first_and_each_applies_the_file_that_it_finds(self):
        answers = {}

        def ask(name):
            answers[name] = self.post("/v1/reload")

        threads = [threading.Thread(target=ask, args=(name,), daemon=True) for name in ("first", "second")]
        self.rewrite(HELD % 2)
        threads[0].start()
        self.until(self.first_waits)
        self.process.wait_for("reload_requested")
        self.rewrite(HELD % 3)
        threads[1].start()
        before = [entry["event"] for entry in self.process.log.entries_until("reload_requested")]
        self.assertEqual((answers, before), ({}, ["reload_requested"]))
        self.end_job()
        for thread in threads:
            thread.join(PATIENCE)
        applied = {"result": "applied", "changes": [CHANGED], "complaints": []}
        self.assertEqual(answers, {"first": (200, applied), "second": (200, applied)})
        self.assertEqual([self.reloaded(), self.reloaded()], [CHANGED, CHANGED])
        self.until(lambda: self.slots() == ["c#1", "c#2", "c#3"])

    def test_a_second_signal_waits_for_the_first_and_each_applies_the_file_that_it_finds(self):
        self.rewrite(HELD % 2)
        self.process.signal(signal.SIGHUP)
        self.until(self.first_waits)
        self.rewrite(HELD % 3)
        self.process.signal(signal.SIGHUP)
        self.end_job()
        self.assertEqual([self.reloaded(), self.reloaded()], [CHANGED, CHANGED])
        self.until(lambda: self.slots() == ["c#1", "c#2", "c#3"])


class Drain(ReloadTest):

    def test_a_daemon_that_drains_answers_what_it_is_asked_and_refuses_each_change(self):
        daemon = self.start("queues: { mail: {} }\n", "  data_dir: data\n")
        client = self.connect()
        (job,) = self.fill(client, 1)
        self.reserve(client)
        daemon.signal()
        daemon.wait_for("draining")
        status = self.expect(200, self.get("/v1/status"))
        self.assertEqual((status["state"], status["ready"], status["problem"]),
                         ("draining", False, "draining: SIGTERM"))
        self.assertEqual(self.expect(200, self.get(f"/v1/jobs/{job}"))["state"], "reserved")
        for target, body in (("/v1/reload", None), ("/v1/queues/mail/pause", None), ("/v1/queues/mail/kick", None),
                             ("/v1/queues/mail/purge", {"states": ["ready"]}), (f"/v1/jobs/{job}/cancel", None),
                             ("/v1/groups", {"queue": "mail", "jobs": [{}]}),
                             ("/v1/backup", {"directory": os.path.join(self.folder, "copy")})):
            with self.subTest(target):
                self.assert_refused(503, "draining", self.post(target, body))
        refused = self.client("reload")
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))
        self.assertIn("The daemon is stopping.", refused.stderr)
        client.send(b"delete %d\r\n" % job)
        self.assertEqual(client.line(), b"DELETED")
        self.assertEqual(daemon.wait(), 0)
        self.assertEqual(daemon.entries("reload_requested"), [])


del QueueTest

if __name__ == "__main__":
    unittest.main(verbosity=2)
