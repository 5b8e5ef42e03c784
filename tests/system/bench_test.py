"""`millrace bench` as a person runs it: against Debian's beanstalkd, against millraced, and against what is neither."""

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import threading
import time
import unittest
import xml.etree.ElementTree

from support import MILLRACED, PATIENCE, ROOT, DaemonTest

MILLRACE = os.environ.get("MILLRACE", os.path.join(os.path.dirname(MILLRACED), "millrace"))
BEANSTALKD = "/usr/bin/beanstalkd"


def bench(*words):
    return subprocess.run([MILLRACE, "bench", *words], capture_output=True, text=True, timeout=PATIENCE)


def ask(address, commands):
    """What a server says to these commands until it closes."""
    with socket.create_connection(address, timeout=PATIENCE) as wire:
        wire.sendall(commands)
        said = b""
        while more := wire.recv(65536):
            said += more
    return said


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as unused:
        return unused.getsockname()[1]


class Server:
    """A server of the protocol, started with beanstalkd's options."""

    def __init__(self, program, *more):
        self.port = free_port()
        self.name = f"127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [program, "-l", "127.0.0.1", "-p", str(self.port), *more], stderr=subprocess.DEVNULL)

    def answering(self):
        while self.process.poll() is None:
            with contextlib.suppress(ConnectionRefusedError):
                ask(("127.0.0.1", self.port), b"quit\r\n")
                return self
        raise AssertionError(f"the server ended with {self.process.returncode}")

    def stop(self):
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def is_empty(self):
        """Waits until the server has no job and no queue of a bench. It sees the end of a connection some time after
        the program that closed it has ended."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            reply = ask(("127.0.0.1", self.port), b"list-tubes\r\nstats\r\nquit\r\n").decode()
            if "current-jobs-ready: 0\n" in reply and "current-jobs-reserved: 0\n" in reply and "- bench" not in reply:
                return True
        return False


class Liar:
    """Answers a load's commands, but spoils some: so does a server with a fault."""

    def __init__(self, fault):
        self.fault = fault
        self.jobs, self.ids = [], 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.name = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                wire, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(wire,), daemon=True).start()

    def serve(self, wire):
        with contextlib.suppress(OSError), wire, wire.makefile("rwb") as file:
            for line in file:
                file.write(self.answer(line.split(), file))
                file.flush()

    def answer(self, words, file):
        if words[0] == b"put":
            self.ids += 1
            body = file.read(int(words[4]) + 2)
            if not (self.fault == "loses" and self.ids == 5):
                self.jobs.append((self.ids, body))
            return b"DRAINING\r\n" if self.fault == "drains" else b"INSERTED %d\r\n" % self.ids
        if words[0] == b"reserve-with-timeout":
            if not self.jobs:
                return b"TIMED_OUT\r\n"
            again = self.fault == "repeats" and len(self.jobs) == 2
            number, body = self.jobs[0] if again else self.jobs.pop(0)
            if again:
                self.fault = "none"
            return b"RESERVED %d %d\r\n%b" % (number, len(body) - 2, body)
        return {b"use": b"USING x\r\n", b"delete": b"DELETED\r\n"}.get(words[0], b"WATCHING 1\r\n")


