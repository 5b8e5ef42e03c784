"""The beanstalk listener as a client meets it: a server for each test, and connections to it.

Each test has a server of its own, so that ids, counters and tubes are exactly known. When a test is over, the server
must drain and end with 0: what a sanitizer finds in it fails the test that caused it.

BEANSTALKD=/usr/bin/beanstalkd runs the same tests against that program instead of millraced, to see whether a test asks
for what the protocol says or for what millrace happens to do. Tests marked @not_beanstalkd ask for something that
beanstalkd does otherwise (the mark says what it does), and are skipped there.
"""

import os
import re
import signal
import socket
import subprocess
import time
import unittest

from beanstalk_wire import Wire, shown
from support import MILLRACED, PATIENCE, DaemonTest, Lines

BEANSTALKD = os.environ.get("BEANSTALKD", "")
# A sanitizer keeps freed memory and shadows the rest: how much memory is used says nothing then.
MEMORY_MEANS_SOMETHING = "ASAN_OPTIONS" not in os.environ and "/asan/" not in MILLRACED


def not_beanstalkd(what_it_does):
    return unittest.skipIf(BEANSTALKD, "beanstalkd: " + what_it_does)


class Server:
    """One running server with the beanstalk listener open. `words` come after the address; `config` is a settings file
    instead; `beanstalkd` is the path of a beanstalkd to run instead of millraced."""

    def __init__(self, *words, config=None, host="127.0.0.1", port=0, http=False, beanstalkd=BEANSTALKD, env=None):
        self.unix = host[5:] if host.startswith("unix:") else None
        if beanstalkd:
            port = port or free_port()
            command = [beanstalkd, "-l", host, "-p", str(port), *words]
        else:
            place = ["--config", config] if config else ["-l", host, "-p", str(port)]
            command = [MILLRACED, *place, *(["--http", "127.0.0.1:0"] if http else []), "--log-format", "json", *words]
        self.process = subprocess.Popen(command,
                                        stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE,
                                        env=env)
        self.printed, self.log = Lines(self.process.stdout), Lines(self.process.stderr)
        self._control = None
        if beanstalkd:
            self.address = self.unix or (host, port)
            self._until_it_listens()
        else:
            started = self.wait_for("started")
            self.address = self.unix or (host, port_of(started["beanstalk"]))
            self.http_port = port_of(started["http"])

    def entries_until(self, event):
        return self.log.entries_until(event)

    def wait_for(self, event):
        return self.log.wait_for(event)

    def _until_it_listens(self):
        """Looks without connecting: a first connection would be counted."""
        while not (os.path.exists(self.unix) if self.unix else listens(self.address[1])):
            if self.process.poll() is not None:
                raise AssertionError(self.log.rest())
            time.sleep(0.002)

    def connect(self, **options):
        return Wire(self.address, **options)

    def settle(self):
        """Returns when the server has read what all connections sent before: it has answered one of them three times
        since."""
        for _ in range(3):
            self.control.ask(b"list-tube-used\r\n", b"USING default\r\n")

    @property
    def control(self):
        """A connection for those who look on."""
        if not self._control:
            self._control = self.connect()
        return self._control

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """Tells it to end; its exit code."""
        if self._control:
            self._control.close()
        self.signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self):
        if self._control:
            self._control.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def port_of(address):
    """The port of an address like 127.0.0.1:11300; None of a path or where nothing is served."""
    found = re.search(r":(\d+)$", address)
    return int(found[1]) if found else None


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def listens(port):
    with open("/proc/net/tcp", encoding="ascii") as file:
        return any(words[1].endswith(":%04X" % port) and words[3] == "0A" for words in map(str.split, file))


class BeanstalkTest(DaemonTest):
    """A test with a server of its own, made at the first connection; `words` are its options."""

    words = ()

    def setUp(self):
        super().setUp()
        self.server_ = None

    @property
    def server(self):
        if not self.server_:
            self.start(*self.words)
        return self.server_

    def start(self, *words, **options):
        self.server_ = Server(*words, **options)
        self.addCleanup(self.end, self.server_)
        return self.server_

    def start_on(self, settings, daemon="", **options):
        """A server with the beanstalk listener and http, and these parts of a settings file; `daemon` are more keys of
        that part."""
        text = "daemon: { http: '127.0.0.1:0', beanstalk: '127.0.0.1:0'%s }\n%s" % (daemon and ", " + daemon, settings)
        return self.start(config=self.write(text), **options)

    def end(self, server):
        if server.process.poll() is None:
            try:
                code = server.stop()
            finally:
                server.kill()
            if not BEANSTALKD:
                self.assertEqual(code, 0, "\n".join(server.log.rest()[-60:]))

    def connect(self, **options):
        wire = self.server.connect(**options)
        self.addCleanup(wire.close)
        return wire

    def connections(self, count):
        return [self.connect() for _ in range(count)]

    def assert_silent(self, *wires):
        """Nothing is said on these connections though the server has read all that was sent."""
        self.server.settle()
        for wire in wires:
            if wire.has_something():
                self.fail(f"{shown(wire.early + wire.socket.recv(4096))} instead of silence")

    def waiting(self, count):
        """Until that many connections wait in a reserve."""
        with self.server.connect() as other:
            while int(other.stats()["current-waiting"]) != count:
                pass
