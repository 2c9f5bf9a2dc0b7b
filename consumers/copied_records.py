"""What was found in a copy of the stream, kept on disk while it is compared: memory is bounded, whatever its size."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, Final, Literal

import msgspec

from consumers.envelope import NotARecord, envelope_of
from consumers.stream_marks import MARKS

Kind = Literal["missing", "differs", "extra", "disordered", "split", "unreadable", "duplicate"]
HARMLESS: Final = frozenset[Kind]({"duplicate"})
"""At least once is what is promised."""
_ENCODE: Final = msgspec.json.Encoder(order="deterministic").encode
_CACHE: Final = 16_384
"""KiB of memory for the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing about the copy that somebody should know."""

    kind: Kind
    position: int | None
    """In the log."""
    id: str
    place: str
    """Where it stands in the copy; empty for what is missing there."""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """One record of a copy."""

    seq: int
    id: str
    type: str
    digest: bytes
    """By which it is compared: `digest_of_document` or, where bytes must be the same, `digest_of_value`."""
    place: str
    """Where it stands, for people: `file:line`, `partition/offset`, `index/id`."""
    lane: str = ""
    """Within one lane the first appearances of events come in order; empty where there is no order."""
    key: str = ""
    """All records of one key are in one lane; empty where there are no keys."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something in a copy that is no record."""

    place: str
    why: str


def digest_of_value(value: bytes) -> bytes:
    """For copies that have the bytes as they were published."""
    return sha256(value).digest()


def digest_of_document(envelope: Mapping[str, Any]) -> bytes:
    """For copies that have the document, its members in whatever order."""
    return sha256(_ENCODE(envelope)).digest()


def copied_document(document: Any, place: str, *, in_chains: bool = False) -> Copied | Unreadable:
    """The record in a document: an envelope, or an event of ECS or OCSF with its envelope inside.

    `in_chains`: the copy keeps the events of one chain in order.
    """
    try:
        if not isinstance(document, dict):
            raise NotARecord("it is no JSON object")
        envelope = envelope_of(document)
        seq, id, event_type = (envelope.get(name) for name in ("seq", "id", "type"))
        if not (isinstance(seq, int) and isinstance(id, str) and isinstance(event_type, str) and seq < 2**63):
            raise NotARecord("it has no seq, id or type")
    except NotARecord as error:
        return Unreadable(place, str(error))
    chain = envelope.get("chain")
    return Copied(
        seq=seq,
        id=id,
        type=event_type,
        digest=digest_of_document(envelope),
        place=place,
        lane=chain if in_chains and isinstance(chain, str) else "",
    )


class CopyTable:
    """The events of one copy, in a temporary database that nobody else sees and that is gone when it is closed."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        for statement in (
            f"PRAGMA cache_size = -{_CACHE}",
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            "CREATE TABLE copied (seq INTEGER, id TEXT, digest BLOB, place TEXT, PRIMARY KEY (seq, id)) WITHOUT ROWID",
            "CREATE TABLE lanes (lane TEXT PRIMARY KEY, high INTEGER) WITHOUT ROWID",
            "CREATE TABLE keys (key TEXT PRIMARY KEY, lane TEXT) WITHOUT ROWID",
        ):
            self._connection.execute(statement)
        self._connection.execute("BEGIN")
        self.marks = 0
        """Checkpoints and heartbeats, which are no events of the log."""

    def add(self, found: Copied | Unreadable) -> Iterator[Finding]:
        """Keep it; what can be said of it without the log."""
        if isinstance(found, Unreadable):
            yield Finding(kind="unreadable", position=None, id="", place=found.place, detail=found.why)
        elif found.type in MARKS:
            self.marks += 1
        elif self._is_new(found):
            yield from self._out_of_order(found)
        else:
            yield from self._again(found)

    def __iter__(self) -> Iterator[Copied]:
        """The events, by position."""
        rows = self._connection.execute("SELECT seq, id, digest, place FROM copied ORDER BY seq, id")
        for seq, id, digest, place in rows:
            yield Copied(seq=seq, id=id, type="", digest=digest, place=place)

    def close(self) -> None:
        """Forget everything."""
        self._connection.close()

    def _is_new(self, found: Copied) -> bool:
        row = (found.seq, found.id, found.digest, found.place)
        return self._connection.execute("INSERT OR IGNORE INTO copied VALUES (?, ?, ?, ?)", row).rowcount == 1

    def _again(self, found: Copied) -> Iterator[Finding]:
        """The same event once more: as it was, or not."""
        (digest, place), *_ = self._connection.execute(
            "SELECT digest, place FROM copied WHERE seq = ? AND id = ?", (found.seq, found.id)
        )
        same = digest == found.digest
        yield Finding(
            kind="duplicate" if same else "differs",
            position=found.seq,
            id=found.id,
            place=found.place,
            detail=f"{'it' if same else 'otherwise it'} stands at {place} too",
        )

    def _out_of_order(self, found: Copied) -> Iterator[Finding]:
        if not found.lane:
            return
        about = partial(Finding, position=found.seq, id=found.id, place=found.place)
        (high,) = self._connection.execute(
            "SELECT max(high) FROM lanes WHERE lane = ?", (found.lane,)
        ).fetchone()
        if high is not None and found.seq < high:
            yield about(kind="disordered", detail=f"it comes after position {high} of {found.lane}")
        else:
            self._connection.execute("INSERT OR REPLACE INTO lanes VALUES (?, ?)", (found.lane, found.seq))
        if found.key:
            self._connection.execute("INSERT OR IGNORE INTO keys VALUES (?, ?)", (found.key, found.lane))
            ((lane,),) = self._connection.execute("SELECT lane FROM keys WHERE key = ?", (found.key,))
            if lane != found.lane:
                yield about(kind="split", detail=f"its key {found.key} is in {lane} too")
