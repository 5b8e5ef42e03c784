"""The servers that are measured: each listens when it is made, and has ended when its `with` is left, on errors too.

A folder of data is on the disk that /var/tmp is on: /tmp is often memory.
"""
import argparse
import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

STARTS_WITHIN = 30  # seconds, unless said otherwise
ENDS_WITHIN = 120


def bench_options(description: str, programs: str = "millraced") -> argparse.ArgumentParser:
    """The options of a benchmark, with the folder of the programs that it runs. It adds its own."""
    options = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("built", type=pathlib.Path, nargs="?", default=pathlib.Path("build/release"),
                         help="build folder of " + programs)
    return options


def leave_on_sigterm() -> None:
    """Asked to end, a script leaves its `with`s, and with them its servers and folders."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("asked to end"))


def folder_on_disk() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="millrace-bench-", dir="/var/tmp")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def bench(built: pathlib.Path, *words: str) -> dict:
    done = subprocess.run([built / "millrace", "bench", "--json", "--quiet", *words], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"millrace bench {' '.join(words)}: {done.stderr}")
    return json.loads(done.stdout)


def memory(pid: int, line: str) -> int:
    """VmRSS or VmHWM of a process, in bytes."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{line}:\s*(\d+)", status)[1]) * 1024


class Process:
    """A program that serves when it is made, and is ended, and waited for, by leaving the `with`. One that does not
    begin to serve is killed."""

    def __init__(self, words: list, **options):
        self.name = pathlib.Path(words[0]).name
        self.process = subprocess.Popen(words, **options)
        try:
            self.wait_until_it_serves()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def wait_until_it_serves(self) -> None:
        raise NotImplementedError

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            sys.exit(f"{self.name} does not end when asked to")


class Server(Process):
    """A program that listens at a port that it is given: beanstalkd, or millraced with beanstalkd's options."""

    def __init__(self, *words):
        self.port = free_port()
        with tempfile.TemporaryFile("w+") as self.says:
            super().__init__([*words, *self.words_of_port()], stdout=self.says, stderr=self.says)

    def words_of_port(self) -> list[str]:
        return ["-l", "127.0.0.1", "-p", str(self.port)]

    def wait_until_it_serves(self) -> None:
        ends = time.monotonic() + STARTS_WITHIN
        while not self.listens():
            if self.process.poll() is not None or time.monotonic() > ends:
                self.says.seek(0)
                sys.exit(f"{self.name} did not start: {self.says.read()}")
            time.sleep(0.01)

    def listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
            return self.process.poll() is None
        except ConnectionRefusedError:
            return False

    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


def connect_to_tube(address: str, tube: bytes) -> socket.socket:
    """A client that uses that tube."""
    host, _, port = address.rpartition(":")
    client = socket.create_connection((host, int(port)))
    client.sendall(b"use %s\r\n" % tube)
    client.recv(1024)
    return client


class Daemon(Process):
    """millraced with a settings file, run in `folder`, from the moment it says that it has started; what it said on the
    way is timed from its exec."""

    def __init__(self, built: pathlib.Path, settings: pathlib.Path, folder: str, starts_within: float = STARTS_WITHIN):
        self.starts_within = starts_within
        self.said: dict[str, tuple[float, dict]] = {}
        self.other_lines: list[str] = []
        self.heard = threading.Event()
        self.began = time.monotonic()
        super().__init__([built.resolve() / "millraced", "--config",
                          settings.resolve(), "--log-format", "json"],
                         cwd=folder,
                         stderr=subprocess.PIPE,
                         text=True)
        self.beanstalk, self.http = (self.said["started"][1][listener] for listener in ("beanstalk", "http"))

    def wait_until_it_serves(self) -> None:
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()
        if not self.heard.wait(self.starts_within) or "started" not in self.said:
            sys.exit(
                f"{self.name} did not start, or not within {self.starts_within:g} s: "
                f"{''.join(self.other_lines) or self.said}"
            )

    def listen(self) -> None:
        for line in self.process.stderr:
            now = time.monotonic()
            try:
                entry = json.loads(line)
                self.said[entry["event"]] = (now, entry)
                if entry["event"] == "started":
                    self.heard.set()
            except ValueError:
                self.other_lines.append(line)
        self.heard.set()

    def seconds_until(self, event: str) -> float:
        return self.said[event][0] - self.began

    def __exit__(self, *of):
        super().__exit__(*of)
        self.listener.join()
        if of[0] is None and self.process.returncode != 0:
            sys.exit(
                f"{self.name} ended with {self.process.returncode}: {self.said.get('store_failed', self.other_lines)}")


class Redis(Server):
    """redis-server that has synced its log before it answers. It never rewrites the log and writes no snapshots, which
    would only cost it time."""

    def __init__(self, folder: str):
        super().__init__("redis-server", "--dir", folder, "--appendonly", "yes", "--appendfsync", "always", "--save",
                         "", "--auto-aof-rewrite-percentage", "0")

    def words_of_port(self) -> list[str]:
        return ["--bind", "127.0.0.1", "--port", str(self.port)]

    def wait_until_it_serves(self) -> None:
        super().wait_until_it_serves()
        persistence = self.ask("INFO", "persistence")
        if self.ask("CONFIG", "GET", "appendfsync").split() != ["appendfsync", "always"
                                                                ] or "aof_enabled:1" not in persistence:
            sys.exit(f"redis does not sync always: {persistence}")

    def ask(self, *words: str) -> str:
        return subprocess.run(["redis-cli", "-p", str(self.port), *words],
                              check=True,
                              capture_output=True,
                              text=True,
                              timeout=60).stdout

    def log_bytes(self) -> int:
        persistence = self.ask("INFO", "persistence")
        if "aof_last_write_status:ok" not in persistence:
            sys.exit(f"redis could not write its log: {persistence}")
        return int(re.search(r"aof_current_size:(\d+)", persistence)[1])
