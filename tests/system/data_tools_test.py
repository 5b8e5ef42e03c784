"""The offline tools as a person runs them: fsck, dump, restore, import."""

import json
import os
import shutil
import sqlite3
import struct
import subprocess
import unittest

from beanstalk_support import Server
from beanstalk_wire import put
from durable_support import mounted
from support import MILLRACED, PATIENCE, DaemonTest, run

MILLRACE = os.environ.get("MILLRACE", os.path.join(os.path.dirname(MILLRACED), "millrace"))
DEBIANS = "/usr/bin/beanstalkd"


def tool(*words, stdin=""):
    return subprocess.run([MILLRACE, *words], input=stdin, capture_output=True, text=True, timeout=PATIENCE)


class DataTools(DaemonTest):
    def path(self, name):
        return os.path.join(self.folder, name)

    def server(self, *words, **options):
        server = Server(*words, beanstalkd=options.get("beanstalkd"))
        self.addCleanup(server.kill)
        return server

    def filled(self):
        """A data directory with two jobs, that nobody has open."""
        server = self.server("-b", self.path("data"))
        with server.connect() as wire:
            wire.ask(put(b"one") + put(b"\xff\x00", delay=1000), b"INSERTED 1\r\nINSERTED 2\r\n")
        self.assertEqual(server.stop(), 0)
        return self.path("data")

    def test_a_damaged_row_is_named(self):
        data = self.filled()
        self.assertEqual((tool("fsck", data).returncode, tool("fsck", data).stdout),
                         (0, "2 jobs in 1 queues: 0 faults\n"))
        with sqlite3.connect(data + "/millrace.db") as file:
            file.execute("UPDATE job SET state = 9 WHERE id = 2")
        file.close()
        said = tool("fsck", data)
        self.assertEqual(said.returncode, 1, said.stderr)
        self.assertIn("row 2 of table job: its state is out of range: 9\n", said.stdout)

    def test_a_running_daemon_is_not_disturbed(self):
        self.server("-b", self.path("data"))
        for words in (["fsck"], ["dump"], ["restore"]):
            said = tool(*words, self.path("data"))
            self.assertEqual(said.returncode, 3, words)
            self.assertIn("in use by another process", said.stderr)

    def test_a_dump_is_restored(self):
        lines = tool("dump", self.filled()).stdout
        jobs = [line for line in map(json.loads, lines.splitlines()) if "id" in line]
        self.assertEqual([(job["id"], job["state"]) for job in jobs], [(1, "ready"), (2, "delayed")])
        self.assertEqual((jobs[0]["body"], jobs[1]["body_base64"]), ("one", "/wA="))
        said = tool("restore", self.path("other"), stdin=lines)
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertEqual(tool("dump", self.path("other")).stdout, lines)
        self.assertEqual(tool("restore", self.path("other"), stdin=lines).returncode, 1)

    def test_an_id_above_the_highest_is_not_restored(self):
        mark, job, *_ = tool("dump", self.filled()).stdout.splitlines()
        for number in (2**60, 2**63 - 1, 2**64 - 1):
            said = tool("restore", self.path("new"), stdin=mark + "\n" + json.dumps(dict(json.loads(job), id=number)))
            self.assertEqual(said.returncode, 1)
            self.assertIn("line 2: id %d is out of range: the highest is 1152921504606846975" % number, said.stderr)
            self.assertFalse(os.path.exists(self.path("new")))

    def test_the_last_ids_are_given_out_and_puts_beyond_them_are_refused(self):
        highest = 2**60 - 1
        log, data = self.path("log"), self.path("data")
        os.mkdir(log)
        with open(log + "/binlog.1", "wb") as file:
            file.write(struct.pack("=i", 7) + self.record(highest - 2, body=b"one", name=b"default"))
        self.assertEqual(tool("import", "--from", "beanstalkd-binlog", log, data).returncode, 0)
        for start in range(2):
            server = self.server("-b", data)
            with server.connect() as wire:
                if start == 0:
                    wire.ask(put(b"a", 20) + put(b"b", 20), b"INSERTED %d\r\nINSERTED %d\r\n" % (highest - 1, highest))
                    wire.ask(b"reserve\r\n", b"RESERVED %d 3\r\none\r\n" % (highest - 2))
                    wire.ask(b"delete %d\r\n" % (highest - 2), b"DELETED\r\n")
                wire.ask(put(b"c") + put(b"d", delay=1), b"OUT_OF_MEMORY\r\nOUT_OF_MEMORY\r\n")
                wire.ask(b"reserve-job %d\r\n" % highest, b"RESERVED %d 1\r\nb\r\n" % highest)
                for number in (0, 2**60, 2**63 - 1, 2**63, 2**64 - 1):
                    wire.ask(b"reserve-job %d\r\npeek %d\r\n" % (number, number), b"NOT_FOUND\r\nNOT_FOUND\r\n")
                wire.ask(b"delete %d\r\nkick-job %d\r\n" % (2**64 - 1, 2**64 - 1), b"NOT_FOUND\r\nNOT_FOUND\r\n")
                server.wait_for("job_ids_exhausted")
            self.assertEqual(server.stop(), 0)
        self.assertEqual(tool("fsck", data).stdout, "2 jobs in 1 queues: 0 faults\n")

    def test_wrong_arguments_of_the_data_tools_are_exit_2(self):
        for words in (["fsck"], ["dump", "--what"], ["restore"], ["import", self.path("a"), self.path("b")]):
            self.assertEqual(tool(*words).returncode, 2, words)
        for word in ("fsck", "dump", "restore", "import"):
            said = tool(word, "--help")
            self.assertEqual((said.returncode, said.stderr), (0, ""))
            self.assertTrue(said.stdout.startswith("millrace " + word), said.stdout)
        self.assertEqual(tool("fsck", self.path("nowhere")).returncode, 3)
        self.assertFalse(os.path.exists(self.path("nowhere")))

    def test_a_copy_that_cannot_be_written_is_checked_with_its_log(self):
        copy = self.path("copy")
        with mounted(self, copy, "size=8m"):
            data = self.filled()
            shutil.copy(os.path.join(data, "millrace.db"), copy)
            # Rows that are only in the log are checked too: they are part of the data.
            file = sqlite3.connect(os.path.join(copy, "millrace.db"), isolation_level=None)
            file.execute("PRAGMA wal_autocheckpoint = 0")
            file.execute("UPDATE job SET state = 12 WHERE id = (SELECT min(id) FROM job)")
            # The end of the last connection would copy the log into the file.
            os.mkdir(self.path("kept"))
            for name in ("millrace.db", "millrace.db-wal"):
                shutil.copy(os.path.join(copy, name), self.path("kept"))
            file.close()
            for name in ("millrace.db", "millrace.db-wal"):
                shutil.copy(os.path.join(self.path("kept"), name), copy)
            subprocess.run(["mount", "-o", "remount,ro", copy], check=True)
            said = tool("fsck", copy)
            self.assertEqual(said.returncode, 1, said)
            self.assertIn("its state is out of range: 12", said.stdout)
            self.assertRegex(tool("dump", copy).stderr, "cannot be written .*Read-only file system")

    def test_a_copy_that_cannot_be_written_and_has_no_log_is_checked(self):
        copy = self.path("copy")
        with mounted(self, copy, "size=8m"):
            shutil.copy(os.path.join(self.filled(), "millrace.db"), copy)
            subprocess.run(["mount", "-o", "remount,ro", copy], check=True)
            said = tool("fsck", copy)
            self.assertEqual((said.returncode, said.stderr), (0, ""), said)
            self.assertRegex(said.stdout, r"^\d+ jobs in 1 queues: 0 faults")

    def test_a_restore_that_fails_leaves_no_data_behind(self):
        lines = tool("dump", self.filled()).stdout
        self.assertEqual(tool("restore", self.path("new"), stdin=lines + "{}\n").returncode, 1)
        self.assertFalse(os.path.exists(self.path("new")))
        os.mkdir(self.path("there"))
        self.assertEqual(tool("restore", self.path("there"), stdin="nonsense").returncode, 1)
        self.assertEqual(os.listdir(self.path("there")), ["millrace.lock"])

    def test_a_dump_that_was_cut_is_not_restored(self):
        lines = tool("dump", self.filled()).stdout.splitlines(keepends=True)
        cut = "".join(lines[:-2])
        said = tool("restore", self.path("new"), stdin=cut)
        self.assertEqual(said.returncode, 1, said.stderr)
        self.assertIn("the dump ends after line 2 (job 1), without", said.stderr)
        self.assertFalse(os.path.exists(self.path("new")))
        said = tool("restore", "--partial", self.path("new"), stdin=cut)
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn("1 jobs restored", said.stderr)
        self.assertEqual(tool("restore", "--partial").returncode, 2)

    def test_a_directory_with_a_log_of_beanstalkd_is_refused(self):
        log = self.path("log")
        os.mkdir(log)
        with open(log + "/binlog.1", "wb") as file:
            file.write(struct.pack("=i", 7) + self.record(1))
        remedy = "millrace import --from beanstalkd-binlog %s NEW_DATA_DIR" % log
        ended = run("-l", "127.0.0.1", "-p", "0", "-b", log)
        self.assertEqual(ended.returncode, 3, ended.stderr)
        self.assertIn(remedy, ended.stderr)
        for words in (["restore", log], ["import", "--from", "beanstalkd-binlog", log, log]):
            said = tool(*words)
            self.assertEqual(said.returncode, 3, said.stderr)
            self.assertIn(remedy, said.stderr)
        self.assertEqual(os.listdir(log), ["binlog.1"])

    def test_a_restore_onto_a_disk_that_is_too_small_leaves_nothing_there(self):
        mark, job, *_ = tool("dump", self.filled()).stdout.splitlines()
        jobs = (dict(json.loads(job), id=number, body="x" * 10_000) for number in range(1, 301))
        lines = "\n".join([mark, *map(json.dumps, jobs)]) + "\n"
        disk = self.path("disk")
        with mounted(self, disk, "size=1m"):
            said = tool("restore", "--partial", disk + "/data", stdin=lines)
            self.assertEqual(said.returncode, 1, said.stderr)
            self.assertIn(disk + "/data/millrace.db: ", said.stderr)
            self.assertEqual(os.listdir(disk), [])

    def test_a_file_of_a_newer_version_is_no_start(self):
        data = self.filled()
        with sqlite3.connect(data + "/millrace.db") as file:
            file.execute("PRAGMA user_version = 4711")
        file.close()
        for word in ("fsck", "dump", "restore"):
            said = tool(word, data)
            self.assertEqual(said.returncode, 3, said.stderr)
            self.assertIn("newer", said.stderr)

    def record(self, number, body=b"body", name=b"jobs", delay=0, ttr=60 * 10**9, state=1):
        """As beanstalkd 1.12 writes it."""
        facts = struct.pack("=QI4xqqi4xqq5IB3x", number, 10, delay, ttr, len(body) + 2, 0, 0, 0, 0, 0, 0, 0, state)
        return struct.pack("=i", len(name)) + name + facts + (body + b"\r\n" if name else b"")

    def test_a_log_that_means_nothing_is_not_imported(self):
        log = self.path("log")
        os.mkdir(log)
        good = struct.pack("=i", 7) + self.record(1)
        for bad, reason in [
            (self.record(2**63), "id 9223372036854775808 is out of range: the highest is 1152921504606846975"),
            (self.record(2**60), "id 1152921504606846976 is out of range: the highest is 1152921504606846975"),
            (self.record(2, delay=-1), "no job has such a delay"),
            (self.record(2, ttr=-1), "no job has such a delay or time to run"),
            (self.record(2, state=5), "no job has that state"),
            (self.record(2, name=b"x" * 201), "no name has that length"),
        ]:
            with self.subTest(reason=reason):
                with open(log + "/binlog.1", "wb") as file:
                    file.write(good + bad)
                said = tool("import", "--from", "beanstalkd-binlog", log, self.path("data"))
                self.assertEqual(said.returncode, 1, said.stderr)
                self.assertIn("binlog.1: byte %d: %s" % (len(good), reason), said.stderr)
                self.assertFalse(os.path.exists(self.path("data")))

    def test_a_log_in_several_files_is_imported_as_it_ended(self):
        log = self.path("log")
        os.mkdir(log)
        files = {
            1: self.record(1) + self.record(2, state=2) + self.record(3),
            2: self.record(1, name=b"", state=3) +
            self.record(9, name=b"", state=1),  # 9: its full record was in a file that is gone
            10: self.record(3, name=b"", state=0) + b"\0" * 500,
        }
        for number, records in files.items():
            with open("%s/binlog.%d" % (log, number), "wb") as file:
                file.write(struct.pack("=i", 7) + records)
        said = tool("import", "--from", "beanstalkd-binlog", log, self.path("data"))
        self.assertEqual(said.returncode, 0, said.stderr)
        lines = [json.loads(line) for line in tool("dump", self.path("data")).stdout.splitlines()]
        self.assertEqual(lines[0], {"ids_up_to": 9})
        self.assertEqual([(job["id"], job["state"], job["body"], job["ttr_ns"]) for job in lines[1:-1]],
                         [(2, "ready", "body", 60 * 10**9), (1, "buried", "body", 60 * 10**9)])

    @unittest.skipUnless(os.path.exists(DEBIANS), "no beanstalkd to make a log")
    def test_a_beanstalkd_s_log_is_imported_and_served(self):
        log = self.path("log")
        os.mkdir(log)
        theirs = self.server("-b", log, "-f0", beanstalkd=DEBIANS)
        with theirs.connect() as wire:
            wire.ask(b"use jobs\r\nwatch jobs\r\n", b"USING jobs\r\nWATCHING 2\r\n")
            for number, (body, delay) in enumerate([(b"plain", 0), (b"later", 1000), (b"buried", 0), (b"gone", 0),
                                                    (b"back", 0), (b"", 0)], 1):
                wire.ask(put(body, priority=10, delay=delay), b"INSERTED %d\r\n" % number)
            for number, body in [(3, b"buried"), (4, b"gone"), (5, b"back"), (6, b"")]:
                wire.ask(b"reserve-job %d\r\n" % number, b"RESERVED %d %d\r\n%b\r\n" % (number, len(body), body))
            # beanstalkd writes a release only if it has a delay. The burying comes last: its record does not end in
            # more zeros than its padding.
            wire.ask(b"delete 4\r\n", b"DELETED\r\n").ask(b"release 5 3 0\r\nrelease 6 3 500\r\n",
                                                          b"RELEASED\r\nRELEASED\r\n")
            wire.ask(b"bury 3 7\r\n", b"BURIED\r\n")
            self.assertEqual(
                tool("import", "--from", "beanstalkd-binlog", log, self.path("data")).returncode, 3, "it runs")
            theirs.kill()
        with open(log + "/binlog.1", "rb") as file:
            whole = file.read()
        # As if it had died while it wrote a seventh job.
        records = whole.rstrip(b"\0")
        records += b"\0" * 3
        first = whole.index(b"\4\0\0\0jobs")
        shutil.rmtree(log)
        os.mkdir(log)
        with open(log + "/binlog.1", "wb") as file:
            file.write(records + whole[first:first + 40])
        said = tool("import", "--from", "beanstalkd-binlog", log, self.path("data"))
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn("is not finished", said.stderr)
        self.assertIn("5 jobs imported", said.stderr)
        self.assertEqual(tool("fsck", self.path("data")).returncode, 0)

        ours = self.server("-b", self.path("data"))
        with ours.connect() as wire:
            wire.ask(b"use jobs\r\nwatch jobs\r\n", b"USING jobs\r\nWATCHING 2\r\n")
            wire.ask(b"peek-buried\r\n", b"FOUND 3 6\r\nburied\r\n").ask(b"peek-delayed\r\n", b"FOUND 6 0\r\n\r\n")
            wire.ask(b"reserve\r\nreserve\r\n", b"RESERVED 1 5\r\nplain\r\nRESERVED 5 4\r\nback\r\n")
            wire.ask(b"peek 2\r\n", b"FOUND 2 5\r\nlater\r\n").ask(b"peek 4\r\n", b"NOT_FOUND\r\n")
        self.assertEqual(ours.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
