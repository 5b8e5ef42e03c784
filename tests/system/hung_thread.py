#!/usr/bin/env python3
"""Stops one thread of a process while the others go on, as a call that never returns does.

    with hung(pid, "store"):
        ...

As a program, `hung_thread.py PID NAME` prints `hung`, and holds the thread until its standard input ends or the thread
does. NAME is that of /proc/PID/task/TID/comm; the first thread has the name of the program.
"""

import contextlib
import ctypes
import os
import sys
import threading

PTRACE_ATTACH, PTRACE_DETACH = 16, 17
WAIT_FOR_THREADS = 0x40000000  # __WALL of waitpid(2)


def thread_of(pid, name):
    for number in sorted(map(int, os.listdir(f"/proc/{pid}/task"))):
        with open(f"/proc/{pid}/task/{number}/comm", encoding="utf-8") as file:
            if file.read().rstrip("\n") == name:
                return number
    raise LookupError(f"process {pid} has no thread {name}")


def trace(request, thread):
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    if ptrace(request, thread, None, None) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextlib.contextmanager
def hung(pid, name):
    thread = thread_of(pid, name)
    trace(PTRACE_ATTACH, thread)
    os.waitpid(thread, WAIT_FOR_THREADS)
    try:
        yield
    finally:
        try:
            trace(PTRACE_DETACH, thread)
        except ProcessLookupError:
            # It has ended. Its process does not end before the thread was waited for.
            os.waitpid(thread, WAIT_FOR_THREADS)


def until_input_ends():
    sys.stdin.read()
    os._exit(0)  # the thread goes on


def main(pid, name):
    thread = thread_of(pid, name)
    trace(PTRACE_ATTACH, thread)
    os.waitpid(thread, WAIT_FOR_THREADS)
    print("hung", flush=True)
    threading.Thread(target=until_input_ends, daemon=True).start()
    # A process that is killed does not end before its traced thread was waited for.
    while os.WIFSTOPPED(os.waitpid(thread, WAIT_FOR_THREADS)[1]):
        pass


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
