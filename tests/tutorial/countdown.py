"""Three countdowns: at the same time, or with the argument `sequential` one after another."""

import asyncio
import sys


async def count_down(name, seconds):
    for number in (3, 2, 1):
        await asyncio.sleep(seconds)
        print(f"{name} = {number}")


async def main():
    counts = [count_down("A", 1), count_down("B", 0.8), count_down("C", 0.5)]
    if sys.argv[1:] == ["sequential"]:
        for each in counts:
            await each
    else:
        await asyncio.gather(*counts)


asyncio.run(main())
