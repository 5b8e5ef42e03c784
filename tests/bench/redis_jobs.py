"""What redis does of jobs a second when each answer waits for the disk (`appendfsync always`).

The least that a job can cost there is one LPUSH and one RPOP, which is the higher bar: a job whose worker dies is lost.
What a put, a reserve and a delete are with us, of which the second can be taken back, is LPUSH, RPOPLPUSH into a list
of what is being worked on, and LREM from it. redis-benchmark sends one kind of command at a time, so that each is
measured alone, over the same jobs, with a list that is never empty; the times of a job's commands are added up.
"""
import csv
import subprocess
import sys

from servers import Redis

# A multiple of every connections x depth that is used: redis-benchmark sends whole pipelines.
JOBS = 256 * 2048
WARM_UP_JOBS = 32 * 2048

PUSH_AND_POP = ("LPUSH ready {body}", "RPOP ready")
PUSH_TAKE_REMOVE = ("LPUSH ready {body}", "RPOPLPUSH ready taken", "LREM taken 1 {body}")


def in_lists(redis: Redis) -> int:
    return int(redis.ask("LLEN", "ready")) + int(redis.ask("LLEN", "taken"))


def commands_per_second(redis: Redis, command: str, count: int, connections: int, depth: int) -> float:
    log_before = redis.log_bytes()
    done = subprocess.run([
        "redis-benchmark", "-p",
        str(redis.port), "-c",
        str(connections), "-P",
        str(depth), "-n",
        str(count), "--csv", *command.split()
    ],
                          capture_output=True,
                          text=True,
                          timeout=600)
    lines = list(csv.DictReader(done.stdout.splitlines()))
    if done.returncode != 0 or len(lines) != 1:
        sys.exit(f"redis-benchmark {command}: {done.stdout}{done.stderr}")
    if (logged := redis.log_bytes() - log_before) < count * len(command):
        sys.exit(f"redis-benchmark {command}: only {logged} bytes came into the log")
    return float(lines[0]["rps"])


def one_run(redis: Redis, life: tuple, count: int, connections: int, depth: int, body: int) -> float:
    assert count % (connections * depth) == 0 and in_lists(redis) == 0
    seconds = 0.0
    for at, command in enumerate(life, 1):
        seconds += 1 / commands_per_second(redis, command.format(body="x" * body), count, connections, depth)
        if (left := in_lists(redis)) != (count if at < len(life) else 0):
            sys.exit(f"redis: {left} jobs after {count} of {command}")
    return 1 / seconds


def jobs_per_second(redis: Redis, life: tuple, connections: int, depth: int, body: int) -> float:
    one_run(redis, life, WARM_UP_JOBS, connections, depth, body)
    return one_run(redis, life, JOBS, connections, depth, body)
