"""`GET /audit/events`: a page of a search as JSON, or all of it, one event a line, as NDJSON or CSV."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from typing import Final

from api.answers import Answer
from api.audit.conditions import CONDITIONS, conditions_of, filter_of
from api.audit.csv_rows import COLUMNS, csv_text, event_row
from api.audit.cursors import cursor_at, position_of
from api.audit.parameters import Parameters
from api.audit.readings import Reading, Readings
from api.audit.scans import Places, run
from api.cli.printed import json_line
from api.event_documents import event_document
from domain.identifiers import Position
from eventstore.errors import StoreError
from projections.audit_pages import page_of
from projections.audit_search import AuditFilter, RecordedEvent

PARAMETERS: Final = CONDITIONS | {"cursor", "after", "limit", "min_position"}
LARGEST_PAGE: Final = 1000
USUAL_PAGE: Final = 100
LARGEST_STREAM: Final = 1_000_000
STREAM_PAGE: Final = 200
"""Events that a stream reads, and sends, at once."""
NDJSON: Final = b"application/x-ndjson"
CSV: Final = b"text/csv"

_log = logging.getLogger("counterfoil.audit")
Rows = Callable[[tuple[RecordedEvent, ...]], bytes]


class EventSearch:
    """Every condition that is given must hold; what is found comes in the order of the log."""

    def __init__(self, readings: Readings, places: Places) -> None:
        self._readings = readings
        self._places = places

    async def __call__(self, reading: Reading) -> Answer | SearchStream:
        """A page, or the stream of all pages up to the last position of the moment."""
        asked = reading.parameters
        conditions = conditions_of(asked)
        wanted, after = filter_of(asked), _start(asked, conditions)
        for media_type, rows, head in ((NDJSON, _lines, b""), (CSV, _rows, csv_text([COLUMNS]))):
            if reading.accepts(media_type):
                limit = asked.number("limit", 1, LARGEST_STREAM) or LARGEST_STREAM
                return await self._stream(reading, wanted, after, limit, (media_type, rows, head))
        return await self._page(reading, wanted, after, asked.number("limit", 1, LARGEST_PAGE) or USUAL_PAGE)

    async def _page(self, reading: Reading, wanted: AuditFilter, after: Position, limit: int) -> Answer:
        with self._places.taken():
            end = await self._readings.end(reading.parameters)
            page = await run(page_of(self._readings.log, wanted, after, limit, end))
            documents = [event_document(recorded) for recorded in page.events]
        await self._readings.record(reading, "answered", len(documents), page.position)
        body = {
            "events": documents,
            "position": page.position,
            "end": end,
            "next": cursor_at(page.position, conditions_of(reading.parameters)),
            "more": page.position < end,
        }
        return Answer(body=body, headers=((b"counterfoil-position", str(page.position).encode()),))

    async def _stream(
        self,
        reading: Reading,
        wanted: AuditFilter,
        after: Position,
        limit: int,
        shape: tuple[bytes, Rows, bytes],
    ) -> SearchStream:
        with ExitStack() as unless_started:
            unless_started.enter_context(self._places.taken())
            end = await self._readings.end(reading.parameters)
            # One step, so that an unknown type is told before anything was sent.
            await run(page_of(self._readings.log, wanted, after, 1, after))
            await self._readings.record(reading, "started", 0, after)
            return SearchStream(
                self._readings, reading, wanted, (after, end, limit), shape, unless_started.pop_all()
            )


class SearchStream:
    """A `Stream`: page after page, up to what was the last position when it began."""

    def __init__(
        self,
        readings: Readings,
        reading: Reading,
        wanted: AuditFilter,
        extent: tuple[Position, Position, int],
        shape: tuple[bytes, Rows, bytes],
        place: ExitStack,
    ) -> None:
        self._readings = readings
        self._reading = reading
        self._wanted = wanted
        self._position, self._end, self._left = extent
        self.media_type, self._rows, self._head = shape
        self._place = place
        self._count = 0

    @property
    def first_position(self) -> int:
        """Up to where it will look."""
        return self._end

    async def chunks(self, gone: asyncio.Event) -> AsyncIterator[bytes]:
        """A chunk a page. Memory holds one page, however slowly the reader takes it."""
        if self._head:
            yield self._head
        while self._left and self._position < self._end and not gone.is_set():
            size = min(STREAM_PAGE, self._left)
            page = await run(page_of(self._readings.log, self._wanted, self._position, size, self._end))
            self._position, self._left = page.position, self._left - len(page.events)
            self._count += len(page.events)
            if page.events:
                yield self._rows(page.events)

    async def close(self) -> None:
        """Its place is free at once; that it ended is recorded if the store takes it."""
        self._place.close()
        try:
            await self._readings.record(self._reading, "ended", self._count, self._position)
        except StoreError as error:
            _log.warning("the end of a reading could not be recorded: %s", error)


def _start(asked: Parameters, conditions: dict[str, str]) -> Position:
    given = asked.one_of(("cursor", "after"))
    if given is None:
        return Position(0)
    name, value = given
    return position_of(value, conditions) if name == "cursor" else (asked.position("after") or Position(0))


def _lines(events: tuple[RecordedEvent, ...]) -> bytes:
    return "".join(json_line(event_document(recorded)) + "\n" for recorded in events).encode()


def _rows(events: tuple[RecordedEvent, ...]) -> bytes:
    return csv_text(map(event_row, events))


def sse_message(recorded: RecordedEvent) -> bytes:
    """One server-sent event: its id is the position. All beyond ASCII is escaped, so nothing ends a line early."""
    data = json_line(event_document(recorded))
    return f"id: {recorded.position}\nevent: {recorded.event.TYPE}\ndata: {data}\n\n".encode()