class AnyServer:
    """What holds for every server of the protocol; `program` says which."""

    program = None

    def setUp(self):
        super().setUp()
        self.server = Server(self.program)
        self.addCleanup(self.server.stop)
        self.server.answering()

    def works(self, *words):
        ended = bench(self.server.name, "--quiet", *words)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""), ended)
        self.assertTrue(self.server.is_empty())
        return ended.stdout

    def test_a_mix_ends_with_a_table(self):
        shown = self.works("--connections", "3", "--depth", "7", "--for", "300ms", "--warm-up", "50ms")
        self.assertIn("mix, 3 connections x depth 7, bodies of 64 B", shown)
        self.assertIn("p99.9", shown)
        for row in ("put", "reserve", "delete", "put to reserved"):
            self.assertRegex(shown, rf"(?m)^  {row} ")

    def test_each_phase_does_the_number_of_jobs_that_the_command_line_asks_for(self):
        for phase, commands in (("put", 1), ("drain", 2), ("mix", 3)):
            shown = json.loads(
                self.works("--phase", phase, "--jobs", "1003", "--depth", "10", "--queues", "2", "--json"))
            self.assertEqual(shown["total"]["jobs"], 1003)
            self.assertGreaterEqual(shown["total"]["commands"], 1003 * commands)
            self.assertGreater(shown["total"]["jobs_per_second"], 0)

    def test_an_open_loop_keeps_its_rate(self):
        shown = json.loads(self.works("--rate", "500", "--connections", "4", "--jobs", "200", "--json"))
        self.assertEqual(shown["total"]["jobs"], 200)
        latency = shown["total"]["latency_us"]
        self.assertEqual({name: latency[name]["count"]
                          for name in ("put", "delete", "job", "lag")},
                         dict.fromkeys(("put", "delete", "job", "lag"), 200))
        self.assertGreaterEqual(latency["job"]["p50"], latency["lag"]["p50"])
        # 200 jobs at 500 a second: the last is due 398 ms after the first.
        self.assertGreaterEqual(shown["total"]["seconds"], 0.398)

    def test_an_open_loop_that_ends_before_its_first_reply_loses_no_job(self):
        for jobs in ("1", "100"):
            shown = json.loads(self.works("--rate", "1M", "--connections", "2", "--jobs", jobs, "--json"))
            self.assertEqual(shown["total"]["jobs"], int(jobs))

    def test_extra_queues_and_the_backlog_are_removed_at_the_end(self):
        shown = self.works("--jobs", "500", "--extra-queues", "700", "--idle-connections", "120", "--backlog", "1500",
                           "--repeat", "2")
        self.assertIn("120 idle connections, 700 further queues, a backlog of 1500 jobs", shown)

    def test_large_bodies_and_a_queue_by_name(self):
        self.works("--body", "60000", "--jobs", "100", "--depth", "20", "--queue", "letters")

    def test_somebody_elses_job_is_an_error_that_says_so(self):
        ask(("127.0.0.1", self.server.port), b"use letters\r\nput 0 0 60 5\r\nhello\r\nquit\r\n")
        ended = bench(self.server.name, "--queue", "letters", "--jobs", "10")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("was not put by this run: somebody else works there", ended.stderr)

    def test_a_job_that_is_too_big_is_said(self):
        ended = bench(self.server.name, "--body", "70000", "--jobs", "10", "--connections", "1")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("put was answered by JOB_TOO_BIG", ended.stderr)
        self.assertTrue(self.server.is_empty())

    def test_a_draining_server_is_said(self):
        self.server.process.send_signal(signal.SIGUSR1)
        while b"draining: true" not in ask(("127.0.0.1", self.server.port), b"stats\r\nquit\r\n"):
            pass
        ended = bench(self.server.name, "--jobs", "10")
        self.assertEqual(ended.returncode, 1)
        self.assertIn(f"{self.server.name}: put was answered by DRAINING", ended.stderr)

    def test_an_interrupted_run_leaves_nothing_behind(self):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(MILLRACE, [MILLRACE, "bench", self.server.name, "--for", "1h"])
        shown = b""
        with contextlib.suppress(OSError):
            while b"measuring" not in shown:
                shown += os.read(terminal, 65536)
            os.kill(pid, signal.SIGINT)
            while more := os.read(terminal, 65536):
                shown += more
        _, status = os.waitpid(pid, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), 1)
        self.assertIn(b"millrace bench: interrupted", shown)
        self.assertTrue(self.server.is_empty())


