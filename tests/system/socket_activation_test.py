"""Listening sockets that the service manager opens and passes to the daemon (sd_listen_fds(3)). The test is the
service manager; tests/boot runs the units.
"""

import signal
import socket
import unittest

from activation_support import Activated
from beanstalk_wire import Wire
from support import PATIENCE, DaemonTest

class SocketActivation(DaemonTest):
    def listening(self):
        made = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(made.close)
        return made

    def begin(self, sockets, names, *words):
        daemon = Activated(sockets, names, *words)
        self.addCleanup(daemon.kill)
        return daemon

    def stop(self, daemon):
        daemon.process.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.process.wait(PATIENCE), 0)

    def put(self, at):
        with Wire(at.getsockname()) as wire:
            wire.put(b"one")

    def test_a_single_socket_without_a_name_needs_neither_an_address_nor_a_settings_file(self):
        for words in ((), ("-p", "1"), ("-l", "192.0.2.1")):
            at = self.listening()
            daemon = self.begin([at], [], *words)
            started = daemon.wait_for("started")
            self.assertEqual(started["beanstalk"], f"127.0.0.1:{at.getsockname()[1]}")
            self.put(at)
            self.stop(daemon)

    def test_sockets_with_names_open_the_listeners_of_a_settings_file(self):
        settings = self.write("daemon: { beanstalk: 'unix:/nowhere/socket', http: off }\n")
        queue, http = self.listening(), self.listening()
        daemon = self.begin([http, queue], ["http", "beanstalk"], "--config", settings)
        passed = daemon.wait_for("socket_passed")
        self.assertEqual((passed["listener"], passed["instead_of"]), ("http", "off"))
        started = daemon.wait_for("started")
        self.assertEqual(started["http"], f"127.0.0.1:{http.getsockname()[1]}")
        self.put(queue)
        self.stop(daemon)

    def test_clients_that_connect_between_two_daemons_are_served_by_the_second(self):
        at = self.listening()
        first = self.begin([at], [])
        first.wait_for("started")
        self.stop(first)
        with Wire(at.getsockname()) as wire:
            self.begin([at], [])
            wire.put(b"one")

    def test_what_cannot_be_used_is_refused_before_anything_starts(self):
        unlike = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(unlike.close)
        for sockets, names, part in (([unlike], ["http"], "descriptor 3 of the service manager, `http`: this is no "),
                                     ([self.listening(), self.listening()], ["http", "htpp"], "`htpp`: no listener")):
            daemon = self.begin(sockets, names, "--config", self.write("daemon: { http: off }\n"))
            self.assertIn(part, daemon.wait_for("could_not_start")["message"])
            self.assertEqual(daemon.process.wait(PATIENCE), 3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
