"""One connection to the beanstalk listener as a transcript: bytes out, exact bytes back, silence, end of file."""

import select
import socket
import struct

from support import PATIENCE

DEFAULT_LIMIT = 65535  # bytes of a job's body


def put(body, priority=0, delay=0, ttr=60):
    """The bytes of a put."""
    return b"put %d %d %d %d\r\n%b\r\n" % (priority, delay, ttr, len(body), body)


def shown(data):
    return repr(data if len(data) <= 400 else data[:200] + b" ... " + data[-200:])


class Wire:
    """One connection. What was read too much stands in `early`."""

    def __init__(self, address, receive_buffer=None):
        self.socket = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        if self.socket.family == socket.AF_INET:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.early = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def receive(self, length):
        """Exactly that many bytes, or all up to the end of file."""
        while len(self.early) < length:
            more = self.socket.recv(1 << 20)
            if not more:
                break
            self.early += more
        taken, self.early = self.early[:length], self.early[length:]
        return taken

    def line(self):
        """The next line without its CR LF."""
        while b"\r\n" not in self.early:
            more = self.socket.recv(1 << 16)
            if not more:
                raise AssertionError(f"end of file instead of a line, after {shown(self.early)}")
            self.early += more
        taken, _, self.early = self.early.partition(b"\r\n")
        return taken

    def chunk(self):
        """A reply with a chunk: its first words, and the chunk."""
        words = self.line().split(b" ")
        if words[0] not in (b"OK", b"FOUND", b"RESERVED"):
            return words, None
        body = self.receive(int(words[-1]) + 2)
        if body[-2:] != b"\r\n":
            raise AssertionError(f"the chunk of {words} does not end in CR LF: {shown(body)}")
        return words, body[:-2]

    def expect(self, data):
        got = self.receive(len(data))
        if got != data:
            raise AssertionError(f"\nexpected {shown(data)}\ngot      {shown(got)}")
        return self

    def ask(self, request, reply):
        """Sends the bytes and expects the bytes."""
        self.send(request)
        return self.expect(reply)

    def reply_to(self, request):
        """Sends a line; the line that answers it."""
        self.send(request + b"\r\n")
        return self.line().decode()

    def chunk_for(self, request):
        """Sends a line; the chunk that answers it."""
        self.send(request + b"\r\n")
        words, chunk = self.chunk()
        if chunk is None:
            raise AssertionError(f"{request} was answered {words}")
        return chunk

    def stats(self, request=b"stats"):
        """The statistics as a dictionary, strings without their quotes."""
        lines = self.chunk_for(request).decode().split("\n")
        return {key: value.strip('"') for key, value in (line.split(": ", 1) for line in lines[1:] if line)}

    def names(self, request=b"list-tubes"):
        """The names of a list."""
        return [line[2:] for line in self.chunk_for(request).decode().split("\n")[1:] if line]

    def put(self, body, **options):
        """Puts a job; its id."""
        self.send(put(body, **options))
        return int(self.accepted())

    def accepted(self):
        word, _, number = self.line().partition(b" ")
        if word != b"INSERTED":
            raise AssertionError(f"{word} {number} instead of INSERTED")
        return number

    def expect_end(self):
        got = self.receive(1)
        if got:
            raise AssertionError(f"{shown(got + self.early)} instead of the end of file")

    def has_something(self):
        if self.early:
            return True
        looking = select.poll()
        looking.register(self.socket, select.POLLIN)
        return bool(looking.poll(0))

    def end_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()

    def reset(self):
        """Ends the connection with a reset instead of an end of file."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
