"""Where the Merkle tree over the log is kept: its tiles, and what was signed of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.tiles import Tile


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHead:
    """A signed checkpoint, and the size of the tree that it names. The last one of each hour is kept for good."""

    hour: int
    """Hours since the epoch, by the clock of who signed."""
    size: int
    note: str


class TreeStore(Protocol):
    """The tree of one log. Everything raises StoreError."""

    def head(self) -> SignedHead | None:
        """What was signed last: the largest tree."""

    def heads(self) -> Sequence[SignedHead]:
        """Everything signed that is kept, the smallest tree first."""

    def tile(self, level: int, index: int) -> bytes:
        """The hashes of a tile by now; empty where there is none."""

    def publish(self, before: int, tiles: Sequence[Tile], head: SignedHead) -> bool:
        """Keep tiles and head, durably, all or nothing. False, and nothing is kept, if the size of what was signed last
        is not `before` (0 for none): another process has signed meanwhile."""
