"""The rows of the table: which of our benchmarks stands against which peer, and the ratio that is wanted.

`ours` and a peer are each a Google Benchmark name (`bench:`) or a script beside this file (`script:`); both give a
rate.
"""
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Peer:
    name: str
    measure: str
    bar: float


@dataclass(frozen=True)
class Row:
    work: str
    ours: str
    peers: list[Peer] = field(default_factory=list)


FEATURE_BAR = 0.8
# A benchmark of the engine with a feature in use, its words, and what it counts.
FEATURES = [
    ("cycle_retry", "half of the jobs fail once,", "attempts/s"),
    ("cycle_deliveries_max", "deliveries_max,", "jobs/s"),
    ("cycle_groups", "jobs put in groups of 100,", "jobs/s"),
]

ROWS = [
    Row("offload round trips, depth 64, /s", "bench:offload_millrace/64", [
        Peer("asio::thread_pool", "bench:offload_asio/64", 1.2),
        Peer("asyncio ThreadPoolExecutor", "script:asyncio_threads.py 64000 64", 20),
    ]),
    Row("empty computations in two processes, depth 64, /s", "script:processes_drain.py 200000 64", [
        Peer("asyncio ProcessPoolExecutor", "script:asyncio_processes.py 32000 64", 5),
    ]),
    Row("no-op jobs, producer → queue → handler → done, counts on, jobs/s", "bench:pipeline_noop", [
        Peer("asyncio.Queue pair", "script:asyncio_queue.py 500000", 1.5),
        Peer("BullMQ 5, draining", "script:bullmq_drain.mjs 20000", 50),
        Peer("Celery 5 prefork, draining", "script:celery_drain.py noop 4000", 500),
    ]),
    Row("no-op jobs in one Node worker, in_flight 32, jobs/s", "script:worker_drain.py 200000 32", [
        Peer("BullMQ 5, draining", "script:bullmq_drain.mjs 20000", 2),
    ]),
    Row("random 64-bit primality on offload threads, jobs/s", "bench:pipeline_prime_threads", [
        Peer("Celery 5 prefork, the same test in Python", "script:celery_drain.py prime 4000", 300),
    ]),
    Row("jobs of `exec` with the command `true`, 8 at a time, /s", "bench:exec_true/8", [
        Peer("a bare loop of posix_spawn", "bench:exec_bare_posix_spawn/8", 0.9),
    ]),
    Row("primality of random odd 64-bit numbers, the core, /s", "bench:prime_core_random", [
        Peer("FLINT n_is_prime", "bench:flint_random", 0.95),
    ]),
    Row("primality of primes near 2^63, the core, /s", "bench:prime_core_primes", [
        Peer("FLINT n_is_prime", "bench:flint_primes", 0.95),
    ]),
    Row("no-op jobs of which half fail once, retried, attempts/s", "bench:pipeline_noop_retry", [
        Peer("no-op jobs", "bench:pipeline_noop", FEATURE_BAR),
    ]),
    Row("no-op jobs in one group, jobs/s", "bench:pipeline_noop_group", [
        Peer("no-op jobs", "bench:pipeline_noop", FEATURE_BAR),
    ]),
    *(Row(f"the engine, {feature}{place}, {unit}", f"bench:{name}/disk:{disk}", [
        Peer("without it", f"bench:cycle_plain/disk:{disk}", FEATURE_BAR),
    ]) for name, feature, unit in FEATURES for disk, place in ((0, " in memory"), (1, " on disk"))),
]
