"""The Merkle tree of the embedded store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from domain.tiles import Tile
from eventstore.sqlite import SQLiteRecorder
from eventstore.tree_store import SignedHead

_HEAD: Final = "SELECT hour, size, note FROM log_checkpoints ORDER BY size DESC LIMIT 1"
_HEADS: Final = "SELECT hour, size, note FROM log_checkpoints ORDER BY size"
_TILE: Final = "SELECT hashes FROM log_tiles WHERE level = ? AND idx = ?"
_KEEP_TILE: Final = """
INSERT INTO log_tiles(level, idx, hashes) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET hashes = excluded.hashes
"""
_KEEP_HEAD: Final = """
INSERT INTO log_checkpoints(hour, size, note) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET size = excluded.size, note = excluded.note
"""


class SQLiteTree:
    """Implements `eventstore.tree_store.TreeStore`, for any thread."""

    def __init__(self, recorder: SQLiteRecorder) -> None:
        self._reads = recorder.reads
        self._writes = recorder.writes

    def head(self) -> SignedHead | None:
        """What was signed last."""
        return next((_head(*row) for row in self._reads.rows(_HEAD)), None)

    def heads(self) -> Sequence[SignedHead]:
        """Everything signed that is kept, the smallest tree first."""
        return [_head(*row) for row in self._reads.rows(_HEADS)]

    def tile(self, level: int, index: int) -> bytes:
        """The hashes of a tile by now; empty where there is none."""
        rows = self._reads.rows(_TILE, (level, index))
        return rows[0][0] if rows else b""

    def publish(self, before: int, tiles: Sequence[Tile], head: SignedHead) -> bool:
        """As the port says: one transaction, under the append lock."""
        with self._writes.transaction():
            last = self._writes.rows(_HEAD)
            if (last[0][1] if last else 0) != before:
                return False
            self._writes.change_each(_KEEP_TILE, [(tile.level, tile.index, tile.hashes) for tile in tiles])
            self._writes.change(_KEEP_HEAD, (head.hour, head.size, head.note))
        return True


def _head(hour: int, size: int, note: str) -> SignedHead:
    return SignedHead(hour=hour, size=size, note=note)
