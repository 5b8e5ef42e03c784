"""Three producers and two consumers share a queue that holds four items."""

import asyncio


async def produce(queue, first):
    for item in range(first, first + 10):
        await queue.put(item)


async def consume(name, queue, seconds):
    while True:
        item = await queue.get()
        await asyncio.sleep(seconds)
        print(f"consumer {name} took {item}")
        queue.task_done()


async def main():
    queue = asyncio.Queue(maxsize=4)
    consumers = [asyncio.create_task(consume("One", queue, 0.010)), asyncio.create_task(consume("Two", queue, 0.015))]
    await asyncio.gather(*(produce(queue, first) for first in (1, 11, 21)))
    await queue.join()
    for consumer in consumers:
        consumer.cancel()


asyncio.run(main())
