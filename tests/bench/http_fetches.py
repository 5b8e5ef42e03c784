#!/usr/bin/env python3
"""Jobs of the handler `http` beside aiohttp: fetches of a page that takes a while, time and memory of each process.

The server is a process of its own that does as little as it can. Runs alternate.
"""

import argparse
import asyncio
import multiprocessing
import os
import statistics
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))


class Page(asyncio.Protocol):
    """Answers each request after `delay` seconds."""

    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000

    def __init__(self, delay):
        self.delay, self.transport, self.received = delay, None, b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.received += data
        while b"\r\n\r\n" in self.received:
            self.received = self.received.partition(b"\r\n\r\n")[2]
            asyncio.get_running_loop().call_later(self.delay, self.transport.write, self.answer)


def serve(delay, port):
    async def run():
        server = await asyncio.get_running_loop().create_server(lambda: Page(delay), "127.0.0.1", 0, backlog=4096)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def measure(command):
    """Seconds, and the most memory that the process had, in MiB."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    if status != 0:
        raise SystemExit(f"{command[0]} ended with {status}:\n{errors}")
    return seconds, usage.ru_maxrss / 1024


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("build", help="the folder of millraced")
    options.add_argument("--fetches", type=int, default=20_000)
    options.add_argument("--concurrency", type=int, default=500)
    options.add_argument("--delay", type=float, default=0.1, help="of the page, in seconds")
    options.add_argument("--pairs", type=int, default=3)
    options.add_argument("--python", default="/usr/bin/python3", help="one that has aiohttp")
    given = options.parse_args()

    receiving, sending = multiprocessing.Pipe(False)
    server = multiprocessing.Process(target=serve, args=(given.delay, sending), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{receiving.recv()}/"
    with tempfile.TemporaryDirectory() as folder:
        settings = os.path.join(folder, "fetches.yaml")
        with open(settings, "w", encoding="utf-8") as file:
            file.write(f"daemon: {{ http: off }}\n"
                       f"queues: {{ pages: {{ max_jobs: 1k }} }}\n"
                       f"producers: {{ p: {{ kind: range, queue: pages, from: 1, to: {given.fetches} }} }}\n"
                       f"consumers: {{ c: {{ queue: pages, handler: http, url: \"{url}\", "
                       f"concurrency: {given.concurrency}, connections_per_host: {given.concurrency} }} }}\n")
        ours = [os.path.join(given.build, "millraced"), "--config", settings, "--until-idle"]
        theirs = [given.python, os.path.join(HERE, "peers", "aiohttp_fetch.py"), url, str(given.fetches),
                  str(given.concurrency)]
        pairs = [(measure(ours), measure(theirs)) for _ in range(given.pairs)]
    server.terminate()
    print("| | millraced | aiohttp | ratio (least – most) | bar |\n|---|---|---|---|---|")
    for number, (name, bar) in enumerate((("fetches/s", "at least 1"), ("MiB at most", "below 1"))):
        values = [tuple(given.fetches / side[0] if number == 0 else side[1] for side in pair) for pair in pairs]
        ratios = [our / their for our, their in values]
        medians = [statistics.median(side) for side in zip(*values)]
        print(f"| {name} | {medians[0]:.4g} | {medians[1]:.4g} | {statistics.median(ratios):.3g} "
              f"({min(ratios):.3g} – {max(ratios):.3g}) | {bar} |")


if __name__ == "__main__":
    main()
