"""Empty calls on a ProcessPoolExecutor of two processes, `depth` in flight; prints round trips per second."""
import asyncio
import concurrent.futures
import sys
import time


def nothing(number: int) -> int:
    return number


async def keep_one_in_flight(pool, count: int) -> None:
    loop = asyncio.get_running_loop()
    for number in range(count):
        await loop.run_in_executor(pool, nothing, number)


async def main(count: int, depth: int) -> None:
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        began = time.perf_counter()
        await asyncio.gather(*(keep_one_in_flight(pool, count // depth) for _ in range(depth)))
        print(count / (time.perf_counter() - began))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
