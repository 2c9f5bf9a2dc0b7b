"""What the load itself can drive: a server that reads nothing and answers the same bytes to whatever arrives.

Run as `python -m benchmarks.load_bound PORT`.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from contextlib import closing

import uvloop

from benchmarks.load import Load, request_bytes
from benchmarks.servers import Server, free_port

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n" + b"x" * 600
REQUEST = request_bytes("/", b"x=y" * 300, "Basic eDp5")
"""Both as large as those of an exchange. The request arrives in one piece, so that nobody needs to look into it."""
SECONDS = 1.0
CONNECTIONS = 16


class Answering(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    def data_received(self, _: bytes) -> None:
        self._transport.write(ANSWER)


def load_bound() -> float:
    """Requests a second."""
    port = free_port()
    with (
        Server(["-m", "benchmarks.load_bound", str(port)], port, "/"),
        closing(Load(port, CONNECTIONS)) as load,
    ):
        return load.run(itertools.repeat(REQUEST), SECONDS).per_second


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
