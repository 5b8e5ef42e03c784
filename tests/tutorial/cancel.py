"""The first task wins; the other one is cancelled."""

import asyncio


async def main():
    runners = [asyncio.create_task(asyncio.sleep(seconds)) for seconds in (1, 3600)]
    done, pending = await asyncio.wait(runners, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*runners, return_exceptions=True)
    words = ["cancelled" if task.cancelled() else "ok" for task in runners]
    print("the first is {}, the second is {}".format(*words))


asyncio.run(main())
