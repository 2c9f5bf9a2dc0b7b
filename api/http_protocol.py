"""The HTTP protocol of the server: uvicorn's fast one with bounded heads, deadlines for slow peers, and no upgrades.

Java's HTTP client offers `Upgrade: h2c` on every plain-http POST. httptools takes what follows such a head for another
protocol, so uvicorn would drop the body. Here the same head is read again without the offer, and then what stands
behind it (RFC 9110 §7.8: a server may ignore the offer).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.deadlines import Deadline, Idleness
from api.gate import SURPLUS, Gate
from api.quick_cycle import QuickCycle, QuickEndpoint, QuickEndpoints, has_small_length
from api.tickets import TICKET

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

LONGEST_HEAD: Final = 65_536
"""Bytes of a request line and headers; also of trailers, and of anything else that is neither head nor body."""
MOST_PIPELINED: Final = 32
"""Requests that wait behind the one being answered; one segment can hold ten thousand."""
SLOWEST_REQUEST: Final = 10.0
"""Seconds in which a request that has begun, or a new connection's first one, must have arrived whole."""
SLOWEST_READER: Final = 10.0
"""Seconds in which a peer must take answers that it lets pile up."""

_IGNORED: Final[deque[tuple[bytes, bytes]]] = deque(maxlen=0)
"""Where trailers go: they must not become headers behind a proxy that checked only those (RFC 9110 §6.5.1)."""


def _nothing() -> None:
    """For an application that has no such answers."""


