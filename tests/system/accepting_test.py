"""Calls that fail while clients are accepted hold up nobody who can be served."""

import errno
import unittest

from beanstalk_support import Server
from crash_support import Crash
from fault_control import Faults


class Accepting(Crash):
    def test_a_client_that_is_gone_before_it_is_accepted_holds_up_nobody(self):
        faults = Faults(self.folder, self.data_dir)
        server = Server(config=self.settings_of(), env=faults.environment())
        self.addCleanup(server.kill)
        faults.fail("accept", errno.ECONNABORTED, times=1)
        with server.connect() as wire:
            wire.ask(b"use q\r\n", b"USING q\r\n")
        self.assertEqual(faults.met(), 1)


del Crash

if __name__ == "__main__":
    unittest.main(verbosity=2)
