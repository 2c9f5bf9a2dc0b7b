"""Long folds in small slices, so that whoever answers requests meanwhile can do something else between them."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

from eventsourcing.dcb.api import DCBSequencedEvent

from domain.identifiers import Position
from eventstore.codec import decode
from projections.audit_search import RecordedEvent

SLICE: Final = 100
"""Events of one slice; a millisecond or two."""

Result = TypeVar("Result")
Sliced = Generator[None, None, Result]
"""A computation that pauses after every slice. It may be resumed in any thread, in one at a time."""


def finished(work: Sliced[Result]) -> Result:
    """Run it to its end, for those who have nothing else to do."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: Result = done.value
            return result


def slices(rows: Iterable[DCBSequencedEvent], end: Position) -> Iterator[list[RecordedEvent]]:
    """The events up to a position, slice by slice. Raises what the store raises, and what the codec raises."""
    reading = iter(rows)
    while page := list(islice(reading, SLICE)):
        fitting = [stored for stored in page if stored.position <= end]
        yield [RecordedEvent(position=Position(stored.position), event=decode(stored)) for stored in fitting]
        if len(fitting) < len(page):
            return
