"""Open-loop load: requests leave on schedule, whether or not the answers to those before have come.

Clients that wait for their answer slow down with the server and so can never show an overload. Here a late answer slows
nobody down; each request has a connection to itself until its answer is there, and latency counts from when it was due.
"""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from dataclasses import dataclass, field

from benchmarks.load import body_of

PATIENCE = 10
"""Seconds for which the last answers are waited for."""
AT_ONCE = 64
"""Requests that a sender who has fallen behind sends before it looks for answers again."""


@dataclass(slots=True)
class Flood:
    """What came of one flood; latencies in seconds."""

    seconds: float = 0.0
    due: int = 0
    answered: list[float] = field(default_factory=list)
    shed: list[float] = field(default_factory=list)
    """Requests answered 503 or 429."""
    others: list[bytes] = field(default_factory=list)
    """Beginnings of answers that are none of these, and of refusals that do not say when to come back."""

    @property
    def goodput(self) -> float:
        """Answers with status 200 a second."""
        return len(self.answered) / self.seconds


def percentile(latencies: list[float], share: float) -> float:
    """In milliseconds."""
    ordered = sorted(latencies)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0


class OpenLoad:
    """Many connections to one server."""

    def __init__(self, port: int, connections: int) -> None:
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        for _ in range(connections):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setblocking(False)
            self._sockets[connection.fileno()] = connection
            self._poll.register(connection, select.EPOLLIN)
        self._free = deque(self._sockets)

    def flood(self, requests: deque[bytes], per_second: float, seconds: float) -> Flood:
        """Send that many a second for that long. Each request is used once; one that was shed is put back.

        Raises ConnectionError where the server closes a connection, and IndexError where the requests run out.
        """
        seen = Flood()
        under_way: dict[int, tuple[float, bytes]] = {}
        parts: dict[int, bytes] = {}
        started = time.perf_counter()
        total = int(per_second * seconds)
        while seen.due < total or under_way:
            now = time.perf_counter()
            if now - started > seconds + PATIENCE:
                raise TimeoutError(f"{len(under_way)} requests were not answered")
            owed = min(total, int((now - started) * per_second)) - seen.due
            for _ in range(min(owed, len(self._free), AT_ONCE)):
                number, request = self._free.popleft(), requests.popleft()
                under_way[number] = (started + seen.due / per_second, request)
                seen.due += 1
                self._sockets[number].sendall(request)
            for number, _ in self._poll.poll(0 if owed > 0 else 0.001):
                data = parts.pop(number, b"") + self._received(number)
                if body_of(data) is None:
                    parts[number] = data
                    continue
                due, request = under_way.pop(number)
                self._free.append(number)
                if _note(seen, data, time.perf_counter() - due):
                    requests.append(request)
        seen.seconds = time.perf_counter() - started
        return seen

    def _received(self, number: int) -> bytes:
        data = self._sockets[number].recv(65536)
        if not data:
            raise ConnectionError("the server closed a connection under load")
        return data

    def close(self) -> None:
        """End all connections."""
        for connection in self._sockets.values():
            connection.close()
        self._poll.close()


def _note(seen: Flood, answer: bytes, latency: float) -> bool:
    """Sort an answer in; whether its request was shed."""
    if answer.startswith(b"HTTP/1.1 200"):
        seen.answered.append(latency)
    elif answer.startswith((b"HTTP/1.1 503", b"HTTP/1.1 429")) and b"retry-after: " in answer:
        seen.shed.append(latency)
        return True
    else:
        seen.others.append(answer[:200])
    return False
