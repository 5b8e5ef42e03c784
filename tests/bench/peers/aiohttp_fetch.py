"""Fetches a page again and again with aiohttp: URL, fetches in all, fetches at one time."""

import asyncio
import sys

import aiohttp


async def main(url, fetches, concurrency):
    left = iter(range(fetches))
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency), timeout=timeout) as session:

        async def fetch():
            for _ in left:
                async with session.get(url) as response:
                    if response.status != 200 or not await response.read():
                        raise SystemExit(f"status {response.status}")

        await asyncio.gather(*(fetch() for _ in range(concurrency)))


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
