"""A task that would take an hour has one second; the next one gets its place."""

import asyncio


async def main():
    for seconds, name in ((3600, "1h"), (0.5, "500ms")):
        try:
            await asyncio.wait_for(asyncio.sleep(seconds), 1)
            print(f"done after {name}")
        except asyncio.TimeoutError:
            print(f"timed out: {name}")


asyncio.run(main())
