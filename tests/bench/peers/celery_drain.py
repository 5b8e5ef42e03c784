"""Puts `count` tasks, starts a prefork worker of two processes, and prints how many a second it drains."""
import os
import random
import subprocess
import sys
import time

import redis

import celery_jobs

QUEUE, TAKEN = "celery", "unacked"


def left(store: redis.Redis) -> int:
    return store.llen(QUEUE) + store.hlen(TAKEN)


def main(task: str, count: int) -> None:
    store = redis.Redis.from_url(os.environ["PEER_REDIS_URL"])
    store.flushdb()
    numbers = random.Random(1)
    job = getattr(celery_jobs, task)
    for _ in range(count):
        job.delay(str(numbers.getrandbits(64) | 1 | 1 << 63))
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "celery_jobs", "worker", "-P", "prefork", "-c", "2", "-l", "ERROR",
         "--without-gossip", "--without-mingle", "--without-heartbeat"],
        cwd=os.path.dirname(os.path.abspath(__file__)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while store.llen(QUEUE) == count:
            if worker.poll() is not None:
                sys.exit("the worker ended before it took a task")
            time.sleep(0.002)
        began = time.perf_counter()
        while left(store) > 0:
            time.sleep(0.002)
        print(count / (time.perf_counter() - began))
    finally:
        worker.terminate()
        worker.wait(30)


main(sys.argv[1], int(sys.argv[2]))
