"""A set of tasks is awaited in three ways."""

import asyncio


async def task(seconds):
    await asyncio.sleep(seconds)


def word(task, done):
    if task not in done:
        return "pending"
    return "timeout" if task.exception() else "ok"


async def limited(coroutine, slots):
    async with slots:
        await asyncio.wait_for(coroutine, 2)


async def wait(name, tasks):
    done, pending = await asyncio.wait(tasks, return_when=name)
    print(f"{name}: " + " ".join(word(each, done) for each in tasks))
    for each in pending:
        each.cancel()


async def main():
    slots = asyncio.Semaphore(2)
    await asyncio.gather(
        wait("FIRST_COMPLETED", [asyncio.create_task(task(seconds)) for seconds in (1, 2, 3)]),
        wait("FIRST_EXCEPTION", [asyncio.create_task(limited(task(seconds), slots)) for seconds in (1, 9, 1.5)]),
        wait("ALL_COMPLETED", [asyncio.create_task(task(seconds)) for seconds in (1, 2, 3)]))


asyncio.run(main())
