"""The HTTP protocol of the server: uvicorn's fast one with bounded heads, a deadline for slow senders, no upgrades.

Java's HTTP client offers `Upgrade: h2c` on every plain-http POST. httptools takes what follows such a head for another
protocol, so uvicorn would drop the body. A connection that offers an upgrade goes on with uvicorn's h11 protocol, which
reads the body as HTTP/1.1 says (RFC 9110 §7.8: a server may ignore the offer).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

LONGEST_HEAD: Final = 65_536
"""Bytes of a request line and headers."""
SLOWEST_REQUEST: Final = 10.0
"""Seconds in which a request that has begun, or a new connection's first one, must have arrived whole."""


class _Closable(Protocol):
    def close(self) -> None: ...


class Deadline:
    """Closes a connection that keeps us waiting. Armed only while something is missing, so most requests never are."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handle: asyncio.TimerHandle | None = None

    def arm(self, transport: _Closable) -> None:
        """Start waiting, unless that has begun already."""
        if self._handle is None:
            self._handle = self._loop.call_later(SLOWEST_REQUEST, transport.close)

    def disarm(self) -> None:
        """All is here."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._deadline = Deadline(self.loop)
        self._head = b""
        self._in_head = True
        self._is_whole = False
        self._heads_in_chunk = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline.arm(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._heads_in_chunk = 0
        if self._in_head:
            self._head += data
        super().data_received(data)
        if self._in_head and len(self._head) > LONGEST_HEAD:
            self.send_400_response("The head of the request is too large.")
        elif self._is_whole:
            self._deadline.disarm()
        else:
            self._deadline.arm(self.transport)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_whole = False
        self._heads_in_chunk += 1

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._in_head = False
        self._head = b""
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        self._in_head = True
        self._is_whole = True

    def _should_upgrade(self) -> bool:
        return False

    def _unsupported_upgrade_warning(self) -> None:
        """httptools has stopped behind the head of a request that offers an upgrade; nothing was started for it."""
        earlier = getattr(self, "cycle", None)
        in_flight = earlier is not None and not earlier.response_complete
        if in_flight or self._heads_in_chunk > 1:
            # Pipelined behind another request: where this one began in the bytes is not known here.
            self.send_400_response("Do not pipeline requests that offer an upgrade.")
            return
        head, self._head = self._head, b""
        self._is_whole = True
        self._deadline.disarm()
        self._unset_keepalive_if_required()
        self.connections.discard(self)
        successor = WithoutUpgrade(self.config, self.server_state, self.app_state, self.loop)
        successor.connection_made(self.transport)
        self.transport.set_protocol(successor)
        successor.data_received(head)


class WithoutUpgrade(H11Protocol):
    """A connection whose client offers an upgrade: the offer is passed over, the request answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = Deadline(self.loop)

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.SEND_BODY or self._has_part_of_a_head():
            self._deadline.arm(self.transport)
        else:
            self._deadline.disarm()

    def _has_part_of_a_head(self) -> bool:
        return self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])

    def _should_upgrade(self) -> bool:
        return False
