#!/usr/bin/env python3
"""Where bodies live: what a put, a release and a delete write to the log of a data file, in pages a job, when bodies
stand in the row of their job, as they do, and when they have a table of their own. Counts pages, so that it says the
same on any machine.

    tests/bench/store_layout.py [--page 4096]
"""
import argparse
import os
import pathlib
import sqlite3
import sys
import tempfile

COLUMNS = ("id INTEGER PRIMARY KEY, queue, state, urgency, ttr, put_at, delay, due, "
           "burying, reserves, timeouts, releases, buries, kicks, error TEXT, checksum, body BLOB")
PUT = ("INSERT INTO job VALUES(?1, 1, 0, 1024, 60000000000, 1763700000000000000 + ?1, 0, 0, 0, 0, 0, 0, 0, 0, "
       "'', 8070450532247928832 + ?1, ?2)")
JOBS = 16_384
LOG_HEAD, FRAME_HEAD = 32, 24


class File:
    def __init__(self, folder: str, page: int, apart: bool):
        self.path, self.page, self.apart = pathlib.Path(folder) / "layout.db", page, apart
        self.data = sqlite3.connect(self.path, isolation_level=None)
        for setting in (f"page_size = {page}", "auto_vacuum = INCREMENTAL", "journal_mode = WAL", "synchronous = OFF",
                        "wal_autocheckpoint = 0", "cache_size = -32768"):
            self.data.execute("PRAGMA " + setting)
        self.data.execute(f"CREATE TABLE job({COLUMNS})")
        self.data.execute("CREATE TABLE body(id INTEGER PRIMARY KEY, body BLOB)")

    def put(self, job: int, body: bytes) -> None:
        self.data.execute(PUT, (job, None if self.apart else body))
        if self.apart:
            self.data.execute("INSERT INTO body VALUES(?1, ?2)", (job, body))

    def release(self, job: int, _: bytes) -> None:
        self.data.execute("UPDATE job SET reserves = reserves + 1, releases = releases + 1 WHERE id = ?1", (job,))

    def delete(self, job: int, _: bytes) -> None:
        self.data.execute("DELETE FROM job WHERE id = ?1", (job,))
        if self.apart:
            self.data.execute("DELETE FROM body WHERE id = ?1", (job,))

    def pages_a_job(self, do, body: bytes, batch: int) -> float:
        for first in range(1, JOBS + 1, batch):
            self.data.execute("BEGIN")
            for job in range(first, first + batch):
                do(job, body)
            self.data.execute("COMMIT")
        log = os.stat(f"{self.path}-wal").st_size - LOG_HEAD
        self.data.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return log / (self.page + FRAME_HEAD) / JOBS


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--page", type=int, default=4096, help="bytes (default 4096)")
    page = options.parse_args().page
    print(f"pages of {page} B written to the log, a job: in the job's row / in a table of their own\n")
    print("| body, batch | put | release | delete |\n|---|---|---|---|")
    for size in (64, 1_024, 4_096, 65_536):
        for batch in (8, 64, 512):
            cells = []
            for apart in (False, True):
                with tempfile.TemporaryDirectory() as folder:
                    file, body = File(folder, page, apart), bytes(size)
                    cells.append([file.pages_a_job(do, body, batch) for do in (file.put, file.release, file.delete)])
                    file.data.close()
            print(f"| {size} B, {batch} | " + " | ".join(f"{one:.2f} / {other:.2f}" for one, other in zip(*cells)) +
                  " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