@unittest.skipUnless(os.path.exists(BEANSTALKD), "beanstalkd is not installed")
class Beanstalkd(AnyServer, DaemonTest):
    program = BEANSTALKD

    def test_two_servers_take_turns_and_are_compared(self):
        other = Server(BEANSTALKD)
        self.addCleanup(other.stop)
        other.answering()
        picture = os.path.join(self.folder, "latency.svg")
        shown = json.loads(
            self.works("--against", other.name, "--jobs", "500", "--repeat", "3", "--json", "--plot", picture))
        self.assertEqual((shown["server"], shown["against"]["server"]), (self.server.name, other.name))
        self.assertEqual((len(shown["runs"]), len(shown["against"]["runs"])), (3, 3))
        for figure in ("jobs_per_second", "p99"):
            ratio = shown["ratio"][figure]
            self.assertTrue(0 < ratio["least"] <= ratio["median"] <= ratio["most"])
        self.assertTrue(other.is_empty())
        drawn = xml.etree.ElementTree.parse(picture).getroot()
        words = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
        self.assertIn(self.server.name, words)
        self.assertIn(other.name, words)
        self.assertEqual(len(list(drawn.iter("{http://www.w3.org/2000/svg}path"))), 2)


class Millraced(AnyServer, DaemonTest):
    program = MILLRACED


class NoServer(DaemonTest):
    def test_nobody_there_is_exit_3(self):
        port = free_port()
        ended = bench(f"127.0.0.1:{port}")
        self.assertEqual((ended.returncode, ended.stdout), (3, ""))
        self.assertEqual(ended.stderr, f"millrace bench: 127.0.0.1:{port}: Connection refused\n")
        self.assertEqual(bench("unix:" + os.path.join(self.folder, "none"), "--idle-connections", "3").returncode, 3)

    def test_a_server_of_something_else_is_exit_3(self):
        def serve(listener):
            with contextlib.suppress(OSError):
                while True:
                    wire, _ = listener.accept()
                    with wire:
                        wire.recv(1024)
                        wire.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=serve, args=(listener,), daemon=True).start()
            ended = bench("127.0.0.1:%d" % listener.getsockname()[1])
            self.assertEqual(ended.returncode, 3, ended)
            self.assertIn("does not speak the beanstalk protocol", ended.stderr)

    def test_a_server_that_breaks_its_word_is_found(self):
        for fault, said in (
            ("loses", "reserve was answered by TIMED_OUT"),
            ("repeats", "was delivered twice"),
            ("drains", "put was answered by DRAINING"),
        ):
            with self.subTest(fault):
                with Liar(fault) as liar:
                    ended = bench(liar.name, "--connections", "1", "--depth", "4", "--jobs", "100")
                self.assertEqual(ended.returncode, 1, ended)
                self.assertIn(said, ended.stderr)

    def test_a_lost_job_is_found_by_a_drain(self):
        with Liar("loses") as liar:
            ended = bench(liar.name, "--connections", "1", "--phase", "drain", "--jobs", "100")
        self.assertEqual(ended.returncode, 1, ended)
        self.assertIn("1 of 100 jobs were lost, job 4 the first of them", ended.stderr)


class Words(unittest.TestCase):
    def test_one_word_chooses_the_tool(self):
        for words, code in (([], 2), (["bensh"], 2), (["--help"], 0), (["--version"], 0), (["bench", "--help"], 0),
                            (["bench", "--depht", "3"], 2)):
            ended = subprocess.run([MILLRACE, *words], capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(ended.returncode, code, ended)
            self.assertTrue(ended.stdout if code == 0 else ended.stderr)
            self.assertFalse(ended.stderr if code == 0 else ended.stdout)

    def test_a_bench_that_cannot_write_its_output_fails(self):
        with Liar("none") as liar, open("/dev/full", "w", encoding="utf-8") as full:
            command = [MILLRACE, "bench", liar.name, "--connections", "1", "--jobs", "10"]
            ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
        self.assertEqual(ended.returncode, 1)
        self.assertIn("No space left on device", ended.stderr)


if __name__ == "__main__":
    os.chdir(ROOT)
    unittest.main(verbosity=2)
