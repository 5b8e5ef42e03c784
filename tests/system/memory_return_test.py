"""After a backlog its memory goes back to the system. Not under sanitizers, which keep freed memory to find errors."""

import time
import unittest

from beanstalk_support import BeanstalkTest
from beanstalk_wire import put
from support import PATIENCE

BATCH = 500


class MemoryReturn(BeanstalkTest):
    def backlog_comes_and_goes(self, jobs, body):
        client = self.connect()
        before = self.server.resident_bytes()
        ids = []
        for _ in range(0, jobs, BATCH):
            client.send(put(body) * BATCH)
            ids += [client.line().split()[1] for _ in range(BATCH)]
        peak = self.server.resident_bytes()
        for first in range(0, jobs, BATCH):
            client.send(b"".join(b"delete %s\r\n" % job for job in ids[first : first + BATCH]))
            client.expect(b"DELETED\r\n" * BATCH)
        ends = time.monotonic() + PATIENCE
        while self.server.resident_bytes() > before + (peak - before) / 4:
            if time.monotonic() > ends:
                self.fail(f"{before} bytes before, {peak} with the backlog, {self.server.resident_bytes()} after it")
            time.sleep(0.1)  # the allocator tells nobody

    def test_the_memory_of_a_backlog_with_bodies_of_a_kibibyte_is_returned(self):
        self.backlog_comes_and_goes(100_000, b"x" * 1024)

    def test_the_memory_of_a_backlog_with_short_bodies_is_returned(self):
        self.backlog_comes_and_goes(300_000, b"x" * 8)


if __name__ == "__main__":
    unittest.main(verbosity=2)
