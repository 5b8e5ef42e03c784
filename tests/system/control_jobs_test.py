"""Single jobs over the control API of the built daemon."""

import os
import unittest

from beanstalk_wire import Wire, put
from control_support import QueueTest

ON_DISK = "  data_dir: data\n"


class Jobs(QueueTest):

    def test_a_job_shows_its_state_counts_holder_and_body(self):
        self.start("queues: { mail: {} }\n")
        client = self.connect()
        (job,) = self.fill(client, 1)
        self.assertNotIn("held_by", self.expect(200, self.get(f"/v1/jobs/{job}")))
        self.reserve(client)
        shown = self.expect(200, self.get(f"/v1/jobs/{job}?body=1"))
        self.assertEqual((shown["queue"], shown["state"], shown["body"]), ("mail", "reserved", "hello"))
        self.assertEqual(shown["held_by"], f"process {os.getpid()} of user {os.getuid()}")
        self.assertEqual((shown["deliveries"], shown["failures"], shown["interruptions"]), (1, 0, 0))
        self.assertRegex(shown["put_at"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertTrue(shown["put_at"] <= shown["held_since"] < shown["lease_until"])
        self.assertNotIn("body", self.expect(200, self.get(f"/v1/jobs/{job}")))

    def test_a_job_of_a_consumer_is_held_by_its_slot_and_a_failed_one_has_its_error(self):
        self.start("queues: { mail: {}, broken: {} }\n"
                   "consumers:\n  slow: { queue: mail, handler: sleep, length: 1h }\n"
                   "  bad: { queue: broken, handler: fail, every: 1 }\n")
        (job,) = self.fill(self.connect(), 1)
        while (shown := self.expect(200, self.get(f"/v1/jobs/{job}")))["state"] != "reserved":
            pass
        self.assertEqual(shown["held_by"], "slow#1")
        self.assertNotIn("lease_until", shown)
        broken = Wire(self.beanstalk)
        self.addCleanup(broken.close)
        broken.send(b"use broken\r\n" + put(b"x"))
        broken.line()
        failed = int(broken.line().split()[1])
        while (shown := self.expect(200, self.get(f"/v1/jobs/{failed}")))["state"] != "buried":
            pass
        self.assertEqual((shown["failures"], shown["buries"]), (1, 1))
        self.assertTrue(shown["error"])

    def test_a_body_that_is_no_text_is_base64_and_a_long_one_is_cut_at_a_character(self):
        self.start("queues: { mail: {} }\n", "  max_job_size: 4MiB\n")
        client = self.connect()
        (binary,) = self.fill(client, 1, body=b"\xff\x00\xfe\x01")
        self.assertEqual(self.expect(200, self.get(f"/v1/jobs/{binary}?body=1"))["body_base64"], "/wD+AQ==")
        (long,) = self.fill(client, 1, body=b"x" + "é".encode() * (1 << 19))
        shown = self.expect(200, self.get(f"/v1/jobs/{long}?body=1"))
        self.assertEqual((shown["body_is_cut"], shown["bytes"]), (True, (1 << 20) + 1))
        self.assertEqual(shown["body"], "x" + "é" * ((1 << 19) - 1))

    def test_a_body_that_is_only_on_disk_is_read(self):
        self.start("queues: { mail: {} }\n", ON_DISK + "  store: { memory_limit: 1MiB }\n  max_job_size: 1MiB\n")
        jobs = self.fill(self.connect(), 20, body=b"y" * 500_000)
        for job in (jobs[0], jobs[-1]):
            self.assertEqual(self.expect(200, self.get(f"/v1/jobs/{job}?body=1"))["body"], "y" * 500_000)


if __name__ == "__main__":
    unittest.main(verbosity=2)
