"""Where a replay has come to, as bytes: to go on from there, or a night later from where the log ended.

It is believed only by the version that wrote it, and only for the log that it was written about.
"""

from __future__ import annotations

from typing import Protocol

import msgspec
from eventsourcing.dcb.api import DCBSequencedEvent

from domain.identifiers import Position
from eventstore.codec import decode
from projections.replay import Replay, ReplayLog
from projections.replay_findings import Findings
from projections.snapshot_format import SnapshotUnusable, decode_state, encode_state


class ResumableLog(ReplayLog, Protocol):
    """A log that is asked whether it is the one that the state is of."""

    def event_at(self, position: int) -> DCBSequencedEvent | None:
        """The event at a position, if there is one."""


class ReplayStateUnusable(Exception):
    """The replay cannot go on from it; the text says why."""


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    after: Position
    position: Position
    last_event: tuple[Position, str] | None
    findings: Findings
    folded: msgspec.Raw


def written_down(replay: Replay) -> bytes:
    """What waits for an earlier state is decided before."""
    folded = msgspec.Raw(encode_state(replay.settle()))
    kept = _Kept(
        after=replay.after,
        position=replay.position,
        last_event=replay.last_event,
        findings=replay.findings,
        folded=folded,
    )
    return msgspec.json.encode(kept)


def resumed(log: ResumableLog, data: bytes, after: Position | None) -> Replay:
    """The replay as it was; `after` is where it is asked to have begun. Raises ReplayStateUnusable."""
    try:
        kept = msgspec.json.decode(data, type=_Kept)
        state = decode_state(bytes(kept.folded))
    except (msgspec.DecodeError, SnapshotUnusable) as error:
        raise ReplayStateUnusable("it cannot be read, or another version wrote it") from error
    if after is not None and after != kept.after:
        raise ReplayStateUnusable(f"it is of a replay from position {kept.after + 1}")
    if kept.last_event is not None:
        position, event_id = kept.last_event
        stored = log.event_at(position)
        if stored is None or decode(stored).id != event_id:
            raise ReplayStateUnusable(f"it is of another log: that one has another event at {position}")
    return Replay(log, kept.position, begun_after=kept.after, state=state, findings=kept.findings)
