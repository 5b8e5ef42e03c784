"""Trial division, which blocks the loop: the large number first, as it was given."""

import asyncio


def is_prime(number):
    if number % 2 == 0:
        return number == 2
    divisor = 3
    while divisor * divisor <= number:
        if number % divisor == 0:
            return False
        divisor += 2
    return number > 1


async def test(number):
    print(f"{number} is {'a' if is_prime(number) else 'not a'} prime number.")


async def main():
    await asyncio.gather(*map(test, [9637529763296797, 427920331, 157]))


asyncio.run(main())
