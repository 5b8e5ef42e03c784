#!/usr/bin/env python3
"""A start that takes long: it can be interrupted, it answers HTTP, and the loop never stands still."""

import json
import os
import shutil
import socket
import sqlite3
import unittest

from activation_support import Activated
from beanstalk_support import BeanstalkTest
from control_support import DESCRIPTION, UnixConnection
from support import Daemon

JOBS = 400_000
ATTEMPTS = 5

FIRST_VERSION = """
  CREATE TABLE queue(
    number       INTEGER PRIMARY KEY,
    name         TEXT,
    paused_until INTEGER,
    paused_for   INTEGER);
  CREATE TABLE job(
    id       INTEGER PRIMARY KEY,
    queue    INTEGER,
    state    INTEGER,
    urgency  INTEGER,
    ttr      INTEGER,
    put_at   INTEGER,
    delay    INTEGER,
    due      INTEGER,
    burying  INTEGER,
    reserves INTEGER, timeouts INTEGER, releases INTEGER, buries INTEGER, kicks INTEGER,
    error    TEXT,
    body     BLOB);
  CREATE TABLE mark(
    name  TEXT PRIMARY KEY,
    value INTEGER) WITHOUT ROWID;
"""


class Recovery(BeanstalkTest):
    def setUp(self):
        super().setUp()
        data = os.path.join(self.folder, "data")
        os.mkdir(data)
        file = sqlite3.connect(os.path.join(data, "millrace.db"), isolation_level=None)
        file.executescript("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;" + FIRST_VERSION)
        file.execute("PRAGMA application_id = %d" % 0x6D696C6C)
        file.execute("PRAGMA user_version = 1")
        file.execute("INSERT INTO queue VALUES(1, 'jobs', 0, 0)")
        file.execute(
            "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < ?) "
            "INSERT INTO job SELECT id, 1, 0, 0, 60000000000, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', CAST('body' AS BLOB) "
            "FROM n",
            (JOBS, ),
        )
        file.close()
        self.http = os.path.join(self.folder, "http.sock")
        self.settings = self.write(
            # Recovery in one piece would take longer than this; the slices of a slow machine do not.
            "daemon: { data_dir: %s, beanstalk: '127.0.0.1:0', http: 'unix:%s', stall_threshold: 2s }\n"
            "queue_defaults: { max_jobs: 1G, max_bytes: 1024GiB }\n" % (data, self.http)
        )

    def get(self, path):
        """None while nobody listens."""
        connection = UnixConnection(self.http)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode().strip()
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        finally:
            connection.close()

    def interrupted(self):
        """A daemon that got a signal to end when it said that it recovers; its log. None: it was done before that."""
        with Daemon(self.settings) as daemon:
            while (said := self.get("/readyz")) is None or said == (503, "starting"):
                self.assertIsNone(daemon.process.poll(), "\n".join(daemon.log.all))
            self.assertEqual(self.get("/healthz"), (200, "ok"))
            daemon.signal()
            self.assertEqual(daemon.wait(), 0)
            daemon.log.rest()
            return daemon if said == (503, "recovering") and not daemon.entries("recovered") else None

    def test_a_migration_is_interrupted_and_nothing_is_lost(self):
        data = os.path.join(self.folder, "data")
        before = os.path.join(self.folder, "before")
        shutil.copytree(data, before)
        for _ in range(ATTEMPTS):
            with Daemon(self.settings) as daemon:
                daemon.wait_for("migrating")
                daemon.signal()
                self.assertEqual(daemon.wait(), 0)
                messages = [entry["message"] for entry in daemon.entries("stopped")]
            if any("migrating" in message for message in messages):
                break
            shutil.rmtree(data)
            shutil.copytree(before, data)
        else:
            self.fail("the migration was never interrupted")
        file = sqlite3.connect(os.path.join(data, "millrace.db"))
        self.assertEqual(file.execute("PRAGMA user_version").fetchone(), (1,))
        self.assertEqual(file.execute("SELECT count(*) FROM job").fetchone(), (JOBS,))
        file.close()
        with Daemon(self.settings) as daemon:
            self.assertEqual(daemon.wait_for("recovered")["jobs"], JOBS)

    def test_a_recovery_is_interrupted_and_nothing_is_lost(self):
        for _ in range(ATTEMPTS):
            if daemon := self.interrupted():
                break
        else:
            self.fail("the recovery was never interrupted")
        self.assertEqual(len(daemon.entries("stopped")), 1, daemon.log.all)
        self.assertEqual(daemon.entries("started"), [])
        with Daemon(self.settings) as daemon:
            self.assertEqual(daemon.wait_for("recovered")["jobs"], JOBS)
            daemon.wait_for("started")
            self.assertEqual(self.get("/readyz"), (200, "ready"))
            daemon.signal()
            self.assertEqual(daemon.wait(), 0)
            self.assertEqual(daemon.entries("loop_stalled"), [])

    def test_it_says_that_it_recovers_and_refuses_changes_meanwhile(self):
        path = os.path.join(self.folder, "control.sock")
        with socket.create_server(path, family=socket.AF_UNIX) as listening:
            # These requests are there when it begins, so they are answered in its first turns.
            asking, changing = UnixConnection(path), UnixConnection(path)
            asking.request("GET", "/v1/status")
            changing.request("POST", "/v1/reload")
            daemon = Activated([listening], ["control"], "--config", self.settings)
            self.addCleanup(daemon.kill)
            status = self.answer(asking, "GET", "/v1/status", 200)
            self.assertEqual((status["state"], status["ready"], status["problem"]),
                             ("recovering", False, "recovering"))
            refused = self.answer(changing, "POST", "/v1/reload", 503)
            self.assertEqual(refused["error"]["code"], "recovering")
            daemon.wait_for("started")
            asking.request("GET", "/v1/status")
            status = self.answer(asking, "GET", "/v1/status", 200)
            self.assertEqual((status["state"], status["jobs"]["ready"]), ("running", JOBS))
            asking.close()
            changing.close()

    def answer(self, connection, method, target, status):
        """The content of an answer that deploy/openapi.yaml describes."""
        answer = connection.getresponse()
        content = json.loads(answer.read())
        self.assertEqual(answer.status, status, content)
        DESCRIPTION.check(method, target, status, content)
        return content


if __name__ == "__main__":
    unittest.main(verbosity=2)
