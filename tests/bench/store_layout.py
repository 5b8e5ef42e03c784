#!/usr/bin/env python3
"""Which tables jobs stand in: what a put, a release, a hand-out and a delete write to the log of a data file, in pages
a job, for three layouts:

    present   a row of table job with the body; counts and error in table job_history, for the jobs that have any
    one row   counts and error in the row of the job, too
    bodies    as present, but bodies in a table of their own

Counts pages, so that it says the same on any machine.

    tests/bench/store_layout.py [--page 4096]
"""
import argparse
import os
import pathlib
import sqlite3
import sys
import tempfile

HEAD = "id INTEGER PRIMARY KEY, queue, state, urgency, ttr, put_at, delay, due, burying"
COUNTS = "reserves, timeouts, releases, buries, kicks, failures"
JOB_VALUES = "?1, 1, 0, 1024, 60000000000, 1763700000000000000 + ?1, 0, 0, 0"
CHECKSUM = "8070450532247928832 + ?1"
JOBS = 16_384
LOG_HEAD, FRAME_HEAD = 32, 24
LAYOUTS = ("present", "one row", "bodies")


class File:
    def __init__(self, folder: str, page: int, layout: str):
        self.path, self.page, self.layout = pathlib.Path(folder) / "layout.db", page, layout
        self.data = sqlite3.connect(self.path, isolation_level=None)
        for setting in (f"page_size = {page}", "auto_vacuum = INCREMENTAL", "journal_mode = WAL", "synchronous = OFF",
                        "wal_autocheckpoint = 0", "cache_size = -32768"):
            self.data.execute("PRAGMA " + setting)
        if layout == "one row":
            self.data.execute(f"CREATE TABLE job({HEAD}, {COUNTS}, handed_out, error TEXT, checksum, body BLOB)")
        else:
            self.data.execute(f"CREATE TABLE job({HEAD}, checksum, body BLOB)")
            self.data.execute(f"CREATE TABLE job_history(id INTEGER PRIMARY KEY, {COUNTS}, interruptions, laters, "
                              "handed_out, first_failure, last_failure, expires_at, group_id, group_place, "
                              "reason TEXT, origin TEXT, error TEXT)")
        self.data.execute("CREATE TABLE body(id INTEGER PRIMARY KEY, body BLOB)")
        self.has_history = False

    def put(self, job: int, body: bytes) -> None:
        if self.layout == "one row":
            self.data.execute(f"INSERT INTO job VALUES({JOB_VALUES}, 0, 0, 0, 0, 0, 0, 0, '', {CHECKSUM}, ?2)",
                              (job, body))
            return
        apart = self.layout == "bodies"
        self.data.execute(f"INSERT INTO job VALUES({JOB_VALUES}, {CHECKSUM}, ?2)", (job, None if apart else body))
        if apart:
            self.data.execute("INSERT INTO body VALUES(?1, ?2)", (job, body))

    def hand_out(self, job: int, _: bytes) -> None:
        self.change(job, "handed_out = 1, reserves = 1", "1, 0, 0, 0, 0, 0, 0, 0, 1")

    def release(self, job: int, _: bytes) -> None:
        self.change(job, "handed_out = 0, releases = 1", "1, 0, 1, 0, 0, 0, 0, 0, 0")

    def change(self, job: int, columns: str, counts: str) -> None:
        if self.layout == "one row":
            self.data.execute(f"UPDATE job SET {columns} WHERE id = ?1", (job, ))
        else:
            self.has_history = True
            self.data.execute(
                f"INSERT OR REPLACE INTO job_history VALUES(?1, {counts}, 0, 0, 0, 0, 0, '', '', '')", (job, ))

    def delete(self, job: int, _: bytes) -> None:
        self.data.execute("DELETE FROM job WHERE id = ?1", (job, ))
        if self.layout == "bodies":
            self.data.execute("DELETE FROM body WHERE id = ?1", (job, ))
        if self.has_history:
            self.data.execute("DELETE FROM job_history WHERE id = ?1", (job, ))

    def pages_a_job(self, do, body: bytes, batch: int) -> float:
        for first in range(1, JOBS + 1, batch):
            self.data.execute("BEGIN")
            for job in range(first, first + batch):
                do(job, body)
            self.data.execute("COMMIT")
        log = os.stat(f"{self.path}-wal").st_size - LOG_HEAD
        self.data.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return log / (self.page + FRAME_HEAD) / JOBS


def pages(page: int, layout: str, size: int, batch: int) -> list:
    """Of the put and the delete of a plain job, then of the hand-out, the release and the delete of one that has a
    history then."""
    figures = []
    for plain in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            file, body = File(folder, page, layout), bytes(size)
            steps = (file.put, file.delete) if plain else (file.put, file.hand_out, file.release, file.delete)
            found = [file.pages_a_job(do, body, batch) for do in steps]
            figures += found if plain else found[1:]
            file.data.close()
    return figures


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--page", type=int, default=4096, help="bytes (default 4096)")
    page = options.parse_args().page
    print(f"pages of {page} B written to the log, a job: {' / '.join(LAYOUTS)}\n")
    print("| body, batch | put | delete | hand-out | release | delete with history |\n|---|---|---|---|---|---|")
    for size in (64, 1_024, 4_096, 65_536):
        for batch in (8, 64, 512):
            rows = [pages(page, layout, size, batch) for layout in LAYOUTS]
            cells = [" / ".join(f"{figure:.2f}" for figure in column) for column in zip(*rows)]
            print(f"| {size} B, {batch} | " + " | ".join(cells) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
