"""`GET /audit/tail`: events as they are recorded, by server-sent events (WHATWG HTML §9.2).

The id of each is its position, so a reader that comes back with `Last-Event-ID` misses nothing and gets nothing twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, suppress
from typing import Final

from api.answers import header
from api.audit.conditions import CONDITIONS, filter_of
from api.audit.events_route import STREAM_PAGE, sse_message
from api.audit.parameters import LARGEST_POSITION
from api.audit.readings import Reading, Readings
from api.audit.scans import Places, run
from api.oauth_errors import malformed
from domain.identifiers import Position
from domain.lineage import Birth
from eventstore.errors import StoreError
from projections.audit_pages import page_of
from projections.audit_search import AuditFilter

PARAMETERS: Final = (CONDITIONS - {"since", "until"}) | {"after", "min_position"}
LOOK_EVERY: Final = 0.25
"""Seconds between two looks at the log."""
HEARTBEAT: Final = 15.0
"""Seconds of silence after which the reader is told up to where nothing was found."""
LONGEST: Final = 900.0
"""Seconds; the reader comes back, and its token is looked at anew."""
RETRY: Final = 2000
"""Milliseconds after which a reader comes back."""

_log = logging.getLogger("counterfoil.audit")
StillMayRead = Callable[[Birth], Awaitable[bool]]


class LiveTail:
    """Starts after `Last-Event-ID`, else after the parameter `after`, else with what comes from now on."""

    def __init__(self, readings: Readings, places: Places, still_may_read: StillMayRead) -> None:
        self._readings = readings
        self._places = places
        self._still_may_read = still_may_read

    async def __call__(self, reading: Reading) -> TailStream:
        """The stream; that it starts is recorded before anything leaves."""
        wanted, asked = filter_of(reading.parameters), _start(reading)
        with ExitStack() as unless_started:
            unless_started.enter_context(self._places.taken())
            end = await self._readings.end(reading.parameters)
            started = await self._readings.record(reading, "started", 0, end if asked is None else asked)
            return TailStream(
                self._readings,
                reading,
                wanted,
                started if asked is None else asked,
                self._still_may_read,
                unless_started.pop_all(),
            )


class TailStream:
    """A `Stream` that ends when the reader leaves, its token dies, or it has lasted long enough."""

    media_type = b"text/event-stream"

    def __init__(
        self,
        readings: Readings,
        reading: Reading,
        wanted: AuditFilter,
        position: Position,
        still_may_read: StillMayRead,
        place: ExitStack,
    ) -> None:
        self._readings = readings
        self._reading = reading
        self._wanted = wanted
        self._position = position
        self._still_may_read = still_may_read
        self._place = place
        self._count = 0

    @property
    def first_position(self) -> int:
        """Where it starts."""
        return self._position

    async def chunks(self, gone: asyncio.Event) -> AsyncIterator[bytes]:
        """Pages of events, and heartbeats between them; the token is asked for before each."""
        clock = asyncio.get_running_loop().time
        ends, spoke = clock() + LONGEST, clock()
        yield f"retry: {RETRY}\n: after position {self._position}\n\n".encode()
        while clock() < ends and not gone.is_set() and await self._still_may_read(self._reading.shown):
            sent = await self._next()
            if sent or clock() - spoke >= HEARTBEAT:
                spoke = clock()
                yield sent or f": heartbeat\nid: {self._position}\n\n".encode()
            if not sent:
                with suppress(TimeoutError):
                    await asyncio.wait_for(gone.wait(), LOOK_EVERY)

    async def _next(self) -> bytes:
        log = self._readings.log
        end = Position(await asyncio.to_thread(log.last_position))
        if end <= self._position:
            return b""
        page = await run(page_of(log, self._wanted, self._position, STREAM_PAGE, end))
        self._position = page.position
        self._count += len(page.events)
        return b"".join(map(sse_message, page.events))

    async def close(self) -> None:
        """As a search's."""
        self._place.close()
        try:
            await self._readings.record(self._reading, "ended", self._count, self._position)
        except StoreError as error:
            _log.warning("the end of a reading could not be recorded: %s", error)


def _start(reading: Reading) -> Position | None:
    unverified = header(reading.scope, b"last-event-id")
    if unverified is None:
        return reading.parameters.position("after")
    if not unverified.isdigit() or len(unverified) > 19 or int(unverified) > LARGEST_POSITION:
        raise malformed("Last-Event-ID must be a position.")
    return Position(int(unverified))
