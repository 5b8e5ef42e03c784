"""Fetches pages with threads. The arguments are how many threads (1: one after another; 0: as many as Python chooses)
and how many pages (50).
"""

import os
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor


def fetch(number):
    with urllib.request.urlopen(f"http://{os.environ['PAGES']}/{number}") as page:
        return page.read().decode()


threads, pages = [int(word) for word in sys.argv[1:]] + [0, 50][len(sys.argv) - 1:]
with ThreadPoolExecutor(threads or None) as pool:
    for page in pool.map(fetch, range(1, pages + 1)):
        print(page)
