"""A delayed print."""

import asyncio


async def main():
    await asyncio.sleep(2)
    print("Python Exercises!")


asyncio.run(main())
