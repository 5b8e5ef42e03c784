"""Each system call of the daemon fails in turn while clients work. fault_support.py says what is checked then.

    tests/system/each_fault_test.py            a sample, as in tests/run
    tests/system/each_fault_test.py all        all calls of one run, in every way; "all 3/8": the third of eight parts
    tests/system/each_fault_test.py write 12   the rounds of one call; a failed round prints its call
"""

import sys
import time
import unittest

from crash_support import SEED
from fault_control import FILE_CALLS
from fault_support import BODIES_LOST, KINDS, Fault, FaultTest

SAMPLE_SECONDS = 25  # after this time no further round of a sample begins
CHOSEN = []


def every_fault(counts, memory_limit, calls):
    """The faults of all calls that `counts` has, one for each way in which a call can fail."""
    return [Fault(call, nth, *kind, memory_limit)
            for call in calls for kind in KINDS.get(call, ()) for nth in range(1, counts[call] + 1)]


class EachFault(FaultTest):
    def test_whatever_call_fails_nothing_acknowledged_is_lost(self):
        begun = time.monotonic()
        faults = every_fault(self.live("count")[0], "", KINDS)
        faults += every_fault(self.live("count again")[0], "0", FILE_CALLS)
        rounds, met, failed = 0, 0, []
        for fault in self.chosen(faults):
            if not CHOSEN and (failed or time.monotonic() - begun > SAMPLE_SECONDS):
                break
            # Half of the rounds begin with nothing on disk. The ledger does not know the state of
            # a job whose body could not be read, so the next round begins with nothing.
            if failed or {fault.call, self.last_call} & set(BODIES_LOST) or self.chance.random() < 0.5:
                self.fresh(rounds)
            rounds, self.last_call = rounds + 1, fault.call
            try:
                met += self.live(str(rounds), fault)[1] > 0
            except AssertionError as failure:
                failed.append(failure)
                print(failure, flush=True)
        print(f"{rounds} rounds of {len(faults)}, {met} of them met their fault, {len(failed)} failed, seed {SEED}")
        self.assertEqual(failed, [])
        self.assertGreater(met, 0)

    last_call = ""

    def chosen(self, faults):
        if not CHOSEN:
            return self.sample(faults)
        if CHOSEN[0] == "all":
            part, parts = map(int, CHOSEN[1].split("/")) if CHOSEN[1:] else (1, 1)
            return faults[part - 1::parts]
        return [fault for fault in faults if [fault.call, str(fault.nth)][:len(CHOSEN)] == CHOSEN]

    def sample(self, faults):
        """Yields faults without end. All classes of calls come equally often, whatever the number of their calls."""
        by_call = {}
        for fault in faults:
            by_call.setdefault(fault.call, []).append(fault)
        while True:
            for call in self.chance.sample(list(by_call), len(by_call)):
                yield self.chance.choice(by_call[call])


del FaultTest

if __name__ == "__main__":
    CHOSEN, sys.argv[1:] = sys.argv[1:], []
    unittest.main(verbosity=2)
