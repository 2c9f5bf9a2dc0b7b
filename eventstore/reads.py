"""Reading the log page by page. What a read gives was settled when it began, whatever is appended meanwhile:
events never change and appear in the order of their positions, so the last position then is a snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from itertools import chain, islice
from typing import Any, Final, Protocol

from eventsourcing.dcb.api import DCBReadResponse, DCBSequencedEvent

PAGE: Final = 1000
"""Rows fetched at once."""

Bindings = tuple[Any, ...] | dict[str, Any]
Row = tuple[Any, ...]
"""Of an event: its position first, then what its store keeps of it."""

FetchRows = Callable[[str, Bindings], list[Row]]
"""Runs one statement to its end: on a reading connection, or inside a transaction."""


class Stretch(Protocol):
    """The positions `after < position <= until`, and how matches of one query item in them are found."""

    @property
    def sql(self) -> str:
        """A statement for a page of matches."""

    @property
    def after(self) -> int:
        """Exclusive."""

    @property
    def until(self) -> int:
        """Inclusive."""

    def bindings(self, after: int, limit: int) -> Bindings:
        """What the statement is given for the next `limit` matches after a position."""


def seek(fetch: FetchRows, items: Sequence[Sequence[Stretch]], limit: int | None) -> Iterator[Row]:
    """The matches of the items, each row once, in order; at least the first `limit` of them."""
    matches = [chain.from_iterable(_pages(fetch, s, limit) for s in stretches) for stretches in items]
    return matches[0] if len(matches) == 1 else _each_once(merge(*matches, key=_position))


def _pages(fetch: FetchRows, stretch: Stretch, limit: int | None) -> Iterator[Row]:
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

    def __init__(
        self,
        rows: Iterator[Row],
        last: int | None,
        limit: int | None,
        sequenced: Callable[[Row], DCBSequencedEvent],
    ) -> None:
        self._sequenced = sequenced
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
        return self._sequenced(row)
