"""The control API of a daemon as a test uses it: every answer is checked against deploy/openapi.yaml."""

import http.client
import json
import os
import socket
import subprocess

from beanstalk_wire import Wire, put
from openapi import Description
from support import PATIENCE, ROOT, DaemonTest, MILLRACED

MILLRACE = os.path.join(os.path.dirname(MILLRACED), "millrace")
DESCRIPTION = Description(os.path.join(ROOT, "deploy", "openapi.yaml"))


class UnixConnection(http.client.HTTPConnection):

    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self.path)


class ControlTest(DaemonTest):
    """A test with a daemon whose control socket is in the test's folder."""

    def setUp(self):
        super().setUp()
        self.socket = os.path.join(self.folder, "control.sock")
        self.beanstalk = os.path.join(self.folder, "beanstalk.sock")

    def start(self, text="", daemon="", **options):
        settings = self.write("daemon:\n  http: off\n  control: unix:control.sock\n  beanstalk: unix:beanstalk.sock\n" +
                              daemon + text)
        return self.daemon(settings, **options).started()

    def ask(self, method, target, body=None, headers=None):
        """The status and the content of one answer."""
        connection = UnixConnection(self.socket)
        try:
            text = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
            connection.request(method, target, text, headers or {})
            answer = connection.getresponse()
            content = json.loads(answer.read())
        finally:
            connection.close()
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        DESCRIPTION.check(method, target, answer.status, content)
        return answer.status, content

    def get(self, target):
        return self.ask("GET", target)

    def post(self, target, body=None, **headers):
        return self.ask("POST", target, body, headers)

    def expect(self, status, answer):
        self.assertEqual(answer[0], status, answer)
        return answer[1]

    def all_jobs(self, queue):
        """All jobs of a queue, with their bodies."""
        jobs, keys = [], "body=1"
        while True:
            page = self.expect(200, self.get(f"/v1/queues/{queue}/jobs?limit=100&{keys}"))
            jobs += page["jobs"]
            if page["next_cursor"] is None:
                return jobs
            keys = f"cursor={page['next_cursor']}"

    def assert_refused(self, status, code, answer, location=None):
        self.assertEqual((answer[0], answer[1]["error"]["code"]), (status, code), answer)
        if location is not None:
            self.assertEqual(answer[1]["error"]["where"], location, answer)

    def client(self, *words, address=None):
        """The program millrace with these words."""
        address = address or "unix:" + self.socket
        return subprocess.run([MILLRACE, *words, "--control", address], capture_output=True, text=True,
                              timeout=PATIENCE)


class QueueTest(ControlTest):
    """A test that fills queues as a client of the protocol."""

    def connect(self, queue="mail"):
        client = Wire(self.beanstalk)
        self.addCleanup(client.close)
        client.send(b"use %b\r\nwatch %b\r\nignore default\r\n" % ((queue.encode(),) * 2))
        for _ in range(3):
            client.line()
        return client

    def fill(self, client, count, delay=0, body=b"hello"):
        """The ids of so many jobs."""
        ids = []
        for begin in range(0, count, 500):
            some = min(500, count - begin)
            client.send(put(body, delay=delay) * some)
            ids += [int(client.line().split()[1]) for _ in range(some)]
        return ids

    def reserve(self, client):
        client.send(b"reserve\r\n")
        _, job, length = client.line().split()
        client.receive(int(length) + 2)
        return int(job)

    def bury(self, client):
        job = self.reserve(client)
        client.send(b"bury %d 0\r\n" % job)
        self.assertEqual(client.line(), b"BURIED")
        return job

    def existing(self, ids):
        """Those of the jobs that exist."""
        with Wire(self.beanstalk) as client:
            found = []
            for begin in range(0, len(ids), 500):
                some = ids[begin:begin + 500]
                client.send(b"".join(b"peek %d\r\n" % job for job in some))
                for job in some:
                    answer = client.line().split()
                    if answer[0] == b"FOUND":
                        client.receive(int(answer[2]) + 2)
                        found.append(job)
            return found

    def queue(self, name="mail"):
        return self.expect(200, self.get("/v1/queues/" + name))

    def purge(self, states, name="mail"):
        return self.expect(200, self.post(f"/v1/queues/{name}/purge?wait=20s", {"states": states}))

    def ended(self, action):
        while True:
            status, facts = self.get(f"/v1/actions/{action['id']}?wait=20s")
            if status == 200:
                return facts
