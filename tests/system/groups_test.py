"""Groups of jobs: the example, the control API, and exact counts after kill -9."""

import json
import os
import random
import shutil
import signal
import time
import unittest

from beanstalk_wire import put
from control_support import QueueTest
from support import CONFIG, DaemonTest, run

ON_DISK = "  data_dir: data\n"
LARGE = 10_000  # members, of which a step of an outcome writes 2,000


class Example(DaemonTest):

    def test_the_example_runs_as_written(self):
        path = os.path.join(CONFIG, "batch.yaml")
        shutil.copy(path, self.folder)
        summary, last = self.finish(os.path.join(self.folder, "batch.yaml"))
        self.assertEqual(last, "the batch is done")
        outcome = json.loads(summary)
        self.assertEqual((outcome["group"], outcome["ended"], outcome["jobs"], outcome["ok"]), ("nightly", "all", 3, 3))
        self.assertEqual([member["text"] for member in outcome["members"]], [
            "2147483647 is a prime number.", "2147483649 is not a prime number.", "4294967291 is a prime number."
        ])

    def test_a_run_until_idle_waits_for_a_large_outcome_which_is_made_in_steps(self):
        settings = self.write("queues: { numbers: { max_jobs: 10k }, out: {} }\n"
                              "producers: { n: { kind: range, queue: numbers, to: 5000, group: { then: out } } }\n"
                              "consumers:\n  work: { queue: numbers, handler: noop }\n"
                              "  tell: { queue: out, handler: print }\n")
        (line,) = self.finish(settings)
        outcome = json.loads(line)
        self.assertEqual((outcome["jobs"], outcome["ok"], len(outcome["members"])), (5000, 5000, 5000))

    def test_producers_that_wait_for_each_other_are_an_error(self):
        settings = self.write("queues: { q: {} }\nproducers:\n"
                              "  a: { kind: range, to: 1, queue: q, after: b }\n"
                              "  b: { kind: range, to: 1, queue: q, after: a }\n")
        checked = run("--config", settings, "--check")
        self.assertNotEqual(checked.returncode, 0)
        self.assertIn("producers wait for each other: a → b → a", checked.stdout + checked.stderr)


