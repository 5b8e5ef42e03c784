"""Fetches pages 1 to N of the server PAGES with aiohttp, all at the same time, and prints them as they come."""

import asyncio
import os
import sys

import aiohttp


async def main(pages):
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def fetch(number):
            async with session.get(f"http://{os.environ['PAGES']}/{number}") as page:
                print(await page.text())

        await asyncio.gather(*map(fetch, range(1, pages + 1)))


asyncio.run(main(int(sys.argv[1])))
