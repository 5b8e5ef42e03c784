"""Dead letters that go back, and jobs that are cancelled, over the control API of the built daemon."""

import unittest

from control_support import QueueTest

ON_DISK = "  data_dir: data\n"
# Each job fails, and its dead letter is a job of the tube `letters`.
FAILING = ("queues: { mail: { dead_letter: letters }, letters: {} }\n"
           "consumers: { bad: { queue: mail, handler: fail, every: 1 } }\n")


class RedriveTest(QueueTest):

    def letters(self, count):
        """Waits until so many dead letters are there."""
        while (jobs := self.queue("letters")["jobs"])["ready"] < count:
            pass
        self.assertEqual(jobs["ready"], count)

    def change(self, verb, body, name):
        return self.expect(200, self.post(f"/v1/queues/{name}/{verb}?wait=20s", body))


class Redrives(RedriveTest):

    def test_a_client_sees_a_dead_letter_as_a_job_of_its_tube_and_gets_it_back_after_a_redrive(self):
        daemon = self.start(FAILING, ON_DISK)
        ids = self.fill(self.connect("mail"), 3)
        self.letters(3)
        letters = self.connect("letters")
        seen = self.reserve(letters)
        self.assertIn(seen, ids)
        letters.send(b"release %d 0 0\r\n" % seen)
        self.assertEqual(letters.line(), b"RELEASED")
        (shown, *_) = self.expect(200, self.get("/v1/queues/letters/jobs?reason=failed&origin=mail"))["jobs"]
        self.assertEqual((shown["origin"], shown["reason"], shown["failures"]), ("mail", "failed", 1))
        # Without the consumer, so that the jobs stay.
        daemon.signal()
        self.assertIn(daemon.wait(), (0, 4))
        self.start("queues: { mail: {}, letters: {} }\n", ON_DISK)
        dry = self.change("redrive", {"dry_run": True}, "letters")
        self.assertEqual((dry["done"], self.queue("letters")["jobs"]["ready"]), (3, 3))
        self.assertEqual(self.change("redrive", {"limit": 2}, "letters")["done"], 2)
        self.assertEqual(self.change("redrive", {"reason": "timeout"}, "letters")["done"], 0)
        self.assertIn("done, 1 of 1 jobs", self.client("redrive", "letters").stdout)
        client = self.connect("mail")
        back = [self.reserve(client) for _ in ids]
        self.assertEqual(sorted(back), ids)
        held = self.expect(200, self.get(f"/v1/jobs/{back[0]}"))
        self.assertEqual((held["queue"], held["failures"]), ("mail", 0))
        for key in ("origin", "reason", "error"):
            self.assertNotIn(key, held)

    def test_a_redrive_survives_a_kill_with_its_target_and_counts(self):
        daemon = self.start(FAILING, ON_DISK)
        ids = self.fill(self.connect("mail"), 1)
        self.letters(1)
        redriven = self.change("redrive", {"to": "other", "keep_counts": True}, "letters")
        self.assertEqual(redriven["done"], 1)
        daemon.signal(9)
        daemon.wait()
        self.start("queues: { letters: {} }\n", ON_DISK)
        shown = self.expect(200, self.get(f"/v1/jobs/{ids[0]}"))
        self.assertEqual((shown["queue"], shown["state"], shown["failures"]), ("other", "ready", 1))
        self.assertNotIn("origin", shown)

    def test_a_redrive_of_jobs_that_are_no_dead_letters_changes_none(self):
        self.start("queues: { mail: {} }\n")
        self.fill(self.connect(), 2)
        ended = self.change("redrive", {}, "mail")
        self.assertEqual((ended["state"], ended["done"], ended["seen"], ended["unchanged"]), ("done", 0, 2, 2))
        self.assertIn("2 more were found and stay: they are no dead letters",
                      self.client("redrive", "mail").stdout)


