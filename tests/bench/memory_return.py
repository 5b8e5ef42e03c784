#!/usr/bin/env python3
"""Measures how much memory the daemon returns to the system after a backlog.

    tests/bench/memory_return.py build/release [--jobs 1_000_000] [--body 1024] [--wait 3]

Puts the jobs into queues in memory, deletes all of them, and prints the resident memory before the puts, after them,
and some seconds after the last delete. Use a build without sanitizers.
"""
import socket
import sys
import time

from figures import heading
from servers import Server, bench_options, leave_on_sigterm, memory

JOBS_PER_BATCH = 2_000


def ask(client: socket.socket, replies, commands: bytes, count: int, expected: bytes) -> list[bytes]:
    client.sendall(commands)
    answers = [replies.readline() for _ in range(count)]
    for answer in answers:
        if not answer.startswith(expected):
            sys.exit(f"expected {expected}, and got {answer}")
    return answers


def main() -> None:
    options = bench_options(__doc__)
    options.add_argument("--jobs", type=int, default=1_000_000, help="number of jobs (default 1_000_000)")
    options.add_argument("--body", type=int, default=1024, help="bytes of each body (default 1024)")
    options.add_argument("--wait", type=float, default=3,
                         help="seconds from the last delete to the measurement (default 3)")
    chosen = options.parse_args()
    leave_on_sigterm()
    put = b"put 0 0 60 %d\r\n%s\r\n" % (chosen.body, b"x" * chosen.body)
    with Server(chosen.built / "millraced", "--log-level", "error") as server:
        def resident_mib() -> float:
            return memory(server.process.pid, "VmRSS") / 2**20

        with socket.create_connection(("127.0.0.1", server.port)) as client, client.makefile("rb") as replies:
            before = resident_mib()
            ids = []
            while len(ids) < chosen.jobs:
                count = min(JOBS_PER_BATCH, chosen.jobs - len(ids))
                ids += [answer.split()[1] for answer in ask(client, replies, put * count, count, b"INSERTED")]
            backlog = resident_mib()
            for first in range(0, len(ids), JOBS_PER_BATCH):
                batch = ids[first:first + JOBS_PER_BATCH]
                ask(client, replies, b"".join(b"delete %s\r\n" % job for job in batch), len(batch), b"DELETED")
            time.sleep(chosen.wait)
            after = resident_mib()
    print(heading(1, "run"))
    print("| jobs | body, bytes | resident before, MiB | with the backlog | after it |")
    print("|---|---|---|---|---|")
    print(f"| {chosen.jobs:,} | {chosen.body} | {before:.0f} | {backlog:.0f} | {after:.0f} |")


main()
