"""Each route of deploy/openapi.yaml is asked, and each change is logged with the user and the process of its client."""

import os
import unittest

from control_support import DESCRIPTION, QueueTest

QUEUES = "queues: { mail: {}, letters: {} }\n"
READY = {"state": "ready"}
# What a client can change, in this order: target, body, and the log line with the fields that name the change. The
# jobs are 1 to 3, and the only action that does not end by itself is the first.
CHANGES = (
    ("/v1/queues/mail/delete", READY | {"rate": 0.01}, "action_began", {"kind": "delete", "target": "mail"}),
    ("/v1/actions/1/stop", None, "action_stopping", {"action": 1}),
    ("/v1/queues/mail/pause", None, "queue_paused", {"queue": "mail"}),
    ("/v1/queues/mail/resume", None, "queue_resumed", {"queue": "mail"}),
    ("/v1/queues/mail/kick", None, "action_began", {"kind": "kick", "target": "mail"}),
    ("/v1/queues/mail/priority", {"priority": 5}, "action_began", {"kind": "priority", "target": "mail"}),
    ("/v1/jobs/3/cancel", None, "job_cancelled", {"job": 3, "queue": "mail"}),
    ("/v1/queues/mail/move", READY | {"to": "letters"}, "action_began", {"kind": "move", "target": "mail"}),
    ("/v1/queues/letters/redrive", {"to": "mail"}, "action_began", {"kind": "redrive", "target": "letters"}),
    ("/v1/queues/mail/cancel", READY, "action_began", {"kind": "cancel", "target": "mail"}),
    ("/v1/queues/mail/purge", {"states": ["ready"]}, "action_began", {"kind": "purge", "target": "mail"}),
    ("/v1/groups", {"queue": "mail", "name": "both", "jobs": [{}, {}]}, "group_put", {"name": "both", "jobs": 2}),
    ("/v1/backup", {"directory": "FOLDER/copy"}, "action_began", {"kind": "backup", "target": "FOLDER/copy"}),
    ("/v1/trace", {"action": "start", "file": "FOLDER/trace"}, "trace_requested", {"action": "start"}),
    ("/v1/trace", {"action": "stop"}, "trace_requested", {"action": "stop"}),
    ("/v1/reload", None, "reload_requested", {}),
)
QUESTIONS = ("/v1/status", "/v1/tasks", "/v1/queues", "/v1/queues/mail", "/v1/queues/mail/jobs", "/v1/jobs/1",
             "/v1/groups/1", "/v1/actions", "/v1/actions/1", "/v1/trace")


class Routes(QueueTest):

    def in_folder(self, values):
        return values and {key: value.replace("FOLDER", self.folder) if isinstance(value, str) else value
                           for key, value in values.items()}

    def test_each_change_is_logged_with_the_user_and_the_process_of_its_client(self):
        daemon = self.start(QUEUES, "  data_dir: data\n")
        self.assertEqual(self.fill(self.connect(), 3), [1, 2, 3])
        for target, body, event, fields in CHANGES:
            with self.subTest(target=target, body=body):
                status, answer = self.post(target, self.in_folder(body))
                self.assertIn(status, (200, 201, 202), answer)
                logged = daemon.wait_for(event)
                expected = self.in_folder(fields) | {"uid": os.getuid(), "pid": os.getpid()}
                self.assertEqual({key: logged.get(key) for key in expected}, expected)

    def test_each_question_is_answered(self):
        self.start(QUEUES, "  data_dir: data\n")
        self.expect(201, self.post("/v1/groups", {"queue": "mail", "jobs": [{}]}))
        self.post("/v1/queues/mail/kick")
        for target in QUESTIONS:
            with self.subTest(target):
                self.assertIn(self.get(target)[0], (200, 202))

    def test_these_are_all_described_routes(self):
        asked = {("post", DESCRIPTION.path_of(target)) for target, *_ in CHANGES}
        asked |= {("get", DESCRIPTION.path_of(target)) for target in QUESTIONS}
        self.assertEqual(asked, DESCRIPTION.operations)


del QueueTest

if __name__ == "__main__":
    unittest.main(verbosity=2)
