"""Backups of the built daemon over the control API, and a daemon that starts on one."""

import os
import unittest

from control_support import QueueTest

ON_DISK = "  data_dir: data\n"


class Backup(QueueTest):

    def test_a_daemon_starts_on_a_backup_that_was_taken_under_load(self):
        daemon = self.start("queues: { mail: {} }\n", ON_DISK)
        client = self.connect()
        before = self.fill(client, 2000, body=b"x" * 1000)
        copy = os.path.join(self.folder, "copy")
        _, begun = self.post("/v1/backup", {"directory": copy})
        self.assertEqual((begun["kind"], begun["target"], begun["unit"]), ("backup", copy, "bytes"))
        self.fill(client, 500)
        ended = self.ended(begun)
        self.assertEqual((ended["state"], ended["done"]), ("done", ended["total"]), ended)
        self.assertGreater(ended["done"], 2000 * 1000)
        again = self.ended(self.post("/v1/backup", {"directory": copy})[1])
        self.assertEqual(again["state"], "failed")
        self.assertIn(": exists: ", again["error"])
        daemon.signal()
        self.assertEqual(daemon.wait(), 0)
        self.start("queues: { mail: {} }\n", "  data_dir: copy\n")
        self.assertEqual(self.existing(before), before)

    def test_a_backup_that_cannot_be_taken_is_refused(self):
        self.start("queues: { mail: {} }\n", ON_DISK)
        for directory in ("copy", "", 5, None, "/a\0b"):
            with self.subTest(directory=directory):
                self.assert_refused(400, "invalid_value", self.post("/v1/backup", {"directory": directory}),
                                    "body.directory")
        self.assert_refused(400, "invalid_value", self.post("/v1/backup", {}), "body.directory")
        missing = os.path.join(self.folder, "missing", "copy")
        done = self.client("backup", missing)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("No such file or directory", done.stdout)

    def test_queues_in_memory_have_no_backup(self):
        self.start("queues: { mail: {} }\n")
        self.assert_refused(409, "no_data_dir", self.post("/v1/backup", {"directory": self.folder + "/copy"}))


del QueueTest

if __name__ == "__main__":
    unittest.main(verbosity=2)
