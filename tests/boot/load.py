#!/usr/bin/env python3
"""A load of durable jobs on the daemon at 127.0.0.1:11300, from clients that connect again whenever they are cut off.

Prints `busy` when PROGRESS puts were acknowledged on one connection. When standard input ends, it stops and prints one
line of JSON: the bodies whose put was acknowledged, those whose delete was, and those whose delete was sent and not
acknowledged. The test runs it in the container; it needs nothing of this tree.
"""

import json
import socket
import sys
import threading
import time

PROGRESS = 100
QUEUE = b"load"


class Connection:
    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", 11300), timeout=60)
        self.file = self.socket.makefile("rb")

    def ask(self, command):
        self.socket.sendall(command)
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("cut off")
        return line.split()

    def close(self):
        self.file.close()
        self.socket.close()


def again_and_again(work, ended):
    """Until `ended`. `work` uses one connection until it fails."""
    while not ended.is_set():
        try:
            connection = Connection()
        except OSError:
            time.sleep(0.01)  # nothing listens, and nothing tells when it will
            continue
        try:
            while not ended.is_set():
                work(connection)
        except OSError:
            pass
        finally:
            connection.close()


class Producer:
    def __init__(self):
        self.acknowledged, self.number = [], 0
        self.connection, self.progress = None, 0

    def put(self, connection):
        if connection is not self.connection:
            self.connection, self.progress = connection, 0
            connection.ask(b"use " + QUEUE + b"\r\n")
        self.number += 1
        body = str(self.number).encode()
        reply = connection.ask(b"put 0 0 60 %d\r\n%b\r\n" % (len(body), body))
        if reply[0] != b"INSERTED":
            raise ConnectionError(reply[0])  # the daemon drains
        self.acknowledged.append(self.number)
        self.progress += 1
        if self.progress == PROGRESS:
            print("busy", flush=True)


class Worker:
    def __init__(self):
        self.deleted, self.doubtful = [], []
        self.connection = None

    def work(self, connection):
        if connection is not self.connection:
            self.connection = connection
            connection.ask(b"watch " + QUEUE + b"\r\n")
            connection.ask(b"ignore default\r\n")
        reply = connection.ask(b"reserve-with-timeout 1\r\n")
        if reply[0] != b"RESERVED":
            return
        body = int(connection.file.readline())
        time.sleep(0.005)  # the job is held for a while, also when the daemon is stopped
        self.doubtful.append(body)
        if connection.ask(b"delete %b\r\n" % reply[1]) == [b"DELETED"]:
            self.deleted.append(self.doubtful.pop())


def main():
    ended = threading.Event()
    producer, worker = Producer(), Worker()
    threads = [threading.Thread(target=again_and_again, args=(work, ended)) for work in (producer.put, worker.work)]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    ended.set()
    for thread in threads:
        thread.join()
    print(json.dumps({"put": producer.acknowledged, "deleted": worker.deleted, "doubtful": worker.doubtful}))


if __name__ == "__main__":
    main()
