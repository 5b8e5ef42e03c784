"""Four tasks with names; the running ones are listed at the start and at the end."""

import asyncio
import json

OPERATIONS = {"Addition": 3, "Subtraction": 7, "Division": 5, "Multiplication": 1}


def list_tasks():
    running = [task.get_name() for task in asyncio.all_tasks()]
    print("running: " + json.dumps([name for name in OPERATIONS if name in running], separators=(",", ":")))


async def main():
    tasks = [asyncio.create_task(asyncio.sleep(seconds), name=name) for name, seconds in OPERATIONS.items()]
    list_tasks()
    await asyncio.gather(*tasks)
    list_tasks()


asyncio.run(main())
