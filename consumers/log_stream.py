"""`counterfoil stream --from-log`: the same line, fed by the log itself. The position in the log is the offset."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from consumers.audit_record import Headers, record_of
from consumers.errors import StreamMisconfigured
from consumers.group_offsets import Beginning
from consumers.line_parts import LineParts
from consumers.partition_track import Progress, Track
from consumers.patience import Patience
from consumers.position_file import Kept, PositionFile
from consumers.stopping import Stop
from eventstore.errors import StoreError
from eventstore.store import PublishedLog

LOOK_AGAIN: Final = 0.2
"""Seconds between two looks for new events."""
KEEP_EVERY: Final = 1.0
AT_ONCE: Final = 500
_ALL: Final = 0
"""The log is one partition."""


@dataclass(frozen=True, slots=True)
class _LogRecord:
    """Implements `received.TopicRecord`."""

    partition: int
    offset: int
    timestamp: int
    key: bytes
    value: bytes
    headers: Headers


class _First(msgspec.Struct):
    id: str


class LogStream:
    """Reads the log behind the position kept, and keeps it as the line moves on."""

    def __init__(
        self, parts: LineParts, log: PublishedLog, place: PositionFile, *, beginning: Beginning = None
    ) -> None:
        self._parts, self._log, self._place, self._beginning = parts, log, place, beginning
        self._store = ""
        self._read = 0
        self._next_keep = 0.0

    def run(self, stop: Stop) -> None:
        """Until a stop is wished. Raises StreamMisconfigured, and what the codec raises on a log it cannot read."""
        patience = Patience("the event store", stop)
        parts = self._parts
        try:
            while not stop.wanted:
                parts.check()
                try:
                    idle = self._turn()
                    patience.worked()
                except StoreError as error:
                    patience.failed(error)
                    continue
                if idle:
                    stop.wait(LOOK_AGAIN)
        finally:
            parts.drain(lambda: parts.deliverer.join(0.1))
            self._keep(now=True)
            parts.close()
        parts.check()

    def _turn(self) -> bool:
        """Read on, if there is room; whether there was nothing to do."""
        if not self._store and not self._begin():
            return True
        self._keep()
        line = self._parts.line
        if line.is_full():
            return True
        track = line.track(_ALL)
        if track is None:
            raise RuntimeError("the log has no track")
        last = self._log.last_position()
        self._parts.metrics.lag(_ALL, max(0, last + 1 - track.offset))
        if last <= self._read:
            return True
        line.add(self._parts.intake.items(track, self._records()))
        return False

    def _records(self) -> Iterator[_LogRecord]:
        for stored in self._log.read(after=self._read, limit=AT_ONCE):
            record = record_of(stored, stored.position - 1 or None, self._store)
            yield _LogRecord(_ALL, record.seq, record.time, record.key, record.value, record.headers)
            self._read = record.seq

    def _begin(self) -> bool:
        """Find the place; whether the log has a first event by which it can be known again."""
        first = self._log.event_at(1)
        if first is None:
            return False
        store = msgspec.json.decode(first.event.data, type=_First).id
        last = self._log.last_position()
        kept = self._place.read()
        if kept is None:
            kept = Kept(store, last if self._beginning == "latest" else 0)
        if kept.store != store or kept.seq > last:
            raise StreamMisconfigured(
                f"the position kept for sink {self._parts.entry.name}, {kept.seq}, is of another log, or of this one "
                "before it was restored; if this is the right log, remove the file, and everything is delivered again"
            )
        self._read = kept.seq
        self._parts.intake.begin(_ALL, from_start=False)
        self._parts.line.begin(Track(_ALL, kept.seq + 1, Progress(seq=kept.seq)))
        self._place.write(kept)
        self._store = store
        return True

    def _keep(self, *, now: bool = False) -> None:
        if not now and time.monotonic() < self._next_keep:
            return
        self._next_keep = time.monotonic() + KEEP_EVERY
        for offset, _ in self._parts.line.progress().values():
            self._place.write(Kept(self._store, offset - 1))