class Control(QueueTest):

    def put_group(self, **more):
        jobs = [{"body": "a"}, {"body": "b"}]
        return self.expect(201, self.post("/v1/groups", {"queue": "mail", "jobs": jobs, **more}))

    def finish_one(self, client):
        client.send(b"delete %d\r\n" % self.reserve(client))
        self.assertEqual(client.line(), b"DELETED")

    def test_jobs_put_together_end_together(self):
        self.start("queues: { mail: {}, done: {} }\n")
        group = self.put_group(name="both", then="done")
        self.assertEqual((group["state"], group["jobs"], group["ended"]), ("closed", 2, 0))
        client = self.connect()
        self.finish_one(client)
        self.assertEqual(self.expect(200, self.get(f"/v1/groups/{group['id']}"))["ended"], 1)
        self.finish_one(client)
        shown = self.expect(200, self.get(f"/v1/groups/{group['id']}"))
        self.assertEqual((shown["state"], shown["ok"], shown["outcome_put"]), ("ended", 2, True))
        self.assertEqual(self.queue("done")["jobs"]["ready"], 1)
        self.assertIn("both", self.client("group", str(group["id"])).stdout)

    def test_all_jobs_are_put_or_none(self):
        self.start("queues: { mail: { max_jobs: 1 } }\n")
        self.assert_refused(409, "refused", self.post("/v1/groups", {"queue": "mail", "jobs": [{}, {}]}))
        self.assertEqual(self.queue()["jobs"]["ready"], 0)

    def test_the_limits_of_groups_are_settings(self):
        self.start("queues: { mail: {} }\n", "  groups_max: 2\n  group_members_max: 2\n")
        three = {"queue": "mail", "jobs": [{}, {}, {}]}
        self.assert_refused(409, "refused", self.post("/v1/groups", three))
        self.put_group()
        self.put_group()
        self.assert_refused(409, "refused", self.post("/v1/groups", {"queue": "mail", "jobs": [{}]}))
        client = self.connect()
        self.finish_one(client)
        self.finish_one(client)
        self.put_group()
        self.assertEqual(self.queue()["jobs"]["ready"], 4)

    def test_a_repeated_request_puts_nothing(self):
        self.start("queues: { mail: {} }\n")
        body = {"queue": "mail", "jobs": [{"body": "a"}]}
        key = {"Idempotency-Key": "once"}
        first = self.expect(201, self.post("/v1/groups", body, **key))
        self.assertEqual(self.expect(200, self.post("/v1/groups", body, **key))["id"], first["id"])
        self.assertEqual(self.queue()["jobs"]["ready"], 1)
        self.assert_refused(409, "key_in_use", self.post("/v1/groups", {**body, "name": "other"}, **key))

    def test_bad_requests_name_the_part_that_is_wrong(self):
        self.start("queues: { mail: {} }\n")
        job = {"queue": "mail"}
        for part, body in (("body.jobs", {}), ("body.jobs", {"jobs": []}),
                           ("body.when", {"when": "soon", "jobs": [job]}),
                           ("body.then", {"then": "", "jobs": [job]}), ("body.jobs[1].queue", {"jobs": [job, {}]}),
                           ("body.jobs[0].delay", {"jobs": [{**job, "delay": "soon"}]}),
                           ("body.jobs[0].ttr", {"jobs": [{**job, "ttr": "999ms"}]}),
                           ("body.jobs[0].expire_after", {"jobs": [{**job, "expire_after": "0s"}]}),
                           ("body.jobs[0].body_base64", {"jobs": [{**job, "body_base64": "?"}]}),
                           ("body.jobs[0].priority", {"jobs": [{**job, "priority": -1}]})):
            with self.subTest(part):
                self.assert_refused(400, "invalid_value", self.post("/v1/groups", body), part)
        self.assert_refused(400, "unknown_key", self.post("/v1/groups", {"jobs": [{"size": 1}]}), "body.jobs[0]")
        self.assert_refused(404, "no_such_group", self.get("/v1/groups/1"))
        self.assert_refused(400, "invalid_value", self.get("/v1/groups/x"))

    def test_counts_are_exact_after_kill_9(self):
        text = "queues: { mail: {}, done: {} }\n"
        daemon = self.start(text, ON_DISK)
        jobs = [{"body": str(n)} for n in range(20)]
        group = self.expect(201, self.post("/v1/groups", {"queue": "mail", "then": "done", "jobs": jobs}))
        ended = 0
        while ended < len(jobs):
            client = self.connect()
            for _ in range(3):
                if ended < len(jobs):
                    self.finish_one(client)
                    ended += 1
            daemon.signal(signal.SIGKILL)
            daemon.wait()
            os.unlink(self.socket)
            os.unlink(self.beanstalk)
            daemon = self.start(text, ON_DISK)
            shown = self.expect(200, self.get(f"/v1/groups/{group['id']}"))
            self.assertEqual((shown["jobs"], shown["ended"], shown["ok"]), (20, ended, ended))
        self.assertEqual(self.queue("done")["jobs"]["ready"], 1)
        outcome = json.loads(self.first_body("done"))
        self.assertEqual([member["outcome"] for member in outcome["members"]], ["ok"] * 20)

    def test_a_large_outcome_is_put_once_whenever_the_daemon_dies(self):
        text = "queues: { mail: {}, done: {} }\n"
        daemon = self.start(text, ON_DISK)
        group = self.expect(201, self.post("/v1/groups", {"queue": "mail", "then": "done", "jobs": [{}] * LARGE}))
        client = self.connect()
        first = self.reserve(client)
        members = range(first, first + LARGE)
        client.send(b"".join(b"delete %d\r\n" % job for job in members[:-1]))
        for _ in members[:-1]:
            self.assertEqual(client.line(), b"DELETED")
        for _ in range(4):
            self.connect().send(b"delete %d\r\n" % members[-1])
            time.sleep(random.uniform(0, 0.02))  # the moment of death is any
            daemon.signal(signal.SIGKILL)
            daemon.wait()
            os.unlink(self.socket)
            os.unlink(self.beanstalk)
            daemon = self.start(text, ON_DISK)
        client = self.connect("done")
        client.send(b"delete %d\r\n" % members[-1])
        client.line()
        outcome = json.loads(self.first_body("done"))
        expected = ["ok"] + ["deleted"] * (LARGE - 1)  # a job that its holder deletes is done
        self.assertEqual([member["outcome"] for member in outcome["members"]], expected)
        self.assertEqual([member["id"] for member in outcome["members"]], list(members))
        shown = self.expect(200, self.get(f"/v1/groups/{group['id']}"))
        self.assertEqual((shown["state"], shown["ended"], shown["outcome_put"]), ("ended", LARGE, True))
        self.assertEqual(self.queue("done")["jobs"]["ready"], 0)

    def first_body(self, queue):
        client = self.connect(queue)
        client.send(b"reserve\r\n")
        _, _, length = client.line().split()
        return client.receive(int(length) + 2)[:-2]


if __name__ == "__main__":
    unittest.main(verbosity=2)
