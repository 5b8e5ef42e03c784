"""Fetches 20 pages, eight at a time, and appends each to a file."""

import os
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor

COPY = os.environ["COPY"]
ONE_WRITER = threading.Lock()


def copy(number):
    with urllib.request.urlopen(f"http://{os.environ['PAGES']}/{number}") as answer:
        page = answer.read().decode()
    with ONE_WRITER, open(COPY, "a", encoding="utf-8") as file:
        file.write(f"{number}: {page}\n")
        print(f"copied {page}")  # print writes the text and the newline one by one


with ThreadPoolExecutor(8) as pool:
    list(pool.map(copy, range(1, 21)))
