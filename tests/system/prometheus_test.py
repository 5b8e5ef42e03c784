"""A real Prometheus scrapes the daemon."""

import collections
import http.client
import json
import os
import socket
import subprocess
import time
import unittest
import urllib.parse

from beanstalk_wire import Wire, put
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

    def prometheus(self, scraped):
        """A Prometheus that scrapes that port every second; its own port."""
        config = self.write(
            "global: { scrape_interval: 1s }\n"
            f"scrape_configs: [ {{ job_name: millrace, static_configs: [ {{ targets: ['127.0.0.1:{scraped}'] }} ] }} "
            "]\n",
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

    def test_up_and_counting(self):
        daemon = self.daemon(
            self.settings(
                "queues: { numbers: {} }\n"
                "producers: { p: { kind: range, queue: numbers, from: 1, to: 50 } }\n"
                "consumers: { c: { queue: numbers, handler: noop } }\n"
            )
        ).started()
        port = self.prometheus(daemon.port)
        self.until(port, 'up{job="millrace"}', lambda up: up == 1)
        self.until(port, 'millrace_jobs_finished_total{queue="numbers",outcome="ok"}', lambda done: done == 50)

    def test_each_job_is_counted_in_one_series_while_queues_come_and_go(self):
        daemon = self.daemon(self.settings("  beanstalk: 127.0.0.1:0\n"))
        entry = daemon.wait_for("started")
        daemon.port = int(entry["http"].rsplit(":", 1)[1])
        address = ("127.0.0.1", int(entry["beanstalk"].rsplit(":", 1)[1]))
        port = self.prometheus(daemon.port)
        self.until(port, 'up{job="millrace"}', lambda up: up == 1)
        put_in = collections.Counter()
        for sent in range(6):
            # More queues than rows, and each disappears with its client.
            for name in ["mail", *(f"reply-{sent}-{n}" for n in range(80))]:
                with Wire(address) as client:
                    client.ask(f"use {name}\r\n".encode(), f"USING {name}\r\n".encode())
                    for _ in range(500 if name == "mail" else 3):
                        client.send(put(b"job"))
                        job = client.line().split()[1].decode()
                        client.ask(f"delete {job}\r\n".encode(), b"DELETED\r\n")
                        put_in[name] += 1
            self.until(port, "sum(millrace_jobs_put_total)", lambda total: total == put_in.total())
        self.assertEqual(self.query(port, 'millrace_jobs_put_total{queue="mail"}'), put_in["mail"])
        # increase() takes the first sample of a series as its beginning and guesses up to the ends of the window; the
        # samples do neither.
        risen = sum(rise(values) for values in self.samples(port, "millrace_jobs_put_total[1h]"))
        self.assertEqual(risen, put_in.total())
        ended = sum(
            rise(values) for values in self.samples(port, 'millrace_jobs_finished_total{outcome="deleted"}[1h]'))
        self.assertEqual(ended, put_in.total())
        increase = self.query(port, 'increase(millrace_jobs_put_total{queue="mail"}[1h])')
        self.assertLessEqual(increase, put_in["mail"] * 1.2)

    def samples(self, port, selector):
        """The values of each series of a range selector, oldest first."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            connection.request("GET", "/api/v1/query?" + urllib.parse.urlencode({"query": selector}))
            found = json.loads(connection.getresponse().read())["data"]["result"]
        finally:
            connection.close()
        return [[float(value) for _, value in series["values"]] for series in found]


def rise(values):
    """What a counter counted that began at 0: a fall would be a counter that began anew."""
    return values[0] + sum(after - before if after >= before else after for before, after in zip(values, values[1:]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
