"""The golden records: what was published once, and what this version makes of the same events.

A new one is made by `python -m tests.consumers.golden_records`, which never writes over a file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
from eventsourcing.dcb.api import DCBEvent, DCBSequencedEvent

from consumers.audit_record import LARGEST_EVENT, AuditRecord, record_of
from consumers.stream_marks import Checkpoint, Heartbeat, digest_of, mark
from eventstore.codec import encode
from tests.eventstore.one_of_each import ONE_OF_EACH

FOLDER: Final = Path(__file__).parent / "golden" / "1"
SUMS: Final = FOLDER / "SHA256SUMS"
STORE: Final = "0192f000-0000-7000-8000-000000000001"
NOW: Final = 1_800_000_030_000
TRUNCATED: Final = "truncated"
"""The name of the golden record of an event that is too large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """One record as it was published."""

    name: str
    value: bytes
    beside: dict[str, Any]
    """Its key and its headers, as text."""

    @property
    def document(self) -> dict[str, Any]:
        """The value, decoded."""
        document: dict[str, Any] = json.loads(self.value)
        return document

    def stored(self) -> DCBSequencedEvent:
        """The row that it was made of."""
        raw = msgspec.json.decode(self.value, type=dict[str, msgspec.Raw])["event"]
        return DCBSequencedEvent(DCBEvent(self.document["type"], bytes(raw), []), self.document["seq"])


def golden_records() -> list[Golden]:
    """All that were ever committed."""
    return [
        Golden(
            name=path.name.removesuffix(".json"),
            value=path.read_bytes().removesuffix(b"\n"),
            beside=json.loads(path.with_suffix(".headers").read_bytes()),
        )
        for path in sorted(FOLDER.glob("*.json"))
    ]


def beside(record: AuditRecord) -> dict[str, Any]:
    """Key and headers as text."""
    return {"key": record.key.decode(), "headers": {name: value.decode() for name, value in record.headers}}


def samples() -> Iterator[tuple[str, AuditRecord]]:
    """A record of every type, each with an id and a position of its own, as one log might have them."""
    for position, event in enumerate(ONE_OF_EACH, start=1):
        identity = f"0192f000-0000-7000-8000-{position:012x}"
        row = encode(replace(event, id=identity, at=event.at + 1000 * position))
        yield event.TYPE, record_of(DCBSequencedEvent(row, position), position - 1 or None, STORE)
    last = len(ONE_OF_EACH)
    yield TRUNCATED, record_of(too_large(last + 1), last, STORE)
    for what in (
        Checkpoint(partition=2, from_seq=0, to_seq=last, count=2, sha256=digest_of(["one", "two"])),
        Heartbeat(partition=2, to_seq=last),
    ):
        record = mark(what, STORE, NOW)
        yield record.type, record


def too_large(position: int) -> DCBSequencedEvent:
    """An exchange whose target list is beyond what the stream carries."""
    event = next(event for event in ONE_OF_EACH if event.TYPE == "policy.applied")
    sentences = ("A sentence about what has changed.",) * (LARGEST_EVENT // 30)
    large: Any = replace(event, id=f"0192f000-0000-7000-8000-{position:012x}", difference=sentences)  # type: ignore[call-arg]
    return DCBSequencedEvent(encode(large), position)


def write_new() -> None:
    """Write the golden records that are not there yet, and their hashes beside those that are."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    sums = {line[66:]: line[:64] for line in SUMS.read_text().splitlines()} if SUMS.exists() else {}
    for name, record in samples():
        path = FOLDER / f"{name}.json"
        if not path.exists():
            path.write_bytes(record.value + b"\n")
            path.with_suffix(".headers").write_text(json.dumps(beside(record), indent=1) + "\n")
            for written in (path, path.with_suffix(".headers")):
                sums[written.name] = sha256(written.read_bytes()).hexdigest()
    SUMS.write_text("".join(f"{sums[name]}  {name}\n" for name in sorted(sums)))


if __name__ == "__main__":
    write_new()
