"""Passes COUNT items from one coroutine to another through an asyncio.Queue with a capacity of 1024. Prints items per
second.

    asyncio_queue.py COUNT
"""
import asyncio
import sys
import time


async def produce(queue: asyncio.Queue, count: int) -> None:
    for item in range(count):
        await queue.put(item)


async def consume(queue: asyncio.Queue, count: int) -> None:
    for _ in range(count):
        await queue.get()


async def main(count: int) -> None:
    queue: asyncio.Queue = asyncio.Queue(1024)
    began = time.perf_counter()
    await asyncio.gather(produce(queue, count), consume(queue, count))
    print(count / (time.perf_counter() - began))


asyncio.run(main(int(sys.argv[1])))
