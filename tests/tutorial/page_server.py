"""A small server of pages that each take 100 ms. The argument is its port; 0 lets the system choose. It prints its
address when it is ready, and ends with its standard input.
"""

import asyncio
import sys

SECONDS_A_PAGE = 0.1


async def answer(reader, writer):
    while request := await reader.readline():
        while (await reader.readline()).strip():
            pass
        page = f"page {request.split()[1].decode().lstrip('/')}".encode()
        await asyncio.sleep(SECONDS_A_PAGE)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(page), page))
        await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", int(sys.argv[1]), backlog=1024)
    print("127.0.0.1:%d" % server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


asyncio.run(main())
