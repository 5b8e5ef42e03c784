"""Two orders, awaited one by one and then together."""

import asyncio


async def order(drink, manner):
    await asyncio.sleep(1)
    print(f"Order complete: {drink}, {manner}")


async def main():
    await order("coffee", "one by one")
    await order("tea", "one by one")
    await asyncio.gather(order("coffee", "together"), order("tea", "together"))


asyncio.run(main())
