"""Three coroutines that wait 1, 2 and 3 s at the same time."""

import asyncio


async def speak(name, seconds):
    await asyncio.sleep(seconds)
    print(name)


async def main():
    await asyncio.gather(speak("Ann", 1), speak("Bob", 2), speak("Cid", 3))


asyncio.run(main())
