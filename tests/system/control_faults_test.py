"""Changes over the control API while the disk stalls or fails: each request ends with the reason, nothing that was
acknowledged is lost, and nothing that was not on disk is called done.
"""

import ctypes
import errno
import os
import select
import shutil
import signal
import threading
import unittest

from control_support import QueueTest
from fault_control import Faults
from support import PATIENCE

ON_DISK = "  data_dir: data\n"
QUEUES = "queues: { mail: {} }\n"
JOBS = 3000  # more than one step of an action
LINES = """
queues: { mail: {}, naps: {} }
consumers:
  writer: { queue: mail, handler: file, path: lines/all, sync: interval, sync_interval: 10ms }
  sleeper: { queue: naps, handler: sleep }
"""
IN_CLOSE_WRITE = 8  # of inotify(7)


class ControlFaults(QueueTest):
    def setUp(self):
        super().setUp()
        self.faults = Faults(self.folder, os.path.join(self.folder, "data"))
        self.addCleanup(self.faults.clear)
        self.process = None

    def begin(self, jobs=JOBS, buried=0):
        """A daemon with jobs on disk, of which some are buried, whose calls the test steers. It is the only one."""
        self.kill()
        shutil.rmtree(self.faults.data_dir, ignore_errors=True)
        self.faults.renew()
        self.process = self.start(QUEUES, ON_DISK, env=self.faults.environment())
        self.wire = self.connect()
        self.ids = self.fill(self.wire, jobs)
        for _ in range(buried):
            self.bury(self.wire)

    def begin_again(self):
        """A daemon on what is on disk, without faults."""
        self.kill()
        self.process = self.start(QUEUES, ON_DISK)

    def kill(self):
        if self.process is not None:
            self.process.signal(signal.SIGKILL)
            self.process.wait()

    def ends_with_1(self):
        self.process.signal()
        self.assertEqual(self.process.wait(), 1)

    CHANGES = {"purge": {"states": ["ready"]}, "kick": {"state": "buried"}}

    def change(self, kind):
        return self.post(f"/v1/queues/mail/{kind}?wait=20s", self.CHANGES[kind])

    def program(self, kind):
        """The program millrace with the same change."""
        return self.client(kind, "mail", "--state", self.CHANGES[kind].get("state", "ready"))

    def test_a_purge_and_a_kick_fail_with_the_reason_when_the_disk_fails_and_lose_nothing(self):
        for kind in self.CHANGES:
            for call in ("write", "sync"):
                with self.subTest(kind, call=call):
                    self.begin(jobs=100, buried=50)
                    self.faults.fail(call)
                    action = self.expect(200, self.change(kind))
                    self.assertEqual((action["state"], action["done"]), ("failed", 0), action)
                    self.assertIn("the store has failed: ", action["error"])
                    self.assertEqual(self.process.wait_for("action_ended")["error"], action["error"])
                    self.assert_refused(503, "store_failed", self.change(kind))
                    refused = self.program(kind)
                    self.assertEqual((refused.returncode, refused.stdout), (1, ""))
                    self.assertIn("The store has failed: ", refused.stderr)
                    self.ends_with_1()
                    self.begin_again()
                    jobs = self.queue()["jobs"]
                    # What was written before the sync failed may be there: it was not acknowledged.
                    changed = {"purge": (0, 50), "kick": (100, 0)}[kind]
                    self.assertIn((jobs["ready"], jobs["buried"]), [(50, 50)] + [changed] * (call == "sync"))

    def test_changes_of_a_queue_in_memory_go_on_when_the_disk_has_failed(self):
        self.faults.renew()
        self.process = self.start("queues: { mail: { durability: memory }, kept: {} }\n", ON_DISK,
                                  env=self.faults.environment())
        self.ids = self.fill(self.connect(), 10)
        self.faults.fail("sync")
        self.assert_refused(503, "store_failed", self.post("/v1/queues/kept/pause"))
        self.expect(200, self.post("/v1/queues/mail/pause"))
        self.assertEqual(self.expect(200, self.change("purge"))["done"], 10)
        self.ends_with_1()

    def test_a_purge_that_fails_half_way_has_deleted_what_it_counted(self):
        self.begin()
        self.faults.fail("sync", nth=self.faults.counts()["sync"] + 2)
        action = self.expect(200, self.change("purge"))
        self.assertEqual(action["state"], "failed", action)
        self.assertLess(action["done"], JOBS)
        self.begin_again()
        left = self.existing(self.ids)
        # The step that failed may be on disk, or not: it was not acknowledged.
        self.assertEqual(left, self.ids[JOBS - len(left):])
        self.assertLessEqual(len(left), JOBS - action["done"])

    def test_a_pause_and_a_resume_say_that_the_store_has_failed(self):
        for kind in ("pause", "resume"):
            with self.subTest(kind):
                self.begin(jobs=1)
                if kind == "resume":
                    self.expect(200, self.post("/v1/queues/mail/pause"))
                self.faults.fail("sync")
                status, answer = self.post(f"/v1/queues/mail/{kind}")
                self.assertEqual((status, answer["error"]["code"]), (503, "store_failed"), answer)
                self.assert_refused(503, "store_failed", self.post(f"/v1/queues/mail/{kind}"))
                shown = self.client(kind, "mail")
                self.assertEqual(shown.returncode, 1)
                self.assertIn("The store has failed: ", shown.stderr)
                self.ends_with_1()

    def test_a_repeated_request_for_a_group_that_is_not_on_disk_is_refused_as_the_first_one(self):
        self.begin(jobs=1)
        self.faults.fail("sync")
        for _ in range(2):
            answer = self.post("/v1/groups", {"queue": "mail", "jobs": [{}]}, **{"Idempotency-Key": "once"})
            self.assert_refused(503, "store_failed", answer)
        self.ends_with_1()

    def test_a_backup_that_cannot_be_written_fails_with_the_reason_and_leaves_nothing(self):
        for call, error, reason in (("write", errno.EIO, "Input/output error"), ("write", errno.ENOSPC, "disk is full"),
                                    ("read", errno.EIO, "Input/output error")):
            with self.subTest(call=call, error=errno.errorcode[error]):
                self.begin(jobs=1000)
                copy = os.path.join(self.folder, "data", "copy")
                self.faults.only(call, *(["data"] if call == "read" else ["other", "data"]))
                self.faults.fail(call, error)
                action = self.ended(self.post("/v1/backup", {"directory": copy})[1])
                self.assertEqual((action["state"], action["done"] < max(1, action["total"])), ("failed", True), action)
                self.assertIn(reason, action["error"])
                self.assertEqual([name for name in os.listdir(os.path.dirname(copy)) if "copy" in name], [])
                self.faults.clear()
                self.assertEqual(self.ended(self.post("/v1/backup", {"directory": copy})[1])["state"], "done")
                self.assertEqual(len(self.existing(self.ids)), 1000)

    def test_changes_wait_for_a_disk_that_stalls_and_hold_nobody(self):
        self.begin(buried=5)
        self.faults.stall("sync")
        answers = {}

        def ask(name, target, body):
            answers[name] = self.post(target, body)

        requests = (("purge", "/v1/queues/mail/purge?wait=20s", {"states": ["ready"]}),
                    ("kick", "/v1/queues/mail/kick?wait=20s", {"state": "buried"}),
                    ("pause", "/v1/queues/mail/pause", {}))
        threads = [threading.Thread(target=ask, args=request, daemon=True) for request in requests]
        for thread in threads:
            thread.start()
        self.faults.until_stalled("sync")
        self.assertEqual(self.expect(200, self.get("/v1/status"))["state"], "running")
        self.assertEqual(answers, {})
        self.faults.resume("sync")
        for thread in threads:
            thread.join(PATIENCE)
        self.assertEqual({name: status for name, (status, _) in answers.items()},
                         {"purge": 200, "kick": 200, "pause": 200})

    def test_a_drain_ends_an_action_that_waits_for_a_disk_that_has_failed(self):
        self.begin()
        self.faults.fail("write")
        self.faults.stall("write")
        begun = self.expect(202, self.post("/v1/queues/mail/purge", self.CHANGES["purge"]))
        self.assertEqual(begun["state"], "running")
        self.faults.until_stalled("write")
        self.process.signal()
        self.process.wait_for("draining")
        self.faults.resume("write")
        self.assertEqual(self.process.wait(), 1)
        (ended,) = self.process.entries("action_ended")
        self.assertEqual((ended["state"], ended["done"]), ("failed", 0))
        self.process = self.start(QUEUES, ON_DISK)
        self.assertEqual(self.queue()["jobs"]["ready"], JOBS)

    def test_the_file_of_a_cancelled_job_is_closed_although_it_was_opened_late(self):
        folder = os.path.join(self.folder, "lines")
        os.mkdir(folder)
        self.faults = Faults(self.folder, folder)
        self.process = self.start(LINES, env=self.faults.environment())
        self.faults.stall("open")
        (job,) = self.fill(self.connect(), 1)
        self.faults.until_stalled("open")
        self.expect(200, self.post(f"/v1/jobs/{job}/cancel"))
        # Meanwhile the upkeep of the consumer runs some times and finds no open file.
        (nap,) = self.fill(self.connect("naps"), 1, body=b"200ms")
        while self.existing([nap]):
            pass
        libc = ctypes.CDLL(None)
        closes = libc.inotify_init1(os.O_NONBLOCK)
        self.addCleanup(os.close, closes)
        self.assertGreaterEqual(libc.inotify_add_watch(closes, folder.encode(), IN_CLOSE_WRITE), 0)
        self.faults.resume("open")
        self.assertTrue(select.select([closes], [], [], PATIENCE)[0], "the file is open")


del QueueTest

if __name__ == "__main__":
    unittest.main(verbosity=2)
