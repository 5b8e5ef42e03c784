"""Jobs that are listed, found and changed over the control API of the built daemon."""

import json
import unittest
import urllib.parse

from control_support import QueueTest

ON_DISK = "  data_dir: data\n"


class FindTest(QueueTest):

    def jobs(self, expected=200, name="mail", **options):
        query = urllib.parse.urlencode(options)
        return self.expect(expected, self.get(f"/v1/queues/{name}/jobs?{query}"))

    def ids(self, answer):
        return [job["id"] for job in answer["jobs"]]

    def change(self, verb, body, name="mail"):
        return self.expect(200, self.post(f"/v1/queues/{name}/{verb}?wait=20s", body))


class Lists(FindTest):

    def test_pages_follow_each_other_and_can_be_asked_for_again_while_jobs_come_and_go(self):
        self.start("queues: { mail: {} }\n")
        client = self.connect()
        ids = self.fill(client, 6)
        first = self.jobs(limit=2)
        self.assertEqual((self.ids(first), first["total"]), (ids[:2], 6))
        second = self.jobs(limit=2, cursor=first["next_cursor"])
        self.assertEqual(self.ids(second), ids[2:4])
        self.fill(client, 1)
        client.send(b"delete %d\r\n" % ids[2] + b"delete %d\r\n" % ids[4])
        self.assertEqual((client.line(), client.line()), (b"DELETED", b"DELETED"))
        self.assertEqual(self.ids(self.jobs(cursor=first["next_cursor"])), [ids[3]])
        last = self.jobs(cursor=second["next_cursor"])
        self.assertEqual((self.ids(last), last["next_cursor"]), ([ids[5]], None))
        self.assertEqual(self.ids(self.jobs(cursor=second["next_cursor"])), [ids[5]])
        self.assert_refused(410, "cursor_gone", self.get("/v1/queues/mail/jobs?cursor=" + first["next_cursor"]),
                            "query.cursor")

    def test_a_job_has_the_members_that_apply(self):
        self.start("queues: { mail: {} }\n")
        client = self.connect()
        self.fill(client, 1, delay=1000)
        (shown,) = self.jobs(state="delayed", body=1)["jobs"]
        self.assertEqual((shown["queue"], shown["state"], shown["body"], shown["deliveries"]),
                         ("mail", "delayed", "hello", 0))
        self.assertIn("due_at", shown)
        for key in ("error", "origin", "reason", "held_by", "group"):
            self.assertNotIn(key, shown)

    def test_a_text_is_found_in_bodies_wherever_they_are(self):
        self.start("queues: { mail: {} }\n", ON_DISK + "  store: { memory_limit: 1MiB }\n  max_job_size: 1MiB\n")
        client = self.connect()
        many = self.fill(client, 20, body=b"y" * 200_000 + b"needle")
        self.fill(client, 20, body=b"y" * 200_000)
        found, cursor = [], None
        while True:
            page = self.jobs(text="needle") if cursor is None else self.jobs(cursor=cursor)
            found += self.ids(page)
            cursor = page["next_cursor"]
            if cursor is None:
                break
        self.assertEqual(found, many)

    def test_bad_input_names_its_part(self):
        self.start("queues: { mail: {} }\n")
        for query, part in (("state=gone", "query.state"), ("older=soon", "query.older"),
                            ("reason=bad", "query.reason"), ("text=", "query.text"),
                            ("text=" + "x" * 257, "query.text"), ("limit=0", "query.limit"),
                            ("limit=1001", "query.limit"), ("body=2", "query.body"),
                            ("order=id", "query.order"), ("origin=", "query.origin")):
            with self.subTest(query=query):
                self.assertEqual(self.expect(400, self.get("/v1/queues/mail/jobs?" + query))["error"]["where"], part)
        self.assert_refused(400, "unknown_key", self.get("/v1/queues/mail/jobs?cursor=x&state=ready"), "query.state")
        for cursor in ("x", "1", "a-1-1", "-1-1", "0" * 3000):
            self.assert_refused(410, "cursor_gone", self.get("/v1/queues/mail/jobs?cursor=" + cursor), "query.cursor")
        self.assert_refused(404, "no_such_queue", self.get("/v1/queues/nobody/jobs"), "path")

    def test_a_cursor_of_a_daemon_that_ended_is_gone(self):
        daemon = self.start("queues: { mail: {} }\n", ON_DISK)
        self.fill(self.connect(), 3)
        cursor = self.jobs(limit=1)["next_cursor"]
        daemon.signal(9)
        daemon.wait()
        self.start("queues: { mail: {} }\n", ON_DISK)
        self.jobs(limit=1)
        self.assert_refused(410, "cursor_gone", self.get("/v1/queues/mail/jobs?cursor=" + cursor))


