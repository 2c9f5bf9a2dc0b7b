"""What is read of the tree: the last checkpoint, tiles, and proofs up to that checkpoint."""

from __future__ import annotations

from typing import Final

from domain.identifiers import Position
from domain.merkle import HASH, consistency_proof, inclusion_proof
from domain.signed_notes import consistency_text, proof_text
from domain.tiles import WIDTH, nodes, width_of
from eventstore.tree_store import TreeStore

HIGHEST: Final = 7
"""No tree of ours has tiles of a higher level: 256**8 leaves."""


class LogProofs:
    """Reads of one tree. Blocking; for any thread. Raises StoreError, TileMissing."""

    def __init__(self, tree: TreeStore) -> None:
        self._tree = tree

    def checkpoint(self) -> str | None:
        """The last one, signed; `None` before the first."""
        head = self._tree.head()
        return None if head is None else head.note

    def inclusion(self, position: Position) -> str | None:
        """A tlog-proof of the event at a position; `None` where no checkpoint covers it."""
        head = self._tree.head()
        if head is None or not 0 < position <= head.size:
            return None
        return proof_text(
            position - 1, inclusion_proof(position - 1, head.size, nodes(self._tree.tile)), head.note
        )

    def consistency(self, old: int) -> str | None:
        """That the tree of that size is the beginning of the last one; `None` where it is not that large."""
        head = self._tree.head()
        if head is None or not 0 <= old <= head.size:
            return None
        return consistency_text(old, consistency_proof(old, head.size, nodes(self._tree.tile)), head.note)

    def tile(self, level: int, index: int, width: int) -> bytes | None:
        """So many hashes of a tile; `None` where the tree of the last checkpoint has no such tile."""
        head = self._tree.head()
        if (
            head is None
            or level > HIGHEST
            or not 0 < width <= WIDTH
            or width > width_of(level, index, head.size)
        ):
            return None
        return self._tree.tile(level, index)[: width * HASH]
