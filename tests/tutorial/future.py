"""A coroutine that waits for a future which a task resolves."""

import asyncio


async def resolve(future):
    await asyncio.sleep(2)
    future.set_result("future is resolved")


async def main():
    future = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(resolve(future))
    print(await future)
    await task


asyncio.run(main())
