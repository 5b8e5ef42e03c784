"""Each number waits as long as it is large."""

import asyncio


async def sleeper(number):
    await asyncio.sleep(number / 10)
    print(number)


async def main():
    await asyncio.gather(*map(sleeper, [5, 3, 9, 1, 8, 2]))


asyncio.run(main())
