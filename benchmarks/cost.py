"""Where the processor time of an exchange goes: `python -m benchmarks.cost`.

The service runs in this process, without sockets, sixteen requests at a time. First without the profiler, for the
truth in sum; then under cProfile, for the shares. cProfile makes calls dearer, so shares, not times, are to be read.
"""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import uvloop

from api.ledger import open_ledger
from api.service import Service
from api.settings import Settings
from benchmarks.servers import LOAD_CORE, bind
from benchmarks.world import World

AT_ONCE: Final = 16
STEPS: Final = {
    "read the body": ("request_body.py", "read_body"),
    "parse the form": ("forms.py", "parse_form"),
    "authenticate the client": ("service.py", "authenticate"),
    "read the request and examine the token": ("token_endpoint.py", "_read"),
    "of it, look up the birth and verify": ("own_tokens.py", "genuine"),
    "decide": ("decide_request.py", "decide_request"),
    "encode the event": ("codec.py", "encode"),
    "insert": ("sqlite.py", "insert"),
    "sign": ("signing_keys.py", "sign"),
    "remember the token": ("own_tokens.py", "remember"),
    "answer": ("answers.py", "send_answer"),
}


class Direct:
    """Calls the token route as an ASGI server would."""

    def __init__(self, service: Service, requests: Sequence[bytes]) -> None:
        self._service = service
        self._requests = iter([_split(request) for request in requests])

    async def worker(self) -> None:
        """Send requests until there are none left."""
        for headers, body in self._requests:
            await self._one(headers, body)

    async def _one(self, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        statuses: list[int] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/oauth/token",
            "headers": headers,
            "client": ("::1", 1),
        }
        await self._service.token(scope, receive, send)
        if statuses != [200]:
            raise RuntimeError(f"an exchange was answered {statuses}")


def _split(request: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    pairs = (line.partition(b": ") for line in head.split(b"\r\n")[1:])
    return [(name.lower(), value) for name, _, value in pairs], body


async def _measure(store: Path, requests: Sequence[bytes], warm: bool) -> None:
    service = Service(Settings(store=str(store), node="bench"), open_ledger(store))
    async with service.running():
        if warm:
            await _run(service, requests)
        half = len(requests) // 2
        started = time.process_time()
        await _run(service, requests[:half])
        each = (time.process_time() - started) / half * 1e6
        profiler = cProfile.Profile()
        profiler.enable()
        await _run(service, requests[half:])
        profiler.disable()
    _print("warm" if warm else "cold", each, pstats.Stats(profiler), len(requests) - half)


async def _run(service: Service, requests: Sequence[bytes]) -> None:
    direct = Direct(service, requests)
    await asyncio.gather(*(direct.worker() for _ in range(AT_ONCE)))


def _print(kind: str, each: float, stats: pstats.Stats, count: int) -> None:
    write = sys.stdout.write
    write(f"{kind}: {each:.0f} µs of processor time an exchange, sockets and HTTP parsing aside\n")
    total = stats.total_tt  # type: ignore[attr-defined]
    for step, (file, function) in STEPS.items():
        found = [
            row
            for (path, _, name), row in stats.stats.items()  # type: ignore[attr-defined]
            if path.endswith("/" + file) and name == function
        ]
        cumulative = sum(row[3] for row in found)
        write(f"  {step:40} {cumulative / total * 100:5.1f} %  {cumulative / count * 1e6:6.1f} µs profiled\n")


def main() -> None:
    """Cold, then warm."""
    bind(0, LOAD_CORE)
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent, prefix="bench-") as made:
        world = World(Path(made))
        requests = world.exchanges(world.mint(8000))
        for warm in (False, True):
            uvloop.run(_measure(world.store, requests, warm))


if __name__ == "__main__":
    main()
