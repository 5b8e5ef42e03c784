"""Two orders that need the processor for 1 s each: on the loop, then in two processes, since threads share the GIL."""

import asyncio
import time
from concurrent.futures import ProcessPoolExecutor


def spin(seconds):
    began = time.process_time()
    while time.process_time() - began < seconds:
        pass


async def order():
    spin(1)
    print("Order complete")


async def main():
    await asyncio.gather(order(), order())
    with ProcessPoolExecutor(2) as pool:
        loop = asyncio.get_running_loop()
        for each in asyncio.as_completed([loop.run_in_executor(pool, spin, 1) for _ in range(2)]):
            await each
            print("Order complete")


if __name__ == "__main__":
    asyncio.run(main())
