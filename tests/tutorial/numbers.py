"""One coroutine that prints 1 to 7, one a second."""

import asyncio


async def main():
    for number in range(1, 8):
        await asyncio.sleep(1)
        print(number)


asyncio.run(main())
