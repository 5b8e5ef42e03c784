"""Queues and actions over the control API of the built daemon, in memory and on disk."""

import json
import os
import socket
import time
import unittest

from control_support import QueueTest
from support import PATIENCE

ON_DISK = "  data_dir: data\n"
STATES = {"states": ["ready", "delayed", "buried"]}


class Queues(QueueTest):

    def test_a_queue_shows_its_jobs_limits_and_clients(self):
        self.start("queues: { mail: { max_jobs: 10, overflow: reject } }\n")
        client = self.connect()
        self.fill(client, 3)
        self.fill(client, 1, delay=1000)
        self.bury(client)
        self.reserve(client)
        queue = self.queue()
        self.assertEqual(queue["jobs"], {"ready": 1, "reserved": 1, "delayed": 1, "buried": 1})
        self.assertEqual(queue["limits"],
                         {"max_jobs": 10, "max_bytes": 2**30, "overflow": "reject", "durability": "memory"})
        self.assertEqual(queue["clients"], {"using": 1, "watching": 1, "waiting": 0})
        self.assertEqual(queue["bytes"], 20)
        self.assertNotIn(None, queue["oldest_seconds"].values())
        self.assertEqual((queue["counts"]["puts"], queue["counts"]["buried"]["client"]), (4, 1))

    def test_a_queue_shows_its_rates_once_they_are_known(self):
        self.start("queues: { mail: {} }\n")
        self.fill(self.connect(), 100)
        ends = time.monotonic() + PATIENCE
        while not (rates := self.queue()["rates"]) or rates["puts"]["1m"] == 0:
            self.assertLess(time.monotonic(), ends)
        self.assertGreater(min(rates["puts"].values()), 0)
        self.assertEqual(set(rates["reserves"].values()) | set(rates["ends"].values()), {0})
        (listed,) = [queue for queue in self.expect(200, self.get("/v1/queues"))["queues"] if queue["name"] == "mail"]
        self.assertIsNotNone(listed["rates"])
        self.assertRegex(self.client("queue", "mail").stdout, r"(?m)^puts +[0-9.]+ +[0-9.]+ +[0-9.]+$")

    def test_queues_come_in_pages(self):
        self.start("queues: { %s }\n" % ", ".join(f"q{number}: {{}}" for number in range(25)))
        names, cursor = [], ""
        while True:
            page = self.expect(200, self.get("/v1/queues?limit=10" + cursor))
            self.assertEqual(page["total"], 26)
            names += [queue["name"] for queue in page["queues"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        self.assertEqual(sorted(names), sorted(["default"] + [f"q{number}" for number in range(25)]))

    def test_a_name_is_percent_decoded(self):
        self.start("queues: { 'a/b;c+d': {} }\n")
        self.assertEqual(self.queue("a%2Fb%3Bc+d")["name"], "a/b;c+d")

    def test_an_unknown_queue_is_404_on_each_route(self):
        self.start()
        self.assert_refused(404, "no_such_queue", self.get("/v1/queues/nobody"), "path")
        for verb, body in (("pause", {}), ("resume", {}), ("kick", {}), ("purge", STATES)):
            self.assert_refused(404, "no_such_queue", self.post("/v1/queues/nobody/" + verb, body), "path")
        self.assert_refused(404, "no_such_queue", self.get("/v1/queues/%ff"), "path")

    def test_bad_input_names_its_part(self):
        self.start("queues: { mail: {} }\n")
        for verb, body, code, where in (
            ("pause", {"for": "soon"}, "invalid_value", "body.for"),
            ("pause", {"for": 5}, "invalid_value", "body.for"),
            ("pause", {"for": "0"}, "invalid_value", "body.for"),
            ("pause", {"until": "1h"}, "unknown_key", "body.until"),
            ("pause", "[]", "invalid_json", "body"),
            ("pause", "{", "invalid_json", "body"),
            ("pause", b"\xff", "invalid_json", "body"),
            ("resume", {"for": "1s"}, "unknown_key", "body.for"),
            ("kick", {"limit": 0}, "invalid_value", "body.limit"),
            ("kick", {"limit": -1}, "invalid_value", "body.limit"),
            ("kick", {"limit": 1.5}, "invalid_value", "body.limit"),
            ("kick", {"limit": "1"}, "invalid_value", "body.limit"),
            ("kick", {"state": "ready"}, "invalid_value", "body.state"),
            ("purge", None, "invalid_value", "body.states"),
            ("purge", {"states": []}, "invalid_value", "body.states"),
            ("purge", {"states": "ready"}, "invalid_value", "body.states"),
            ("purge", {"states": ["reserved"]}, "invalid_value", "body.states"),
            ("purge", {"states": [1]}, "invalid_value", "body.states"),
            ("purge?wait=1h", STATES, "invalid_value", "query.wait"),
            ("kick?wait=x", {}, "invalid_value", "query.wait"),
        ):
            with self.subTest(verb=verb, body=body):
                self.assert_refused(400, code, self.post("/v1/queues/mail/" + verb, body), where)
        for target, where in (("/v1/queues?limit=0", "query.limit"), ("/v1/queues?cursor=0", "query.cursor"),
                              ("/v1/queues/mail?a=b", "query.a"), ("/v1/jobs/1?body=2", "query.body"),
                              ("/v1/jobs/x", "path")):
            self.assertEqual(self.expect(400, self.get(target))["error"]["where"], where)
        for target, body, code, where in (
            ("/v1/reload?wait=1s", None, "unknown_key", "query.wait"),
            ("/v1/reload", {"file": "x"}, "unknown_key", "body.file"),
            ("/v1/reload", "[]", "invalid_json", "body"),
            ("/v1/actions/1/stop?wait=x", None, "invalid_value", "query.wait"),
            ("/v1/actions/1/stop", {"now": True}, "unknown_key", "body.now"),
            ("/v1/actions/1/stop", "{", "invalid_json", "body"),
        ):
            with self.subTest(target=target, body=body):
                self.assert_refused(400, code, self.post(target, body), where)
        self.assert_refused(400, "unknown_key", self.get("/v1/actions?state=done"), "query.state")
        self.assert_refused(400, "invalid_value", self.get("/v1/actions/1?wait=1h"), "query.wait")
        self.assert_refused(404, "no_such_action", self.get("/v1/actions/1"))
        self.assert_refused(404, "no_such_action", self.get("/v1/actions/x"))
        self.assertEqual(self.expect(200, self.get("/v1/actions"))["actions"], [])


class Changes(QueueTest):

    def test_a_pause_holds_jobs_back_until_it_is_resumed_and_both_are_logged(self):
        daemon = self.start("queues: { mail: {} }\n")
        client = self.connect()
        self.fill(client, 1)
        paused = self.expect(200, self.post("/v1/queues/mail/pause"))
        self.assertEqual(paused["paused"], {"left_seconds": None})
        client.send(b"reserve-with-timeout 0\r\n")
        self.assertEqual(client.line(), b"TIMED_OUT")
        resumed = self.expect(200, self.post("/v1/queues/mail/resume"))
        self.assertIsNone(resumed["paused"])
        self.reserve(client)
        for event in ("queue_paused", "queue_resumed"):
            entry = daemon.wait_for(event)
            self.assertEqual((entry["queue"], entry["uid"], entry["pid"]), ("mail", os.getuid(), os.getpid()))

    def test_a_pause_with_a_length_says_what_is_left(self):
        self.start("queues: { mail: {} }\n")
        left = self.expect(200, self.post("/v1/queues/mail/pause", {"for": "1h"}))["paused"]["left_seconds"]
        self.assertTrue(0 < left <= 3600, left)

    def test_a_pause_without_an_end_survives_a_restart(self):
        daemon = self.start("queues: { mail: {} }\n", ON_DISK)
        self.expect(200, self.post("/v1/queues/mail/pause"))
        daemon.signal(9)
        daemon.wait()
        self.start("queues: { mail: {} }\n", ON_DISK)
        self.assertEqual(self.queue()["paused"], {"left_seconds": None})

    def test_kick_makes_buried_jobs_ready_and_delayed_ones_only_if_asked_for_them(self):
        self.start("queues: { mail: {} }\n")
        client = self.connect()
        self.fill(client, 3)
        for _ in range(3):
            self.bury(client)
        self.fill(client, 2, delay=1000)
        kicked = self.expect(200, self.post("/v1/queues/mail/kick?wait=20s", {"limit": 2}))
        self.assertEqual((kicked["state"], kicked["done"], kicked["total"]), ("done", 2, 2))
        self.expect(200, self.post("/v1/queues/mail/kick?wait=20s"))
        self.assertEqual(self.queue()["jobs"], {"ready": 3, "reserved": 0, "delayed": 2, "buried": 0})
        self.expect(200, self.post("/v1/queues/mail/kick?wait=20s", {"state": "delayed"}))
        self.assertEqual(self.queue()["jobs"]["ready"], 5)

    def test_purge_deletes_the_jobs_of_the_named_states_and_never_a_held_one(self):
        daemon = self.start("queues: { mail: {} }\n")
        client = self.connect()
        self.fill(client, 2600)
        self.fill(client, 5, delay=1000)
        self.bury(client)
        held = self.reserve(client)
        purged = self.purge(["ready"])
        self.assertEqual((purged["state"], purged["done"], purged["total"]), ("done", 2598, 2598))
        self.assertEqual(self.queue()["jobs"], {"ready": 0, "reserved": 1, "delayed": 5, "buried": 1})
        self.assertEqual(self.purge(STATES["states"])["done"], 6)
        self.assertEqual(self.queue()["jobs"], {"ready": 0, "reserved": 1, "delayed": 0, "buried": 0})
        client.send(b"delete %d\r\n" % held)
        self.assertEqual(client.line(), b"DELETED")
        begun = daemon.wait_for("action_began")
        self.assertEqual((begun["kind"], begun["target"], begun["uid"], begun["pid"]),
                         ("purge", "mail", os.getuid(), os.getpid()))
        self.assertEqual(daemon.wait_for("action_ended")["done"], 2598)
        self.assertEqual([one["id"] for one in self.expect(200, self.get("/v1/actions"))["actions"]], [2, 1])

    def test_a_purge_goes_on_when_its_client_dies(self):
        daemon = self.start("queues: { mail: {} }\n", ON_DISK)
        self.fill(self.connect(), 5000)
        body = json.dumps({"states": ["ready"]}).encode()
        with socket.socket(socket.AF_UNIX) as dying:
            dying.connect(self.socket)
            dying.sendall(b"POST /v1/queues/mail/purge?wait=20s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" %
                          (len(body), body))
            daemon.wait_for("action_began")
        ended = self.ended({"id": 1})
        self.assertEqual((ended["state"], ended["done"]), ("done", 5000))
        self.assertEqual(self.queue()["jobs"]["ready"], 0)

    def test_a_request_that_is_repeated_with_its_key_begins_no_second_action(self):
        self.start("queues: { mail: {}, other: {} }\n")
        client = self.connect()
        self.fill(client, 3)
        key = {"Idempotency-Key": "a1"}
        first = self.expect(200, self.post("/v1/queues/mail/purge?wait=20s", {"states": ["ready"]}, **key))
        self.fill(client, 3)
        again = self.expect(200, self.post("/v1/queues/mail/purge?wait=20s", {"states": ["ready"]}, **key))
        self.assertEqual((again["id"], again["done"]), (first["id"], 3))
        self.assertEqual(self.queue()["jobs"]["ready"], 3)
        self.assert_refused(409, "key_in_use", self.post("/v1/queues/other/kick", {}, **key))

    def test_forty_purges_of_one_queue_delete_each_job_once(self):
        self.start("queues: { mail: {} }\n", ON_DISK)
        self.fill(self.connect(), 3000)
        answers = [self.post("/v1/queues/mail/purge", {"states": ["ready"]}) for _ in range(40)]
        for status, content in answers:
            self.assertIn(status, (200, 202, 429), content)
        ended = [self.ended(content) for status, content in answers if status != 429]
        self.assertEqual(sum(one["done"] for one in ended), 3000, "each job is deleted once")

    def test_a_kill_in_the_middle_of_a_purge_loses_and_resurrects_nothing(self):
        daemon = self.start("queues: { mail: {}, other: {} }\n", ON_DISK)
        kept = self.fill(self.connect("other"), 10)
        client = self.connect()
        ids = self.fill(client, 20_000)
        held = self.reserve(client)
        _, action = self.post("/v1/queues/mail/purge", {"states": ["ready"]})
        while action["done"] == 0 and action["state"] == "running":
            _, action = self.get("/v1/actions/1")
        daemon.signal(9)
        daemon.wait()
        self.start("queues: { mail: {}, other: {} }\n", ON_DISK)
        left = self.existing(ids)
        self.assertIn(held, left)
        self.assertLessEqual(len(left), len(ids) - action["done"], "an acknowledged delete came back")
        # Oldest first, whole slices: what is left is the end of the row, and the held job.
        self.assertEqual([job for job in left if job != held], ids[len(ids) - (len(left) - 1):])
        self.assertEqual(self.queue("other")["jobs"]["ready"], len(kept))

    def test_a_purge_stops_when_the_daemon_drains(self):
        daemon = self.start("queues: { mail: {} }\n", ON_DISK)
        self.fill(self.connect(), 20_000)
        self.post("/v1/queues/mail/purge", {"states": ["ready"]})
        daemon.signal()
        self.assertEqual(daemon.wait(), 0)
        (ended,) = daemon.entries("action_ended")
        self.assertIn(ended["state"], ("stopped", "done"))
        self.start("queues: { mail: {} }\n", ON_DISK)
        self.assertEqual(self.queue()["jobs"]["ready"], 20_000 - ended["done"])

    def test_a_reload_applies_the_file_or_says_what_is_wrong_with_it(self):
        daemon = self.start("queues: { mail: {} }\n")
        self.assertEqual(self.expect(200, self.post("/v1/reload"))["result"], "applied")
        path = os.path.join(self.folder, "settings.yaml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.write(text.replace("mail: {}", "mail: { max_jobs: 5 }"))
        answer = self.expect(200, self.post("/v1/reload"))
        self.assertEqual((answer["result"], len(answer["changes"])), ("applied", 1), answer)
        self.assertEqual(self.queue()["limits"]["max_jobs"], 5)
        self.assertEqual(daemon.wait_for("reload_requested")["uid"], os.getuid())
        self.write(text.replace("mail: {}", "mail: { max_job: 5, overflow: wait }"))
        answer = self.expect(409, self.post("/v1/reload"))
        self.assertEqual(answer["result"], "invalid")
        self.assertEqual([(one["key"], one["line"]) for one in answer["complaints"]],
                         [("queues.mail.max_job", 5), ("queues.mail.overflow", 5)])
        self.assertEqual(self.queue()["limits"]["max_jobs"], 5)
        self.write(text.replace("control.sock", "other.sock"))
        answer = self.expect(409, self.post("/v1/reload"))
        self.assertEqual([one["key"] for one in answer["complaints"]], ["daemon.control"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
