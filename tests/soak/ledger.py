"""Records what the server acknowledged of each job that the clients of the soak test put.

A job has a token, a number at the start of its body; the rest of the body follows from the token. A request whose reply
was not read is uncertain: it may have been executed or not. All other requests must have exactly their effect.
"""

import random
import threading
import time
from array import array

PATTERN = random.Random(1).randbytes(1 << 18)
LIVE_MAX = 3000  # jobs at one time, about
SHORT_EVERY = 10  # one of so many tokens has a time to run of one second, so that its reservation may expire


def body_of(token):
    kind = token * 2654435761 % 1000
    size = kind if kind < 900 else kind * 4 if kind < 995 else 60_000
    start = token * 7919 % (len(PATTERN) - 65_536)
    return b"%d %b" % (token, PATTERN[start:start + size])


def token_of(body):
    return int(body.partition(b" ")[0])


def is_short(token):
    return token % SHORT_EVERY == 0


class Ledger:
    def __init__(self):
        self.lock = threading.Lock()
        self.ids = array("Q", [0])  # by token; 0: its put is not acknowledged
        self.deleted_at = array("d", [0])  # by token; 0: no delete is acknowledged
        self.deleting = bytearray(1)  # by token: deletes that were sent and are not answered
        self.tokens = {}  # by id, of those whose put is acknowledged and whose delete is not
        self.holders = {}  # by token, of those with a long time to run
        self.complaints = []
        self.counts = dict.fromkeys(("connections", "deaths", "put", "reserved", "released", "buried", "kicked",
                                     "deleted", "slipped away"), 0)

    def complain(self, text):
        with self.lock:
            self.complaints.append(text)

    def count(self, name, times=1):
        with self.lock:
            self.counts[name] += times

    def new_token(self):
        """A token for a put that is about to be sent; None when there are enough jobs."""
        with self.lock:
            if len(self.tokens) >= LIVE_MAX:
                return None
            self.ids.append(0)
            self.deleted_at.append(0)
            self.deleting.append(0)
            return len(self.ids) - 1

    def inserted(self, token, number):
        with self.lock:
            self.counts["put"] += 1
            if self.ids[token] not in (0, number):
                self.complaints.append(f"token {token} was put as {number} and reserved as {self.ids[token]}")
            self.ids[token] = number
            if not self.deleted_at[token]:
                self.tokens[number] = token

    def some_id(self, chance):
        """The id of a job that may exist."""
        with self.lock:
            if not self.tokens:
                return 1
            newest = next(reversed(self.tokens))
        return chance.randint(max(1, newest - 2 * LIVE_MAX), newest)

    def reserved(self, number, body, asked_at, client):
        """The token of a job that `client` reserved with a request of that time."""
        token = token_of(body)
        with self.lock:
            self.counts["reserved"] += 1
            if body != body_of(token):
                self.complaints.append(f"the body of token {token} is not what was put")
            if self.ids[token] not in (0, number):
                self.complaints.append(f"token {token} has the ids {self.ids[token]} and {number}")
            self.ids[token] = number
            if not self.deleted_at[token]:
                self.tokens[number] = token
            if 0 < self.deleted_at[token] < asked_at:
                self.complaints.append(f"job {number} was deleted and comes again")
            if not is_short(token):
                if token in self.holders:
                    self.complaints.append(f"job {number} is given to {client} while {self.holders[token]} holds it")
                self.holders[token] = client
        return token

    def lets_go(self, token):
        """Call before a client ends its reservation, or disconnects."""
        with self.lock:
            self.holders.pop(token, None)

    def deletes(self, token):
        with self.lock:
            self.deleting[token] = min(255, self.deleting[token] + 1)

    def forget(self, token):
        """The reply to its delete will not be read: it counts as existing only when it is seen again."""
        with self.lock:
            self.tokens.pop(self.ids[token], None)

    def deleted(self, token, really):
        with self.lock:
            self.deleting[token] -= 1
            if really:
                self.counts["deleted"] += 1
                if self.deleted_at[token]:
                    self.complaints.append(f"token {token} was deleted twice")
                self.deleted_at[token] = time.monotonic()
                self.tokens.pop(self.ids[token], None)

    def token_of_id(self, number):
        with self.lock:
            return self.tokens.get(number)

    def settle(self, left):
        """Compares with what is left in the server, a count for each token. Returns the number of jobs that had to be
        left and the number of uncertain ones."""
        had_to, uncertain = 0, 0
        for token in range(1, len(self.ids)):
            times = left.pop(token, 0)
            acknowledged = self.ids[token] != 0
            sure = not self.deleting[token]
            if self.deleted_at[token]:
                if times:
                    self.complaints.append(f"token {token} was deleted and is still there")
            elif times > 1:
                self.complaints.append(f"token {token} is there {times} times")
            elif acknowledged and sure:
                had_to += 1
                if not times:
                    self.complaints.append(f"token {token}, job {self.ids[token]}, is lost")
            else:
                uncertain += 1
        if left:
            self.complaints.append(f"jobs that nobody put: {sorted(left)[:10]}")
        return had_to, uncertain
