"""What the workers of tests have in common."""

# The beginning of a program in Python. Its tests add the loop over jobs and further words.
WORDS = r"""
import json, os, signal, subprocess, sys, time

def say(**answer):
    print(json.dumps(answer), flush=True)

def obey(word, job):
    if word == "hang":
        time.sleep(600)
    elif word == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    elif word == "error":
        say(id=job["id"], error="fails on purpose")
    elif word == "reject":
        say(id=job["id"], error="useless", retry=False)
    elif word == "later" and job["attempt"] == 1:
        say(id=job["id"], error="busy", retry="5ms")
    else:
        return False
    return True

"""
