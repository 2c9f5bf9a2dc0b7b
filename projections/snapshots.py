"""Snapshots of the authority: start-up reads the latest one and the fence events after it, not all there ever were.

A snapshot is believed only where its log is the one that is there, its seal is whole, this very version wrote it, and
the clock has not gone back behind what it forgot. Otherwise everything is folded, which is slower and never wrong.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final, Protocol

from eventsourcing.dcb.api import DCBSequencedEvent

from domain.identifiers import Position
from domain.tags import FENCE
from eventstore.codec import decode
from eventstore.snapshot_table import Checksum, Seal, SnapshotDamaged, SnapshotTable
from projections.authority import FoldedAuthority
from projections.folded_state import FoldedState
from projections.snapshot_format import SnapshotUnusable, decode_state, encode_state

NAME: Final = "authority"
WORTHWHILE: Final = 1000
"""Fence events; to fold so many takes about as long as to restore a small snapshot."""
_COMPRESSION: Final = 1


class SnapshotLog(Protocol):
    """The log that a snapshot must belong to."""

    def event_at(self, position: int) -> DCBSequencedEvent | None:
        """The event at a position, if there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenDown:
    """An authority as bytes."""

    position: Position
    folded: int
    """What it had folded by then."""
    data: bytes


class Snapshots:
    """The snapshots of one store's authority, as one process uses them. Everything raises StoreError."""

    def __init__(self, table: SnapshotTable, log: SnapshotLog, seal: Seal | None = None) -> None:
        self._table = table
        self._log = log
        self._seal = seal or Checksum()
        self._unusable_at: int | None = None
        self._known_position = 0
        self._folded_before = 0
        self.why_unusable = ""
        """Why the snapshot that was there could not be used; empty where it was, or where there was none."""

    def restored(self, now: int) -> FoldedAuthority:
        """The authority as the snapshot has it, or before the first event; `now` in seconds."""
        authority = FoldedAuthority()
        kept = self._table.snapshot(NAME)
        if kept is not None:
            self._known_position = kept[0]
            try:
                authority.restore(self._believed(*kept, now))
            except SnapshotUnusable as why:
                self._unusable_at = kept[0]
                self.why_unusable = str(why)
        return authority

    def _believed(self, position: int, sealed: bytes, now: int) -> FoldedState:
        try:
            state = decode_state(zlib.decompress(self._seal.unseal(NAME, sealed)))
        except SnapshotDamaged as error:
            raise SnapshotUnusable(str(error)) from error
        except zlib.error as error:
            raise SnapshotUnusable("it cannot be read") from error
        if state.position != position:
            raise SnapshotUnusable("its row says another position")
        if not self._is_in_the_log(state.position, state.last_event):
            # A restored backup: the log has gone another way, or has not come so far again.
            raise SnapshotUnusable("its last event is not in the log")
        if state.revocations.forgotten_until > now:
            raise SnapshotUnusable("it forgot what can still be alive: a clock was ahead, or is behind")
        return state

    def _is_in_the_log(self, position: Position, event_id: str) -> bool:
        stored = self._log.event_at(position)
        return stored is not None and FENCE in stored.event.tags and decode(stored).id == event_id

    def due(self, authority: FoldedAuthority, now: int) -> bool:
        """Whether a new one would spare the next start enough work; `now` in seconds. Does not ask the store."""
        # Who forgot what can still be alive, for its clock was ahead for a while, has nothing to hand on.
        forgot_too_much = authority.revocations.forgotten_until > now
        return authority.folded - self._folded_before >= WORTHWHILE and not forgot_too_much

    def keep(self, written: WrittenDown) -> None:
        """Make it durable, so that it can be restored by whoever starts next; from any thread.

        Of many processes that fold the same log, mostly one does: the others find that it did, and count from there.
        """
        if self._table.snapshot_position(NAME) == self._known_position:
            self._put(written)
        self._known_position = self._table.snapshot_position(NAME)
        self._folded_before = written.folded

    def _put(self, written: WrittenDown) -> None:
        if self._unusable_at is not None:
            self._table.forget_snapshot(NAME, self._unusable_at)
            self._unusable_at = None
        sealed = self._seal.seal(NAME, zlib.compress(written.data, _COMPRESSION))
        self._table.keep_snapshot(NAME, written.position, sealed)


def write_down(authority: FoldedAuthority) -> WrittenDown:
    """The state as it is now; nothing may be folded meanwhile. 6 ms for a hundred thousand revocations."""
    return WrittenDown(
        position=authority.position, folded=authority.folded, data=encode_state(authority.state())
    )