class OtherChanges(RedriveTest):

    def test_a_move_makes_its_queue_and_keeps_the_state(self):
        self.start("queues: { mail: {} }\n")
        client = self.connect()
        self.fill(client, 2)
        self.fill(client, 1, delay=1000)
        moved = self.change("move", {"state": ["ready", "delayed"], "to": "other"}, "mail")
        self.assertEqual(moved["done"], 3)
        self.assertEqual(self.queue("other")["jobs"], {"ready": 2, "reserved": 0, "delayed": 1, "buried": 0})

    def test_a_priority_changes_who_is_next(self):
        self.start("queues: { mail: {} }\n")
        client = self.connect()
        self.fill(client, 1, body=b"first")
        (second,) = self.fill(client, 1, body=b"second")
        self.assertEqual(self.change("priority", {"priority": 10, "text": "first"}, "mail")["done"], 1)
        client.send(b"peek-ready\r\n")
        self.assertEqual(int(client.line().split()[1]), second)

    def test_cancelled_jobs_are_gone_and_counted(self):
        self.start("queues: { mail: {} }\n")
        self.fill(self.connect(), 3)
        self.assertEqual(self.change("cancel", {"state": "ready", "limit": 2}, "mail")["done"], 2)
        self.assertEqual((self.queue()["jobs"]["ready"], self.queue()["counts"]["ended"]["cancelled"]), (1, 2))

    def test_the_slot_that_worked_on_a_cancelled_job_takes_the_next_one(self):
        self.start("queues: { mail: {} }\nconsumers: { slow: { queue: mail, handler: sleep, length: 1h } }\n")
        first, second = self.fill(self.connect(), 2)
        while self.expect(200, self.get(f"/v1/jobs/{first}"))["state"] != "reserved":
            pass
        self.expect(200, self.post(f"/v1/jobs/{first}/cancel"))
        while (shown := self.expect(200, self.get(f"/v1/jobs/{second}")))["state"] != "reserved":
            pass
        self.assertEqual(shown["held_by"], "slow#1")
        self.assert_refused(404, "no_such_job", self.get(f"/v1/jobs/{first}"), "path")
        self.assertEqual(self.queue()["counts"]["ended"]["cancelled"], 1)

    def test_the_holder_of_a_cancelled_job_does_not_find_it(self):
        self.start("queues: { mail: {} }\n")
        client = self.connect()
        (job,) = self.fill(client, 1)
        self.reserve(client)
        cancelled = self.expect(200, self.post(f"/v1/jobs/{job}/cancel"))["cancelled"]
        self.assertEqual((cancelled["id"], cancelled["state"]), (job, "reserved"))
        client.send(b"delete %d\r\n" % job)
        self.assertEqual(client.line(), b"NOT_FOUND")
        self.assert_refused(404, "no_such_job", self.post(f"/v1/jobs/{job}/cancel"), "path")
        self.assert_refused(400, "invalid_value", self.post("/v1/jobs/x/cancel"), "path")
        (other,) = self.fill(client, 1)
        self.assertIn("cancelled", self.client("cancel", str(other)).stdout)
        self.assertEqual(self.queue()["jobs"]["ready"], 0)

    def test_bad_input_names_its_part(self):
        self.start("queues: { mail: {} }\n")
        for verb, body, part in (
            ("move", {"state": "ready"}, "body.to"), ("move", {"to": "other"}, "body.state"),
            ("move", {"state": "ready", "to": "-x"}, "body.to"), ("move", {"state": "ready", "to": 5}, "body.to"),
            ("cancel", {}, "body.state"), ("cancel", {"state": "ready", "to": "x"}, "body.to"),
            ("priority", {}, "body.priority"), ("priority", {"priority": -1}, "body.priority"),
            ("priority", {"priority": 1 << 32}, "body.priority"), ("redrive", {"keep_counts": 1}, "body.keep_counts"),
            ("redrive", {"to": ""}, "body.to"), ("redrive", {"to": "mail"}, "body.to"),
            ("move", {"state": "ready", "to": "mail"}, "body.to"),
        ):
            with self.subTest(verb=verb, body=body):
                self.assertEqual(
                    self.expect(400, self.post("/v1/queues/mail/" + verb, body))["error"]["where"], part)


if __name__ == "__main__":
    unittest.main(verbosity=2)
