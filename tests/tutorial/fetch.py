"""Fetches 50 pages with threads: as many as the argument says (1: one after another), or as Python chooses."""

import os
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor


def fetch(number):
    with urllib.request.urlopen(f"http://{os.environ['PAGES']}/{number}") as page:
        return page.read().decode()


with ThreadPoolExecutor(int(sys.argv[1]) if sys.argv[1:] else None) as pool:
    for page in pool.map(fetch, range(1, 51)):
        print(page)
