"""The control API of a daemon as a test uses it: every answer is checked against deploy/openapi.yaml."""

import http.client
import json
import os
import socket
import subprocess

from openapi import Description
from support import PATIENCE, ROOT, DaemonTest, MILLRACED

MILLRACE = os.path.join(os.path.dirname(MILLRACED), "millrace")
DESCRIPTION = Description(os.path.join(ROOT, "deploy", "openapi.yaml"))
ASKED = set()  # the described operations that some test has called


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

    def start(self, text="", daemon=""):
        settings = self.write("daemon:\n  http: off\n  control: unix:control.sock\n  beanstalk: unix:beanstalk.sock\n" +
                              daemon + text)
        return self.daemon(settings).started()

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
        ASKED.add(DESCRIPTION.check(method, target, answer.status, content))
        return answer.status, content

    def get(self, target):
        return self.ask("GET", target)

    def post(self, target, body=None, **headers):
        return self.ask("POST", target, body, headers)

    def expect(self, status, answer):
        self.assertEqual(answer[0], status, answer)
        return answer[1]

    def assert_refused(self, status, code, answer, where=None):
        self.assertEqual((answer[0], answer[1]["error"]["code"]), (status, code), answer)
        if where is not None:
            self.assertEqual(answer[1]["error"]["where"], where, answer)

    def client(self, *words, address=None):
        """The program millrace with these words."""
        address = address or "unix:" + self.socket
        return subprocess.run([MILLRACE, *words, "--control", address], capture_output=True, text=True,
                              timeout=PATIENCE)
