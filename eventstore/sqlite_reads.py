"""Reading the log page by page. What a read gives was settled when it began, whatever is appended meanwhile:
events never change and appear in the order of their positions, so the last position then is a snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import merge
from itertools import chain, islice
from typing import Final

from eventsourcing.dcb.api import DCBQuery, DCBQueryItem, DCBReadResponse, DCBSequencedEvent

from eventstore.sqlite_rows import Bindings, Row, sequenced
from eventstore.sqlite_stretches import Extent, Stretch, stretches

PAGE: Final = 1000
"""Rows fetched at once."""

_EXTENT: Final = """
SELECT (SELECT max(position) FROM events), (SELECT value FROM meta WHERE name = 'indexed_up_to')
"""
_EVERYTHING: Final = DCBQueryItem()

FetchRows = Callable[[str, Bindings], list[Row]]
"""Runs one statement to its end: on a reading connection, or inside a transaction."""


def read(fetch: FetchRows, query: DCBQuery | None, after: int | None, limit: int | None) -> ReadResponse:
    """The events that match the query, each once, in order; at most `limit`. Raises StoreError, here or while read."""
    last, indexed_up_to = fetch(_EXTENT, ())[0]
    extent = Extent(after=after or 0, until=last or 0, indexed_up_to=indexed_up_to)
    items = (query.items if query else None) or [_EVERYTHING]
    matches = [chain.from_iterable(_seek(fetch, s, limit) for s in stretches(item, extent)) for item in items]
    rows = matches[0] if len(matches) == 1 else _each_once(merge(*matches, key=_position))
    return ReadResponse(rows, last, limit)


def _seek(fetch: FetchRows, stretch: Stretch, limit: int | None) -> Iterator[Row]:
    """The first `limit` matches in one stretch."""
    after = stretch.after
    left = stretch.until - after if limit is None else limit
    while left > 0 and after < stretch.until:
        size = min(PAGE, left)
        page = fetch(stretch.sql, stretch.bindings(after, size))
        yield from page
        if len(page) < size:
            return
        left -= size
        after = page[-1][0]


def _position(row: Row) -> int:
    position: int = row[0]
    return position


def _each_once(rows: Iterator[Row]) -> Iterator[Row]:
    """Rows in order without those that several items found."""
    previous = 0
    for row in rows:
        if row[0] != previous:
            previous = row[0]
            yield row


class ReadResponse(DCBReadResponse):
    """The matches, fetched as they are asked for. Not for several threads at once."""

    def __init__(self, rows: Iterator[Row], last: int | None, limit: int | None) -> None:
        self._is_limited = limit is not None
        self._rows = rows if limit is None else islice(rows, max(limit, 0))
        self._head = None if self._is_limited else last

    @property
    def head(self) -> int | None:
        """The last position of the store when the read began or, where a limit was given, that of the last match.

        With a limit this fetches the matches that are left.
        """
        if self._is_limited and (ahead := list(self._rows)):
            self._rows = iter(ahead)
            self._head = ahead[-1][0]
        return self._head

    def __next__(self) -> DCBSequencedEvent:
        row = next(self._rows)
        if self._is_limited:
            self._head = row[0]
        return sequenced(row)