class TooMuch(Exception):
    """More of a head, of trailers or of pipelined requests than is read."""


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
        self._arrival = Deadline(self.loop, self._arrived_late)
        self._departure = Deadline(self.loop, self.timeout_keep_alive_handler)
        self._idleness = Idleness(self.loop, self.timeout_keep_alive, self.timeout_keep_alive_handler)
        self._is_whole = False
        self._is_between = True
        self._is_refused = False
        self._without_progress = 0
        self._quick: QuickEndpoints = getattr(self.app, "quick", {})
        self._next: QuickCycle | None = None
        self._gate = Gate(self, getattr(self.app, "admission", None), self.limit_concurrency)
        # uvicorn's own answer would be plain text without Retry-After, and a log line each time.
        self.limit_concurrency = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arrival.arm(SLOWEST_REQUEST)
        if self._gate.is_surplus(SURPLUS):
            transport.abort()

    def shutdown(self) -> None:
        """uvicorn calls it when it stops: answers that would never end by themselves are ended."""
        end_streams: Callable[[], None] = getattr(self.app, "end_streams", _nothing)
        end_streams()
        super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrival.disarm()
        self._departure.disarm()
        self._idleness.stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused or (self._is_between and self._is_turned_away_unread(data)):
            return
        self._idleness.end()
        self._is_whole = False
        self._without_progress += len(data)
        try:
            self._read(data)
            if self._without_progress > LONGEST_HEAD:
                raise TooMuch
        except (httptools.HttpParserError, httptools.HttpParserUpgrade, TooMuch):
            self._refuse()
        if self._is_whole:
            self._arrival.disarm()
        else:
            self._arrival.arm(SLOWEST_REQUEST)
        self._is_between = self._is_whole
        self._begin_next()

    def _is_turned_away_unread(self, data: bytes) -> bool:
        """In an overload, and with nothing under way here."""
        latest: Any = self.cycle
        if (latest is not None and not latest.response_complete) or not self._gate.turns_away_unread(data):
            return False
        self._arrival.disarm()
        return True

    def _read(self, data: bytes | memoryview) -> None:
        """Raises HttpParserError, and HttpParserUpgrade for CONNECT, which is an upgrade without an offer to drop."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offered:
            behind = memoryview(data)[offered.args[0] :]
            self.parser.feed_data(self._head_without_offer())
            self._read(behind)

    def _head_without_offer(self) -> bytes:
        """The head that was just read. httptools has taken nothing with a line break or NUL into it."""
        request = b"%b %b HTTP/%b" % (
            self.parser.get_method(),
            self.url,
            self.parser.get_http_version().encode(),
        )
        fields = [b"%b: %b" % field for field in self.headers if field[0] != b"upgrade"]
        return b"\r\n".join([request, *fields, b"", b""])

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._is_whole = False

    def on_headers_complete(self) -> None:
        if self._without_progress > LONGEST_HEAD and self._length_of_head() > LONGEST_HEAD:
            raise TooMuch
        if self.parser.should_upgrade():
            return
        if len(self.pipeline) >= MOST_PIPELINED:
            raise TooMuch
        if self._gate.lets_in():
            endpoint = self._quick.get(self.url)
            if endpoint is not None and self._is_quick():
                self._take_in(endpoint)
            else:
                self._take_in_for_asgi()
            self.cycle.keep_alive = self.cycle.keep_alive and not self._gate.is_surplus()
        self.headers = _IGNORED  # type: ignore[assignment]
        self._without_progress = 0

    def _is_quick(self) -> bool:
        """Whether nothing is unusual about a request to a hot route. Where it is, ASGI has the answer."""
        return (
            self.parser.get_method() == b"POST"
            and not self.expect_100_continue
            and has_small_length(self.headers)
        )

    def _take_in(self, endpoint: QuickEndpoint) -> None:
        """uvicorn's own `on_headers_complete`, for a request that is answered without ASGI."""
        existing: RequestResponseCycle | None = self.cycle
        cycle = QuickCycle(
            self,
            endpoint,
            {"method": "POST", "headers": self.headers, "client": self.client, TICKET: self._gate.ticket},
            keep_alive=self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive(),
        )
        self.cycle = cycle  # type: ignore[assignment]
        if existing is None or existing.response_complete:
            self._next = cycle
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))  # type: ignore[arg-type]

    def _take_in_for_asgi(self) -> None:
        """uvicorn makes the scope when a head begins; here only once it is known that one is needed."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        self.scope[TICKET] = self._gate.ticket  # type: ignore[typeddict-unknown-key]
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """uvicorn calls it when it is the request's turn."""
        if isinstance(cycle, QuickCycle):
            self._next = cycle
        else:
            super()._start_asgi_task(cycle, app)

    def _begin_next(self) -> None:
        """Begin the request whose turn it is, once it is whole; never while the parser is at work."""
        cycle = self._next
        if cycle is not None and not cycle.more_body:
            self._next = None
            cycle.begin()

    def _length_of_head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def on_body(self, body: bytes) -> None:
        if not self._gate.is_passing_over:
            self._add_to_body(body)
        self._without_progress = 0

    def _add_to_body(self, part: bytes) -> None:
        cycle: Any = self.cycle
        if isinstance(cycle, QuickCycle):
            cycle.body = cycle.body + part if cycle.body else part
        else:
            super().on_body(part)

    def on_message_complete(self) -> None:
        if not self._gate.is_passing_over:
            super().on_message_complete()
        self._gate.request_complete()
        self._is_whole = True

    def keeps_alive(self) -> bool:
        """Whether the connection outlives the request that was just read."""
        return self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()

    def answered_directly(self, is_last: bool) -> None:
        """The gate has answered the request that was just read."""
        if is_last:
            self.transport.close()
            self._departure.arm(SLOWEST_READER)
        else:
            self._idleness.begin()

    def on_response_complete(self) -> None:
        """uvicorn's own, with one timer for a connection instead of one for every answer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._departure.arm(SLOWEST_READER)
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            self._begin_next()
        else:
            self._idleness.begin()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._departure.arm(SLOWEST_READER)

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._departure.disarm()

    def timeout_keep_alive_handler(self) -> None:
        # Not `close`: it would wait for the peer to take what is still unsent, for ever if need be.
        self.transport.abort()

    def _refuse(self) -> None:
        """Read no further. Answers under way come first: a 400 in their place would deny what has been done."""
        self._is_refused = True
        if self._is_answering():
            self.cycle.keep_alive = False
        else:
            self.send_400_response("Invalid HTTP request received.")
            self._departure.arm(SLOWEST_READER)

    def _arrived_late(self) -> None:
        if self._is_answering():
            self._arrival.arm(SLOWEST_REQUEST)
        else:
            self.transport.abort()

    def _is_answering(self) -> bool:
        """Whether a request that came before what is being read still waits for its answer."""
        latest = getattr(self, "cycle", None)
        if latest is None or latest.response_complete:
            return False
        return latest.response_started or bool(self.pipeline) or not latest.more_body

    def _should_upgrade(self) -> bool:
        """What makes uvicorn start nothing for a head that offers an upgrade."""
        return True