class BulkChanges(FindTest):

    def test_a_change_takes_what_its_filter_finds_and_a_dry_run_changes_nothing(self):
        self.start("queues: { mail: {} }\n")
        client = self.connect()
        red = self.fill(client, 3, body=b"red")
        blue = self.fill(client, 2, body=b"blue")
        dry = self.change("delete", {"state": "ready", "text": "red", "dry_run": True})
        self.assertEqual((dry["state"], dry["dry_run"], dry["done"], dry["seen"]), ("done", True, 3, 5))
        self.assertEqual(self.ids(self.jobs()), red + blue)
        some = self.change("delete", {"state": ["ready", "buried"], "text": "red", "limit": 2})
        self.assertEqual((some["done"], some["total"]), (2, 2))
        self.assertEqual(self.ids(self.jobs()), red[2:] + blue)

    def test_a_job_that_is_held_is_left_alone(self):
        self.start("queues: { mail: {} }\n")
        client = self.connect()
        self.fill(client, 3)
        held = self.reserve(client)
        self.assertEqual(self.change("delete", {"state": "ready"})["done"], 2)
        client.send(b"delete %d\r\n" % held)
        self.assertEqual(client.line(), b"DELETED")

    def test_bad_input_names_its_part(self):
        self.start("queues: { mail: {} }\n")
        for verb, body, part in (
            ("delete", {}, "body.state"), ("delete", {"state": "reserved"}, "body.state"),
            ("delete", {"state": []}, "body.state"), ("delete", {"state": [1]}, "body.state"),
            ("kick", {"state": "ready"}, "body.state"), ("kick", {"limit": 0}, "body.limit"),
            ("kick", {"rate": 0}, "body.rate"), ("kick", {"rate": "fast"}, "body.rate"),
            ("kick", {"rate": 1e9}, "body.rate"), ("kick", {"dry_run": 1}, "body.dry_run"),
            ("kick", {"older": 5}, "body.older"), ("kick", {"older": "-1s"}, "body.older"),
            ("kick", {"text": ""}, "body.text"), ("kick", {"reason": "bad"}, "body.reason"),
            ("kick", {"origin": ""}, "body.origin"), ("kick", {"jobs": 2}, "body.jobs"),
        ):
            with self.subTest(verb=verb, body=body):
                self.assertEqual(
                    self.expect(400, self.post("/v1/queues/mail/" + verb, body))["error"]["where"], part)

    def test_a_paced_change_can_be_stopped_and_a_stop_of_an_ended_one_answers_it(self):
        self.start("queues: { mail: {} }\n")
        self.fill(self.connect(), 50)
        _, begun = self.post("/v1/queues/mail/delete", {"state": "ready", "rate": 0.01})
        self.assertEqual(begun["state"], "running")
        stopped = self.expect(200, self.post(f"/v1/actions/{begun['id']}/stop?wait=20s"))
        self.assertEqual(stopped["state"], "stopped")
        self.assertEqual(self.queue()["jobs"]["ready"], 50 - stopped["done"])
        self.assertEqual(self.expect(200, self.post(f"/v1/actions/{begun['id']}/stop"))["state"], "stopped")
        self.assert_refused(404, "no_such_action", self.post("/v1/actions/77/stop"), "path")

    def test_a_change_goes_on_after_a_kill_and_keeps_its_number_and_limit(self):
        daemon = self.start("queues: { mail: {} }\n", ON_DISK)
        self.fill(self.connect(), 30)
        _, begun = self.post("/v1/queues/mail/delete", {"state": "ready", "rate": 5, "limit": 20})
        while begun["done"] == 0:
            _, begun = self.get(f"/v1/actions/{begun['id']}")
        daemon.signal(9)
        daemon.wait()
        daemon = self.start("queues: { mail: {} }\n", ON_DISK)
        ended = self.ended(begun)
        self.assertEqual((ended["state"], ended["kind"]), ("done", "delete"))
        # One step may have been written before its count.
        self.assertIn(self.queue()["jobs"]["ready"], (9, 10))
        daemon.signal()
        self.assertEqual(daemon.wait(), 0)
        daemon = self.start("queues: { mail: {} }\n", ON_DISK)
        self.assertEqual(self.expect(200, self.get("/v1/actions"))["actions"], [])


class Program(FindTest):

    def test_jobs_are_listed_and_changed_by_the_program(self):
        self.start("queues: { mail: {} }\n")
        self.fill(self.connect(), 3)
        listed = self.client("jobs", "mail", "--body", "--limit", "2")
        self.assertEqual((listed.returncode, listed.stderr), (0, ""))
        self.assertRegex(listed.stdout, r"(?m)^ *1 +ready ")
        self.assertEqual(listed.stdout.count("hello"), 2)
        self.assertEqual(len(json.loads(self.client("jobs", "mail", "--json").stdout)["jobs"]), 3)
        self.assertIn("would change 3 of 3 jobs",
                      self.client("delete-jobs", "mail", "--state", "ready", "--dry-run").stdout)
        self.assertIn("delete of mail: done, 1 of 1 jobs",
                      self.client("delete-jobs", "mail", "--state", "ready", "--limit", "1").stdout)
        for command in (("jobs", "mail"), ("delete-jobs", "mail", "--state", "ready")):
            self.assertIn("--limit", self.client(*command, "--limit", "0").stderr)
        self.assertIn("action 2", self.client("stop", "2").stdout)
        self.assertEqual(self.client("delete-jobs", "mail").returncode, 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
