"""Is a copy of the stream complete? Both are read by position, side by side, and whatever does not fit is named.

The log is the truth: for each of its positions the copy must have the event with that id, and with that content.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

import msgspec

from consumers.audit_record import AuditRecord, record_of
from consumers.copied_records import HARMLESS, Copied, CopyTable, Finding, Kind, Unreadable
from eventstore.store import PublishedLog

PAGE: Final = 1000
"""Events of the log read at once."""

Digest = Callable[[AuditRecord], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The positions that the copy must have, both included."""

    first: int = 1
    last: int | None = None
    """`None`: all that were recorded when the check began; what came later may be there."""


@dataclass(slots=True)
class Result:
    """What is known when everything was compared."""

    events: int = 0
    """Of the log, in the stretch."""
    present: int = 0
    """Of them, those that the copy has, as they are."""
    marks: int = 0
    last: int = 0
    """The last position of the stretch."""
    found: Counter[Kind] = field(default_factory=Counter)

    @property
    def complete(self) -> bool:
        """Whether everything is there, as it is, where it belongs, and nothing else."""
        return not any(count for kind, count in self.found.items() if kind not in HARMLESS)


class Check:
    """One comparison; `result` fills while the findings are taken."""

    def __init__(self, log: PublishedLog, stretch: Stretch, digest: Digest) -> None:
        """`digest` is that by which the copy was read."""
        self._log, self._stretch, self._digest = log, stretch, digest
        self.result = Result()

    def findings(self, copy: Iterable[Copied | Unreadable]) -> Iterator[Finding]:
        """Everything that does not fit: first what the copy itself shows, then by position. Raises StoreError."""
        for finding in self._findings(copy):
            self.result.found[finding.kind] += 1
            yield finding

    def _findings(self, copy: Iterable[Copied | Unreadable]) -> Iterator[Finding]:
        stretch = self._stretch
        self.result.last = self._log.last_position() if stretch.last is None else stretch.last
        with closing(CopyTable()) as table:
            for found in copy:
                yield from table.add(found)
            self.result.marks = table.marks
            # What was recorded meanwhile may be in the copy already, and is no stranger there.
            end = self._log.last_position() if stretch.last is None else stretch.last
            yield from self._compared(self._records(stretch.first, end), self._within(table, end))

    def _within(self, table: CopyTable, end: int) -> Iterator[Copied]:
        first, last = self._stretch.first, self._stretch.last
        for copied in table:
            # No event stands before position 1: what claims so is a stranger in a copy that is checked from there.
            if (copied.seq >= first or first == 1) and (last is None or copied.seq <= end):
                yield copied

    def _compared(self, records: Iterator[AuditRecord], copies: Iterator[Copied]) -> Iterator[Finding]:
        copied = next(copies, None)
        for record in records:
            there = False
            while copied is not None and copied.seq <= record.seq:
                if (copied.seq, copied.id) == (record.seq, record.id):
                    there = True
                    yield from self._content(record, copied)
                else:
                    yield _extra(copied, f"position {copied.seq} of the log has another event")
                copied = next(copies, None)
            yield from self._presence(record, there=there)
        while copied is not None:
            yield _extra(copied, f"the log has no position {copied.seq}")
            copied = next(copies, None)

    def _content(self, record: AuditRecord, copied: Copied) -> Iterator[Finding]:
        if self._digest(record) == copied.digest:
            self.result.present += record.seq <= self.result.last
        else:
            yield Finding(
                kind="differs",
                position=record.seq,
                id=record.id,
                place=copied.place,
                detail=f"{record.type} was altered",
            )

    def _presence(self, record: AuditRecord, *, there: bool) -> Iterator[Finding]:
        if record.seq > self.result.last:
            return
        self.result.events += 1
        if not there:
            yield Finding(kind="missing", position=record.seq, id=record.id, place="", detail=record.type)

    def _records(self, first: int, end: int) -> Iterator[AuditRecord]:
        """The records that belong in the copy, as they were published."""
        store, previous = _store_id(self._log), first - 1
        while previous < end:
            page = list(self._log.read(after=previous, limit=min(PAGE, end - previous)))
            if not page:
                return
            for stored in page:
                if stored.position > end:
                    return
                yield record_of(stored, previous or None, store)
                previous = stored.position


class _Named(msgspec.Struct):
    id: str


def _store_id(log: PublishedLog) -> str:
    """The log's name in the stream: the id of its first event."""
    first = log.event_at(1)
    return "" if first is None else msgspec.json.decode(first.event.data, type=_Named).id


def _extra(copied: Copied, why: str) -> Finding:
    return Finding(kind="extra", position=copied.seq, id=copied.id, place=copied.place, detail=why)
