"""A real Prometheus that scrapes daemons every second, and answers queries."""

import http.client
import json
import os
import socket
import subprocess
import time
import urllib.parse

from support import PATIENCE, DaemonTest


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class PrometheusTest(DaemonTest):
    def query(self, port, expression):
        """The value of an expression with one series, or None while there is none (or no server yet)."""
        return next(iter(self.values(port, expression)), None)

    def values(self, port, expression):
        """Of each series of an expression; none while there is no server yet."""
        return [float(series["value"][1]) for series in self.data(port, "query", query=expression).get("result", [])]

    def label_values(self, port, selector, label):
        """The values of a label of the series of a selector, in order; none while there is no server yet."""
        return sorted(self.data(port, f"label/{label}/values", **{"match[]": selector}))

    def data(self, port, path, **parameters):
        """What the HTTP API answers; empty while there is no server yet."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            connection.request("GET", f"/api/v1/{path}?" + urllib.parse.urlencode(parameters))
            return json.loads(connection.getresponse().read())["data"]
        except (OSError, ValueError, KeyError, http.client.HTTPException):
            return {}
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

    def prometheus(self, *scraped, rules=""):
        """A Prometheus that scrapes these ports every second and evaluates this file of rules; its own port."""
        targets = ", ".join(f"'127.0.0.1:{port}'" for port in scraped)
        config = self.write(
            "global: { scrape_interval: 1s, evaluation_interval: 1s }\n"
            f"rule_files: [ {rules} ]\n"
            f"scrape_configs: [ {{ job_name: millrace, static_configs: [ {{ targets: [{targets}] }} ] }} ]\n",
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
        self.addCleanup(server.wait, PATIENCE)
        self.addCleanup(server.terminate)
        return port
