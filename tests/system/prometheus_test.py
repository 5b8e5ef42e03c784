"""A real Prometheus scrapes the daemon."""

import collections
import unittest

from beanstalk_wire import Wire, put
from prometheus_support import PrometheusTest


class Prometheus(PrometheusTest):
    def test_prometheus_sees_the_daemon_up_and_its_counters_grow(self):
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
        found = self.data(port, "query", query=selector)["result"]
        return [[float(value) for _, value in series["values"]] for series in found]


def rise(values):
    """What a counter counted that began at 0: a fall would be a counter that began anew."""
    return values[0] + sum(after - before if after >= before else after for before, after in zip(values, values[1:]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
