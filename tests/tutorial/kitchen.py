"""Three dishes, one cook, an oven for each; with the argument `main-first` the roast is prepared first."""

import asyncio
import sys

MINUTE = 0.1
DISHES = [("soup", 2, 3), ("roast", 5, 10), ("cake", 3, 5)]


async def make(dish, prepare, cook, the_cook):
    async with the_cook:
        await asyncio.sleep(prepare * MINUTE)
    await asyncio.sleep(cook * MINUTE)
    print(f"{dish} is ready")


async def main():
    the_cook = asyncio.Lock()
    dishes = sorted(DISHES, key=lambda dish: -dish[2]) if sys.argv[1:] == ["main-first"] else DISHES
    await asyncio.gather(*(make(*dish, the_cook) for dish in dishes))


asyncio.run(main())
