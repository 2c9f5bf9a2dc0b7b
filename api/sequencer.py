"""The sequencer: hashes what was appended into the tree, and signs. Off the path of requests; the log is only read.

Several may run: a head is published only on top of the one before it, in the store and in the second place, so one
signs and the others learn that it did. Nothing is ever signed that does not begin with everything signed before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from eventsourcing.dcb.api import DCBSequencedEvent

from api.head_file import HeadFile, HeadMoved
from api.note_keys import NoteForged, NoteMalformed, NoteSigner, NoteVerifier, verified_checkpoint
from domain.event_leaf import event_leaf, void_entry
from domain.merkle import leaf_hash, root_of
from domain.signed_notes import Checkpoint
from domain.tiles import Edge, TileMissing, edge_at, nodes
from eventstore.store import LogStore
from eventstore.tree_store import SignedHead, TreeStore

MOST: Final = 20_000
"""Events hashed before a checkpoint."""
AT_ONCE: Final = 32
"""Events hashed between two rests: half a millisecond."""
LARGEST_GAP: Final = 100_000
"""Positions without an event between two that have one; what is larger is somebody's work."""
_HOUR: Final = 3_600_000


class SigningRefused(Exception):
    """What would be signed contradicts what was signed. The text says what was found and what to do."""


class Sequencer:
    """Takes the tree from checkpoint to checkpoint. For one thread; everything blocks."""

    def __init__(
        self,
        log: LogStore,
        tree: TreeStore,
        signer: NoteSigner,
        second: HeadFile | None,
        clock: Callable[[], int],
        rest: Callable[[], None] | None = None,
    ) -> None:
        """`second` holds the last signed head where a restored store does not overwrite it; `clock` in milliseconds.

        `rest` is called between the events of a round, to let others have the interpreter.
        """
        self._log = log
        self._tree = tree
        self._signer = signer
        self._second = second
        self._clock = clock
        self._rest = rest
        self._edge: Edge | None = None
        self._agreed: str | None = None
        """The note in the second place with which the tree was found to agree."""

    @property
    def verifier(self) -> NoteVerifier:
        """The public key of the log."""
        return self._signer.verifier

    def catch_up(self, seconds: float = float("inf")) -> int | None:
        """Rounds until there is nothing to sign; the size of the tree then, `None` where the time was not enough.

        Raises as `round` does.
        """
        until = time.monotonic() + seconds
        while (size := self.round()) is None and time.monotonic() < until:
            pass
        return size

    def round(self) -> int | None:
        """Hash and sign up to MOST positions; the size of the tree once nothing is left, `None` before.

        Raises SigningRefused, StoreError, OSError.
        """
        try:
            return self._round()
        except HeadMoved:
            self._edge = None
            return None
        except BaseException:
            self._edge = None
            raise

    def _round(self) -> int | None:
        signed = self._tree.head()
        edge = self._taken_up(signed)
        guard = None if self._second is None else self._second.read()
        guarded = None if guard is None or guard == self._agreed else self._guarded(guard)
        last = self._log.last_position()
        self._require_all_there(last, edge, guarded)
        if last == edge.size:
            return edge.size
        before = edge.size
        self._grow(edge, last, guarded)
        self._sign(edge, before, guard)
        return edge.size if edge.size == last else None

    def _taken_up(self, signed: SignedHead | None) -> Edge:
        """The edge of the tree that was signed last; it is in memory unless another process signed it."""
        edge = self._edge
        if edge is None or edge.size != (0 if signed is None else signed.size):
            # Another process signed, or the store is not the one it was: then nothing is agreed upon any more.
            self._agreed = None
            self._edge = edge = Edge() if signed is None else self._restored(signed)
        return edge

    def _restored(self, signed: SignedHead) -> Edge:
        try:
            checkpoint = verified_checkpoint(signed.note, self._signer.verifier)
            edge = edge_at(signed.size, self._tree.tile)
        except (NoteForged, NoteMalformed, TileMissing) as error:
            raise SigningRefused(
                f"the stored tree cannot be gone on with: {error}. {_COMPUTE_AGAIN}"
            ) from None
        if checkpoint.size != signed.size or edge.root() != checkpoint.root:
            raise SigningRefused(
                f"the stored tree has another root than its last checkpoint, of {checkpoint.size} events. "
                f"{_COMPUTE_AGAIN}"
            )
        return edge

    def _guarded(self, note: str) -> Checkpoint:
        try:
            return verified_checkpoint(note, self._signer.verifier)
        except (NoteForged, NoteMalformed) as error:
            raise SigningRefused(
                f"{self._place} holds no checkpoint of this log's key: {error}. {_KEY}"
            ) from None

    def _require_all_there(self, last: int, edge: Edge, guarded: Checkpoint | None) -> None:
        """Nothing signed may be missing; what is smaller than the tree is compared here, the rest while hashing."""
        if last < edge.size:
            raise SigningRefused(
                f"{edge.size} positions of the log are signed, and it ends at {last}: rows were removed. {_RESTORE}"
            )
        if guarded is None:
            return
        if last < guarded.size:
            raise SigningRefused(
                f"{self._place} says that {guarded.size} positions of the log were signed, and it ends at {last}: "
                f"the store was rolled back. {_RESTORE}"
            )
        if guarded.size <= edge.size:
            self._require_same(guarded, root_of(guarded.size, nodes(self._tree.tile)))

    def _require_same(self, guarded: Checkpoint, root: bytes) -> None:
        if root != guarded.root:
            raise SigningRefused(
                f"the first {guarded.size} positions of the log are not those that {self._place} says were signed: "
                f"the store was rolled back, or edited. {_RESTORE}"
            )

    def _grow(self, edge: Edge, last: int, guarded: Checkpoint | None) -> None:
        """Events until there are enough for a checkpoint, and as many as the second place has seen already."""
        most = MOST if guarded is None else max(MOST, guarded.size - edge.size)
        for found in self._log.read(after=edge.size, limit=most):
            if found.position > last:
                break
            if self._rest is not None and found.position % AT_ONCE == 0:
                self._rest()
            for leaf in _leaves(edge.size, found):
                edge.append(leaf)
                if guarded is not None and edge.size == guarded.size:
                    self._require_same(guarded, edge.root())

    def _sign(self, edge: Edge, before: int, guard: str | None) -> None:
        """First the second place, then the store: what is published is never ahead of what guards it."""
        checkpoint = Checkpoint(origin=self._signer.verifier.name, size=edge.size, root=edge.root())
        note = self._signer.sign(checkpoint.text())
        if self._second is not None:
            self._second.replace(guard, note)
            self._agreed = note
        head = SignedHead(hour=self._clock() // _HOUR, size=edge.size, note=note)
        if not self._tree.publish(before, edge.take_tiles(), head):
            self._edge = None

    @property
    def _place(self) -> str:
        return "" if self._second is None else str(self._second.path)


def _leaves(after: int, found: DCBSequencedEvent) -> Iterator[bytes]:
    """Of an event, and before it one for each position that has none, which says so. Raises SigningRefused."""
    if found.position - after > LARGEST_GAP:
        raise SigningRefused(
            f"the log goes from position {after} to {found.position}, and no such gap is ever left by us: look for "
            "who inserted that event"
        )
    for position in range(after + 1, found.position):
        yield leaf_hash(void_entry(position))
    yield event_leaf(found.position, found.event.type, found.event.tags, found.event.data)


_RESTORE: Final = (
    "Nothing is signed. Restore a copy of the store that has all of them; if they are lost for good, tell your "
    "auditors, whose witnesses will say so too, move the head file and the log key away, empty log_tiles and "
    "log_checkpoints, and begin a new log"
)
_COMPUTE_AGAIN: Final = (
    "Nothing is signed. Empty the tables log_tiles and log_checkpoints: the tree is then computed again from the log, "
    "and compared with the head file"
)
_KEY: Final = "Nothing is signed. Restore the log key that signed it, or the file"
