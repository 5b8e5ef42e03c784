"""What became of every job that was put before the server was killed, as far as it was acknowledged, and what may be
found afterwards.

A job has a sure view, that of the last acknowledged command, and further ones that are possible too: of a command that
was sent and not answered, and of reserves, which nobody waits for. One client at a time acts on a job: its holder, or
the one that claimed it in the ledger. Times are those of the wall, since due times survive a restart.
"""

import dataclasses
import itertools
import os
import sys
import threading
import time

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "soak"))

from ledger import body_of, token_of
from support import PATIENCE

class Wall:
    """The wall clock of the machine on which the daemon runs; tests of reboots move it."""

    def __init__(self):
        self.ahead = 0.0

    def __call__(self):
        return time.time() + self.ahead


wall = Wall()
GONE = None
LONG = 1000  # seconds: a delay that does not end while the test runs
REFUSALS_ENOUGH = 300  # puts
SLACK = 2  # seconds by which a server that is busy may think that something came earlier than it did


@dataclasses.dataclass(frozen=True)
class View:
    """A job after one command, which was carried out at a time between `sent` and `acknowledged`."""

    state: str
    priority: int
    delay: int = 0
    reserves: int = 0
    releases: int = 0
    buries: int = 0
    kicks: int = 0
    sent: float = 0.0
    acknowledged: float = float("inf")
    nth: int = 0  # rises with each view of any job

    def then(self, **changed):
        return dataclasses.replace(self, **{"delay": 0, "sent": wall(), "acknowledged": float("inf"), **changed})


numbers = itertools.count(1)


class Job:
    def __init__(self, token, tube, view):
        self.token, self.tube = token, tube
        self.id = None
        self.put_acknowledged = False
        self.put_sent, self.put_known = view.sent, float("inf")
        self.sure = view
        self.maybe = []  # further views that are possible after a crash
        self.deliveries = 0
        self.busy = None  # who holds it, or claimed it

    def possible(self):
        return [self.sure, *self.maybe, *([] if self.put_acknowledged else [GONE])]

    def latest(self):
        """What the client that has it just got: all that was sent before has happened."""
        return self.maybe[-1] if self.maybe else self.sure

    def next_view(self, view):
        """Notes a view that is possible from now on."""
        if view is not GONE:
            view = dataclasses.replace(view, nth=next(numbers))
        self.maybe.append(view)
        return view


