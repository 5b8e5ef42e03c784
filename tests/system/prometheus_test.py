"""A real Prometheus scrapes the daemon."""

import http.client
import json
import os
import socket
import subprocess
import time
import unittest
import urllib.parse

from support import PATIENCE, DaemonTest


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as door:
        return door.getsockname()[1]


class Prometheus(DaemonTest):
    def query(self, port, expression):
        """The value of an expression with one series, or None while there is none (or no server yet)."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            connection.request("GET", "/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
            found = json.loads(connection.getresponse().read())["data"]["result"]
            return float(found[0]["value"][1]) if found else None
        except (OSError, ValueError, KeyError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def until(self, port, expression, reached):
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            value = self.query(port, expression)
            if value is not None and reached(value):
                return
            time.sleep(0.2)  # it scrapes once a second and tells nobody
        self.fail(f"{expression} stayed at {self.query(port, expression)}")

    def test_up_and_counting(self):
        daemon = self.daemon(
            self.settings(
                "queues: { numbers: {} }\n"
                "producers: { p: { kind: range, queue: numbers, from: 1, to: 50 } }\n"
                "consumers: { c: { queue: numbers, handler: noop } }\n"
            )
        ).started()
        config = self.write(
            "global: { scrape_interval: 1s }\n"
            f"scrape_configs: [ {{ job_name: millrace, static_configs: [ {{ targets: ['127.0.0.1:{daemon.port}'] }} ] }} ]\n",
            "prometheus.yml",
        )
        port = free_port()
        server = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={os.path.join(self.folder, 'data')}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self.until(port, 'up{job="millrace"}', lambda up: up == 1)
            self.until(port, 'millrace_jobs_finished_total{queue="numbers",outcome="ok"}', lambda done: done == 50)
        finally:
            server.terminate()
            server.wait(PATIENCE)


if __name__ == "__main__":
    unittest.main(verbosity=2)
