"""Four tasks whose results are gathered in the order given."""

import asyncio


async def compute(seconds, name, value):
    await asyncio.sleep(seconds)
    text = f"{name} Result : {value}"
    print(text)
    return text


async def main():
    results = await asyncio.gather(compute(3, "Addition", 20 + 10), compute(1, "Multiplication", 20 * 10),
                                   compute(5, "Division", 20 / 10), compute(7, "Subtraction", 20 - 10))
    print("gathered: " + ", ".join(results))


asyncio.run(main())
