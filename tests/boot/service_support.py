"""A machine that runs the packaged service, as a test uses it."""

import json
import subprocess
import time
import unittest

from boot_support import booted, packaged
from booted import PATIENCE, missing

# Sends each argument as a command to a port and prints the reply; a reply may have a body.
CLIENT = r"""
import socket, sys
peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=60)
file = peer.makefile("rb")
for command in sys.argv[2:]:
    if command == "wait":
        print("ready", flush=True)
        sys.stdin.readline()
        continue
    peer.sendall(command.encode().decode("unicode_escape").encode())
    reply = file.readline().decode().strip()
    print(reply, flush=True)
    if reply.startswith("RESERVED"):
        file.read(int(reply.split()[2]) + 2)
"""

GET = r"""
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1], timeout=60).read().decode(), end="")
"""

# Prints a line whenever systemd says that something has changed (PropertiesChanged on its own D-Bus socket), until
# standard input ends, at most for a number of seconds.
CHANGES = r"""
import select, signal, socket, sys
signal.alarm(int(sys.argv[1]))
bus = socket.socket(socket.AF_UNIX)
bus.connect("/run/systemd/private")
bus.sendall(b"\0AUTH EXTERNAL " + b"0".hex().encode() + b"\r\n")
assert bus.recv(4096).startswith(b"OK ")
bus.sendall(b"BEGIN\r\n")
print("watching", flush=True)
while sys.stdin not in select.select([bus, sys.stdin], [], [])[0] and bus.recv(65536):
    print("changed", flush=True)
"""


class ServiceTest(unittest.TestCase):
    """The package is installed, and the service runs when a test begins. `FILES` maps paths in the machine to texts."""

    FILES = {}

    @classmethod
    def setUpClass(cls):
        if reason := missing():
            raise unittest.SkipTest(reason)
        cls.machine = booted(cls.FILES, cls.packages())
        cls.addClassCleanup(cls.machine.stop)
        cls.prepare()
        cls.systemctl("restart", "millraced")

    @classmethod
    def packages(cls):
        return {"/root/old.deb": packaged()}

    @classmethod
    def prepare(cls):
        cls.without_index_of_man_pages()
        cls.machine.run("dpkg", "--install", "/root/old.deb", check=True)

    @classmethod
    def without_index_of_man_pages(cls):
        """Each installation would read all man pages of the machine."""
        cls.machine.run("rm", "-f", "/var/lib/man-db/auto-update", check=True)

    def setUp(self):
        self.systemctl("start", "millraced")

    def client(self, *commands, port=11300):
        return self.python(CLIENT, str(port), *commands).splitlines()

    def get(self, url):
        return self.python(GET, url)

    def python(self, program, *words):
        return self.machine.run("/usr/bin/python3", "-c", program, *words, check=True).stdout

    def begin(self, program, *words):
        """A Python program in the container, with pipes."""
        command = ["nsenter", "-t", self.machine.leader, "-a", "/usr/bin/python3", "-c", program, *words]
        begun = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(begun.communicate)
        return begun

    @classmethod
    def systemctl(cls, *words):
        ended = cls.machine.run("systemctl", *words)
        if ended.returncode != 0:
            journal = cls.machine.run("journalctl", "--no-pager", "-n", "50", "-u", "millraced*").stdout
            raise AssertionError(f"systemctl {' '.join(words)}: {ended.stderr}{journal}")
        return ended.stdout.strip()

    def property(self, name, unit="millraced"):
        return self.systemctl("show", "--value", "-p", name, unit)

    def until(self, name, reached):
        watcher = self.begin(CHANGES, str(PATIENCE))
        self.assertEqual(watcher.stdout.readline(), "watching\n")
        while not reached(value := self.property(name)):
            self.assertEqual(watcher.stdout.readline(), "changed\n", f"{name} stays at {value}")
        watcher.communicate()
        return value

    def wait_for(self, found):
        """What `found` returns when it is true at last."""
        ends = time.monotonic() + PATIENCE
        while not (value := found()):
            self.assertLess(time.monotonic(), ends)
        return value

    def journal(self, *matches):
        found = self.machine.run("journalctl", "-o", "json", *matches, check=True).stdout
        return [json.loads(line) for line in found.splitlines()]

    def events(self, name, *fields):
        """Entries of the journal of the service with this event."""
        return self.journal("-u", "millraced", f"MILLRACE_EVENT={name}", *fields)

    def put(self, body, tube="default"):
        """The number of the new job."""
        return self.client(rf"use {tube}\r\n", rf"put 0 0 60 {len(body)}\r\n{body}\r\n")[1].split()[1]
