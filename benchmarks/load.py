"""The load: keep-alive connections with one request under way on each, every body prepared beforehand.

Our own rather than wrk: each request carries a token of its own, and there is nothing to install. A plain epoll loop;
`load_bound_per_second` in the results is what it can drive against a server that does nothing.
"""

from __future__ import annotations

import itertools
import select
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

PATIENCE = 30
"""Seconds without any answer after which a measurement ends."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What one slice of load saw; latencies in seconds, sorted."""

    seconds: float
    latencies: tuple[float, ...]
    refused: int
    refusal: bytes = b""
    """The last answer with another status than 200, from its beginning."""

    @property
    def per_second(self) -> float:
        """Answers with status 200 a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """A latency in milliseconds."""
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * share))] * 1000


def request_bytes(path: str, body: bytes, authorization: str) -> bytes:
    """A POST, ready to be sent."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: {authorization}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Load:
    """Connections to one server, kept over many slices."""

    def __init__(self, port: int, connections: int) -> None:
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        for _ in range(connections):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setblocking(False)
            self._sockets[connection.fileno()] = connection
            self._poll.register(connection, select.EPOLLIN)

    def greet(self, request: bytes) -> None:
        """One request on each connection, for the server ends those that stay without their first."""
        self.run(itertools.repeat(request, len(self._sockets)), PATIENCE)

    def run(self, requests: Iterator[bytes], seconds: float, bodies: list[bytes] | None = None) -> Slice:
        """Send requests for that long, or until there are none left; wait for every answer.

        The answers' bodies are kept in `bodies`. Raises ConnectionError or TimeoutError where the server goes away.
        """
        sent: dict[int, float] = {}
        parts: dict[int, bytes] = {}
        latencies: list[float] = []
        refused, refusal = 0, b""
        started = time.perf_counter()
        ends = started + seconds
        for number, connection in self._sockets.items():
            self._send(number, connection, requests, sent)
        while sent:
            for number in self._readable():
                data = parts.pop(number, b"") + self._receive(number)
                body = body_of(data)
                if body is None:
                    parts[number] = data
                    continue
                now = time.perf_counter()
                latency = now - sent.pop(number)
                if data.startswith(b"HTTP/1.1 200"):
                    latencies.append(latency)
                else:
                    refused, refusal = refused + 1, data[:500]
                if bodies is not None:
                    bodies.append(body)
                if now < ends:
                    self._send(number, self._sockets[number], requests, sent)
        return Slice(time.perf_counter() - started, tuple(sorted(latencies)), refused, refusal)

    def _send(
        self, number: int, connection: socket.socket, requests: Iterator[bytes], sent: dict[int, float]
    ) -> None:
        request = next(requests, None)
        if request is not None:
            sent[number] = time.perf_counter()
            connection.sendall(request)

    def _readable(self) -> list[int]:
        numbers = [number for number, _ in self._poll.poll(PATIENCE)]
        if not numbers:
            raise TimeoutError(f"no answer for {PATIENCE} s")
        return numbers

    def _receive(self, number: int) -> bytes:
        data = self._sockets[number].recv(65536)
        if not data:
            raise ConnectionError("the server closed a connection under load")
        return data

    def close(self) -> None:
        """End all connections."""
        for connection in self._sockets.values():
            connection.close()
        self._poll.close()


def body_of(data: bytes) -> bytes | None:
    """The body of an answer, or `None` while part of it is missing."""
    head, end, body = data.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return body if end and len(body) >= int(length or b"0") else None


def cycled(requests: Sequence[bytes], turns: int) -> Iterator[bytes]:
    """All requests, one after the other, that many times."""
    for _ in range(turns):
        yield from requests