class Ledger:
    def __init__(self, chance):
        self.chance = chance
        self.changed = threading.Condition()
        self.jobs = []  # by token - 1; those that are surely gone and looked for stay
        self.live = set()  # tokens that are not surely gone
        self.ids = {}  # token by id, of all ids that a client ever got
        self.complaints = []
        self.acknowledged = 0
        self.unanswered_puts = 0
        self.refusals = 0
        self.clients = 0  # that work now
        self.draining = False  # the daemon may have got a signal to end: it gives no job to a client
        self.cut_offs = False  # a job may be given to the next client before the one that was cut off notices
        self.reads_fail = False  # a job whose body cannot be read is buried, whatever it was before

    def complain(self, text):
        with self.changed:
            self.complaints.append(text)
            self.changed.notify_all()

    def wait_for(self, commands):
        """Until so many more commands are acknowledged, or clients are cut off or refused again and again."""
        with self.changed:
            goal, refused = self.acknowledged + commands, self.refusals + REFUSALS_ENOUGH

            def done():
                return self.acknowledged >= goal or self.complaints or not self.clients or self.refusals >= refused

            if not self.changed.wait_for(done, PATIENCE):
                self.complaints.append("nothing is acknowledged any more")

    def client_begins(self):
        with self.changed:
            self.clients += 1

    def client_ends(self):
        with self.changed:
            self.clients -= 1
            self.changed.notify_all()

    # --- what clients do
    # -------------------------------------------------------------------------------------------------

    def new_job(self, tube, priority, delay):
        with self.changed:
            token = len(self.jobs) + 1
            view = View("delayed" if delay else "ready", priority, delay, sent=wall())
            self.jobs.append(Job(token, tube, view))
            self.live.add(token)
            self.unanswered_puts += 1
            return self.jobs[-1]

    def inserted(self, job, number):
        with self.changed:
            self._is_called(job, number)
            self.unanswered_puts -= 1
            self.acknowledged += 1
            job.put_acknowledged, job.put_known = True, wall()
            if job.sure and job.sure.nth == 0:
                job.sure = dataclasses.replace(job.sure, acknowledged=job.put_known)
            self.changed.notify_all()

    def refused(self, job):
        with self.changed:
            self.unanswered_puts -= 1
            self.refusals += 1
            self._gone(job)
            self.changed.notify_all()

    def reserved(self, client, number, body):
        """The job that `client` was given."""
        with self.changed:
            job = self.jobs[token_of(body) - 1]
            self._is_called(job, number)
            if body != body_of(job.token):
                self.complaints.append(f"job {number} is given with another body than it was put with")
            if job.token not in self.live:
                self.complaints.append(f"job {number} was deleted and comes again")
            if job.busy and not self.cut_offs:
                self.complaints.append(f"job {number} is given to {client}, and {job.busy} has it")
            job.busy = client
            job.deliveries += 1
            return job

    def claim(self, client, states, tubes):
        """Some job in one of these states that nobody will act on meanwhile; None if there is none."""
        with self.changed:
            for token in itertools.islice(self.live, self.chance.randrange(50), None):
                job = self.jobs[token - 1]
                settled = job.put_acknowledged and not job.busy and not job.maybe
                if settled and job.tube in tubes and job.sure.state in states:
                    if job.sure.state == "buried" or job.sure.delay >= LONG:
                        job.busy = client
                        return job
        return None

    def buried_in(self, tube):
        """Jobs that are surely buried in a tube where one client acts alone, in the order in which it buried them."""
        with self.changed:
            jobs = [
                job for job in (self.jobs[token - 1] for token in self.live)
                if job.tube == tube and job.sure.state == "buried"
            ]
            return sorted(jobs, key=lambda job: job.sure.nth)

    def taken(self, job):
        """Notes that the job is reserved by its id. The reserve is on disk with the next change that a client waits
        for, or earlier."""
        with self.changed:
            job.next_view(job.sure.then(state="ready"))
            job.deliveries += 1

    def sends(self, job, view):
        """Before the command that makes this view; the next client may get the job before the answer comes."""
        with self.changed:
            if view is not GONE:
                job.busy = None
            return job.next_view(view)

    def done(self, job, view):
        """That command is acknowledged."""
        with self.changed:
            self.acknowledged += 1
            job.put_acknowledged = True
            if view is GONE:
                self._gone(job)
            elif job.sure and view.nth > job.sure.nth:
                job.sure = dataclasses.replace(view, acknowledged=wall())
                job.maybe = [other for other in job.maybe if other is GONE or other.nth > view.nth]
            self.changed.notify_all()

    def _gone(self, job):
        job.sure, job.maybe, job.put_acknowledged = GONE, [], True
        self.live.discard(job.token)

    def _is_called(self, job, number):
        if self.ids.setdefault(number, job.token) != job.token:
            self.complaints.append(f"id {number} is given to tokens {self.ids[number]} and {job.token}")
        if job.id not in (None, number):
            self.complaints.append(f"token {job.token} has the ids {job.id} and {number}")
        job.id = number

    # --- after a crash
    # -----------------------------------------------------------------------------------------------------

    def compare(self, found):
        """`found` is what is there: (statistics, body, asked at, answered at) by id. What is found is sure from now
        on."""
        died = wall()
        self.draining = False
        for number, (stats, body, asked, answered) in found.items():
            token = token_of(body)
            if not 0 < token <= len(self.jobs):
                self.complaints.append(f"job {number} was never put: {body[:40]}")
                continue
            job = self.jobs[token - 1]
            self._is_called(job, number)
            if body != body_of(token):
                self.complaints.append(f"job {number} has another body than it was put with")
            if token not in self.live:
                self.complaints.append(f"job {number} was deleted and is back: {stats}")
                continue
            wrong = [differs(view, job, stats, asked, answered) for view in job.possible() if view is not GONE]
            if all(wrong) and not (self.reads_fail and stats["state"] == "buried"):
                self.complaints.append(f"job {number} cannot be {stats}: {wrong}")
            view = next((view for view, fault in zip(job.possible(), wrong) if not fault), job.sure)
            if view is not GONE:
                # A delay may have ended since.
                job.sure = dataclasses.replace(view, state=stats["state"], reserves=int(stats["reserves"]),
                                               acknowledged=min(view.acknowledged, died))
                job.deliveries = job.sure.reserves
            job.put_known = min(job.put_known, died)
        there = {token_of(body) for _, body, _, _ in found.values()}
        if len(there) != len(found):
            self.complaints.append(f"{len(found) - len(there)} jobs are there twice")
        for token in list(self.live):
            job = self.jobs[token - 1]
            if token not in there:
                if GONE not in job.possible():
                    self.complaints.append(f"job {job.id} is lost: {job.possible()}")
                self._gone(job)
            job.put_acknowledged, job.maybe, job.busy = True, [], None
        self.unanswered_puts = 0


def differs(view, job, stats, asked, answered):
    """Why the statistics are not those of a job of this view; None if they are."""
    for key in ("priority", "releases", "buries", "kicks"):
        if int(stats["pri" if key == "priority" else key]) != getattr(view, key):
            return f"{key} is {stats['pri' if key == 'priority' else key]}, not as in {view}"
    if stats["timeouts"] != "0" or stats["tube"] != job.tube:
        return f"timeouts or tube, {view}"
    # A reserve that was not answered may have been counted, one that was need not be on disk.
    if not view.reserves <= int(stats["reserves"]) <= job.deliveries + 1:
        return f"reserved {stats['reserves']} times, not {view.reserves} to {job.deliveries + 1}"
    if not asked - job.put_known - SLACK <= int(stats["age"]) <= answered - job.put_sent + SLACK:
        return f"age {stats['age']}, and was put {answered - job.put_sent} s ago"
    return differs_in_state(view, stats, asked, answered)


def differs_in_state(view, stats, asked, answered):
    earliest, latest = view.sent + view.delay, view.acknowledged + view.delay
    if view.state == "delayed" and stats["state"] == "ready":
        return None if answered >= earliest - SLACK else f"it is ready {earliest - answered} s too early"
    if stats["state"] != view.state:
        return f"not {view.state}"
    if view.state == "delayed" and latest < asked and stats["time-left"] == "0":
        return None  # it is due, and its turn has not come yet
    if view.state == "delayed" and not earliest - answered - SLACK <= int(stats["time-left"]) <= latest - asked + SLACK:
        return f"{stats['time-left']} s are left instead of {earliest - answered} to {latest - asked}"
    return None
