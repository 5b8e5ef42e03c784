"""A client of the control API for measurements: one connection, one request after another."""
import http.client
import json
import socket


class Control(http.client.HTTPConnection):
    """The control socket `path`."""

    def __init__(self, path: str, timeout: float = 60):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def ask(self, method: str, target: str, content: dict | None = None) -> dict:
        self.request(method, target, None if content is None else json.dumps(content))
        reply = self.getresponse()
        content = json.loads(reply.read())
        if reply.status >= 300:
            raise RuntimeError(f"{method} {target}: {reply.status} {content}")
        return content
