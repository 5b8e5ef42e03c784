"""Celery's tasks: one that does nothing and one that tests a number, as a Python program would."""
import os

from celery import Celery

app = Celery("peer", broker=os.environ["PEER_REDIS_URL"])
app.conf.task_ignore_result = True
app.conf.worker_hijack_root_logger = False

SMALL_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)


def is_prime(number: int) -> bool:
    """Miller-Rabin to the first twelve primes, which is a proof below 3.3 * 10^24."""
    for prime in SMALL_PRIMES:
        if number % prime == 0:
            return number == prime
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in SMALL_PRIMES:
        power = pow(base, odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True


@app.task
def noop(_body):
    return None


@app.task
def prime(text):
    return is_prime(int(text))
