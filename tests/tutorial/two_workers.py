"""Two workers share a queue: at the same time, or with the argument `sequential` one after another."""

import asyncio
import sys


async def work(name, queue, done):
    while not queue.empty():
        total = queue.get_nowait()
        await asyncio.sleep(total / 10)
        print(f"Task {name} total: {total}")
        done[name] += 1


async def main():
    queue = asyncio.Queue()
    for total in (15, 10, 5, 2):
        queue.put_nowait(total)
    done = {"One": 0, "Two": 0}
    workers = [work(name, queue, done) for name in done]
    if sys.argv[1:] == ["sequential"]:
        for worker in workers:
            await worker
    else:
        await asyncio.gather(*workers)
    for name, count in done.items():
        print(f"Task {name}: {count or 'nothing to do'}")


asyncio.run(main())
