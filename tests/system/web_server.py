"""A server of HTTP/1.1 that behaves as badly as a test wants. Each connection has a thread of its own."""

import contextlib
import os
import socket
import ssl
import subprocess
import threading

from support import PATIENCE


class Request:
    def __init__(self, method, target, headers, body):
        self.method, self.target, self.headers, self.body = method, target, headers, body


class Connection:
    """One connection of a client, as a route sees it."""

    def __init__(self, stream, number):
        self.stream, self.number = stream, number
        self._file = stream.makefile("rb")

    def read_request(self):
        """The next request; None at the end."""
        line = self._file.readline().split()
        if len(line) != 3:
            return None
        headers = {}
        while (field := self._file.readline().strip()):
            name, value = field.split(b":", 1)
            headers[name.decode().lower()] = value.strip().decode()
        body = self._file.read(int(headers.get("content-length", 0)))
        return Request(line[0].decode(), line[1].decode(), headers, body)

    def send(self, data):
        self.stream.sendall(data)

    def reply(self, status, body=b"", *headers):
        lines = [f"HTTP/1.1 {status} Because", f"Content-Length: {len(body)}", *headers]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def reset(self):
        """Ends the connection with a reset."""
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self._file.close()
        self.stream.close()

    def wait_for_end(self):
        """Until the client has closed the connection."""
        self.stream.settimeout(PATIENCE)
        with contextlib.suppress(OSError):
            while self.stream.recv(1 << 16):
                pass

    def close(self):
        self._file.close()
        with contextlib.suppress(OSError):
            self.stream.shutdown(socket.SHUT_RDWR)
        self.stream.close()


class WebServer:
    """`routes`: from the first segment of a path to a function of a request and a connection. It may return False: then
    the connection is closed."""

    def __init__(self, routes, context=None):
        self.routes, self.context = routes, context
        self.requests, self.connections = [], 0
        self._lock, self._open = threading.Lock(), []
        self._arrived = threading.Condition(self._lock)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, path="", host="127.0.0.1"):
        return f"{'https' if self.context else 'http'}://{host}:{self.port}/{path}"

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for stream in self._open:
                with contextlib.suppress(OSError):
                    stream.shutdown(socket.SHUT_RDWR)

    def wait_for_requests(self, number):
        with self._lock:
            if not self._arrived.wait_for(lambda: len(self.requests) >= number, PATIENCE):
                raise TimeoutError(f"{len(self.requests)} requests came, not {number}")

    def _accept(self):
        while True:
            try:
                stream = self._listener.accept()[0]
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._open.append(stream)
                number = self.connections
            threading.Thread(target=self._serve, args=(stream, number), daemon=True).start()

    def _serve(self, stream, number):
        connection = None
        try:
            if self.context:
                stream = self.context.wrap_socket(stream, server_side=True)
            connection = Connection(stream, number)
            while (request := connection.read_request()) is not None:
                with self._lock:
                    self.requests.append(request)
                    self._arrived.notify_all()
                route = self.routes[request.target.strip("/").split("?")[0].split("/")[0]]
                if route(request, connection) is False:
                    return
        except OSError:
            pass  # the client has gone, or it refused the certificate
        finally:
            if connection:
                connection.close()
            else:
                stream.close()


class Certificates:
    """An authority and what it signs, made with the openssl tool in `folder`."""

    def __init__(self, folder):
        self.folder = folder
        self.authority = self.path("ca.pem")
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.path("ca.key"), "-out",
                      self.authority, "-days", "2", "-subj", "/CN=test authority")

    def path(self, name):
        return os.path.join(self.folder, name)

    def make(self, name, host, *, expired=False, self_signed=False):
        """The path of a file with a certificate for `host` and its key."""
        alternative = f"subjectAltName={'IP' if host[0].isdigit() else 'DNS'}:{host}"
        key, request, certificate, both = (self.path(name + end) for end in (".key", ".csr", ".crt", ".pem"))
        if self_signed:
            self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                          "-days", "2", "-subj", f"/CN={host}", "-addext", alternative)
        else:
            self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj",
                          f"/CN={host}")
            extensions = self.path(name + ".ext")
            with open(extensions, "w", encoding="utf-8") as file:
                file.write(alternative + "\n")
            self._openssl("x509", "-req", "-in", request, "-CA", self.authority, "-CAkey", self.path("ca.key"),
                          "-CAcreateserial", "-out", certificate, "-extfile", extensions,
                          *(self._past() if expired else ("-days", "2")))
        with open(both, "wb") as file:
            for part in (certificate, key):
                with open(part, "rb") as source:
                    file.write(source.read())
        return both

    @staticmethod
    def _past():
        """The options for a time of validity that is over. OpenSSL 3.0 has no option for a date, and later versions
        take no negative number of days."""
        known = subprocess.run(["openssl", "x509", "-help"], capture_output=True, text=True).stderr
        if "-not_after" in known:
            return "-not_before", "20200101000000Z", "-not_after", "20200102000000Z"
        return "-days", "-1"

    def context(self, file, **limits):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(file)
        for name, value in limits.items():
            setattr(made, name, value)
        return made

    @staticmethod
    def _openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True)
