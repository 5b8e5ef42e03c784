"""Two orders that sleep without awaiting: on the loop, or with the argument `threads` on threads."""

import asyncio
import sys
import time


async def order(drink):
    await asyncio.sleep(1)
    if sys.argv[1:] == ["threads"]:
        await asyncio.to_thread(time.sleep, 3)
    else:
        time.sleep(3)
    print(f"Order complete: {drink}")


async def tick():
    await asyncio.sleep(2)
    print("a tick that was due after 2 s")


async def main():
    await asyncio.gather(order("coffee"), order("tea"), tick())


asyncio.run(main())
