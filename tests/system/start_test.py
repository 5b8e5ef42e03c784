"""A start under limits of the system either succeeds, or ends with status 3 and a message that names the limit.

The limits are of the process (setrlimit), so the daemon itself needs no help. A build with sanitizers needs descriptors
and memory of its own; there the tests of those limits are skipped, and tests/service/start_test.cpp fails each call in
turn instead. What fails before `main`, in the loader and in the initialisers of libraries, is not the daemon's.
"""

import os
import resource
import signal
import socket
import subprocess
import tempfile
import unittest

from support import MILLRACED, PATIENCE, Lines, parsed

MILLRACE = os.path.join(os.path.dirname(MILLRACED), "millrace")
DESCRIPTORS = range(0, 61)
# The dynamic loader needs the next free number to open a library.
DESCRIPTORS_OF_LOADER = 4
LOADER_ADDRESS_SPACE = range(8, 1025)  # MiB, tried in turn
STRANGER = 54321  # a user without processes of its own


def is_sanitized():
    return b"libasan" in subprocess.run(["ldd", MILLRACED], capture_output=True, check=False).stdout


class Starts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.chmod(self.folder, 0o755)

    def settings(self, threads=3):
        path = os.path.join(self.folder, "settings.yaml")
        with open(path, "w", encoding="ascii") as file:
            file.write(
                f"daemon: {{ http: '127.0.0.1:0', beanstalk: '127.0.0.1:0', data_dir: {self.folder}/data,\n"
                f"          offload: {{ threads: {threads} }} }}\n"
                "queues: { q: {} }\n"
                "producers:\n"
                "  p: { kind: lines, queue: q, file: /etc/passwd }\n"
                "  i: { kind: lines, queue: q, file: '-' }\n"
                "consumers: { c: { queue: q, handler: hash, run_on: threads } }\n"
            )
        return path

    def start(self, words, limits, program=MILLRACED, user=None):
        """Ends the daemon when it has started; its exit code and what it said."""

        def prepare():
            for kind, value in limits.items():
                resource.setrlimit(kind, (value, value))
            if user is not None:
                os.setgroups([])
                os.setgid(user)
                os.setuid(user)

        process = subprocess.Popen(
            [program, *words, "--log-format", "json"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL, preexec_fn=prepare, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        log = Lines(process.stderr)
        while (line := log.next()) is not None:
            if (parsed(line) or {}).get("event") == "started":
                process.send_signal(signal.SIGTERM)
        return process.wait(PATIENCE), "\n".join(log.all)

    def assert_started_or_named(self, ended, remedy):
        code, said = ended
        self.assertIn(code, (0, 3), said)
        if code == 3:
            self.assertIn(remedy, said)
        return code

    @unittest.skipIf(is_sanitized(), "the sanitizers need descriptors of their own")
    def test_with_any_number_of_descriptors_a_start_succeeds_or_says_what_is_scarce(self):
        data = os.path.join(self.folder, "b")
        for words in (["-p", "0"], ["-p", "0", "-b", data], ["-p", "0", "-b", data, "--http", "127.0.0.1:0"],
                      ["--config", self.settings()]):
            codes = []
            for descriptors in DESCRIPTORS:
                with self.subTest(words=words, descriptors=descriptors):
                    ended = self.start(words, {resource.RLIMIT_NOFILE: descriptors})
                    if descriptors < DESCRIPTORS_OF_LOADER:
                        self.assertIn("error while loading shared libraries", ended[1])
                    else:
                        codes.append(self.assert_started_or_named(ended, "ulimit -n"))
            self.assertEqual(codes, sorted(codes, reverse=True))  # no failure above the first number that is enough
            self.assertEqual((codes[0], codes[-1]), (3, 0))

    @unittest.skipIf(os.getuid() != 0, "a limit of threads is put on another user")
    def test_with_any_number_of_threads_a_start_succeeds_or_says_what_is_scarce(self):
        copy = os.path.join(self.folder, "millraced")
        with open(MILLRACED, "rb") as program, open(copy, "wb") as file:
            file.write(program.read())
        os.chmod(copy, 0o755)
        os.mkdir(os.path.join(self.folder, "data"))
        os.chown(os.path.join(self.folder, "data"), STRANGER, STRANGER)
        settings = self.settings(threads=8)
        codes = []
        for threads in range(1, 26, 2):
            ended = self.start(["--config", settings], {resource.RLIMIT_NPROC: threads}, copy, STRANGER)
            codes.append(self.assert_started_or_named(ended, "ulimit -u"))
        self.assertEqual(codes, sorted(codes, reverse=True))
        self.assertEqual((codes[0], codes[-1]), (3, 0))
        code, said = self.start(["--config", self.settings(threads=64)], {resource.RLIMIT_NPROC: 20}, copy, STRANGER)
        self.assertEqual(code, 3, said)
        self.assertIn("ulimit -u, 20", said)

    def least_address_space(self):
        """MiB with which the loader and the initialisers of all libraries succeed: they run before `main`, so the
        program has no say in how they fail."""
        for mebibytes in LOADER_ADDRESS_SPACE:
            ended = subprocess.run(
                [MILLRACED, "--version"], capture_output=True, timeout=PATIENCE, check=False,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (mebibytes << 20, mebibytes << 20)))
            if ended.returncode == 0:
                return mebibytes
        return self.fail("no amount of address space is enough for --version")

    @unittest.skipIf(is_sanitized(), "the sanitizers need more address space than there is memory")
    def test_with_any_amount_of_address_space_a_start_succeeds_or_says_what_is_scarce(self):
        settings = self.settings(threads=8)
        codes = []
        # One step above the least: the loader's needs vary by some pages.
        first = self.least_address_space() + LOADER_ADDRESS_SPACE.step
        for mebibytes in (*range(first, first + 192, 2), *range(first + 192, 1025, 32)):
            with self.subTest(mebibytes=mebibytes):
                code, said = self.start(["--config", settings], {resource.RLIMIT_AS: mebibytes << 20})
                if code == 1:
                    # Enough for the start, but not for what came after it.
                    self.assertIn('"started"', said)
                    self.assertIn("out of memory", said)
                else:
                    codes.append(self.assert_started_or_named((code, said), "ulimit -v"))
        self.assertIn(3, codes)
        self.assertEqual(codes[-1], 0)

    @unittest.skipIf(is_sanitized(), "the sanitizers need descriptors of their own")
    def test_tools_end_with_a_message_as_well(self):
        data = os.path.join(self.folder, "data")
        self.assertEqual(self.start(["-p", "0", "-b", data], {})[0], 0)
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            server = f"127.0.0.1:{nobody.getsockname()[1]}"
            new = os.path.join(self.folder, "new")
            for words in (["fsck", data], ["dump", data], ["restore", new], ["bench", server]):
                for descriptors in range(DESCRIPTORS_OF_LOADER, 21):
                    with self.subTest(words=words, descriptors=descriptors):
                        ended = subprocess.run(
                            [MILLRACE, *words], capture_output=True, text=True, timeout=PATIENCE, check=False,
                            stdin=subprocess.DEVNULL,
                            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors)))
                        self.assertIn(ended.returncode, (0, 1, 3), ended)
                        if ended.returncode != 0:
                            self.assertIn("millrace", ended.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
