"""One HTTP/1.1 connection to a node, kept alive: small, so that the clients take little from the nodes they hurry."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit


class NotSent(Exception):
    """Nobody listens there: nothing has left this process."""


class NoAnswer(Exception):
    """The request may have arrived; its answer did not."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, read."""

    status: int
    body: dict[str, Any]


class Connection:
    """Requests one after the other; opened when it is needed, given up after any failure."""

    def __init__(self, url: str, patience: float) -> None:
        self._host, self._port = urlsplit(url).hostname, urlsplit(url).port
        self._patience = patience
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self) -> None:
        """Connect, if it is not. Raises NotSent."""
        if self._streams is None:
            try:
                async with asyncio.timeout(self._patience):
                    self._streams = await asyncio.open_connection(self._host, self._port)
            except OSError as error:
                raise NotSent(str(error)) from None

    async def ready(self) -> bool:
        """What `/readyz` says. Raises NoAnswer."""
        return (await self._request("GET", "/readyz", "", {})).status == 200

    async def post(self, path: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Response:
        """Post a form and read the answer. Raises NoAnswer: nobody knows what has become of it."""
        of_a_form = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._request("POST", path, urlencode(form), {**of_a_form, **headers})

    async def _request(self, method: str, path: str, body: str, headers: Mapping[str, str]) -> Response:
        if self._streams is None:
            raise NoAnswer("closed")
        reader, writer = self._streams
        head = {"Host": f"{self._host}:{self._port}", "Content-Length": str(len(body)), **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        try:
            async with asyncio.timeout(self._patience):
                writer.write(f"{method} {path} HTTP/1.1\r\n{lines}\r\n{body}".encode())
                return await _read(reader)
        except TimeoutError:
            self.close()
            raise NoAnswer("timeout") from None
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            self.close()
            raise NoAnswer(type(error).__name__) from None

    def close(self) -> None:
        """Give it up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _read(reader: asyncio.StreamReader) -> Response:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    body = await reader.readexactly(int(headers["content-length"]))
    return Response(status=int(head[0].split(" ", 2)[1]), body=json.loads(body) if body else {})


def basic(client: str, secret: str) -> str:
    """RFC 6749 §2.3.1; neither has a character that form encoding changes."""
    return "Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode()
