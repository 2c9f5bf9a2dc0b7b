"""The Merkle tree of the shared store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from domain.tiles import Tile
from eventstore.postgres_connections import Datastore
from eventstore.postgres_outages import OutagesTold
from eventstore.tree_store import SignedHead

_HEAD: Final = "SELECT hour, size, note FROM counterfoil.log_checkpoints ORDER BY size DESC LIMIT 1"
_HEADS: Final = "SELECT hour, size, note FROM counterfoil.log_checkpoints ORDER BY size"
_TILE: Final = "SELECT hashes FROM counterfoil.log_tiles WHERE level = %s AND idx = %s"
_TURN: Final = "LOCK TABLE counterfoil.log_checkpoints IN SHARE ROW EXCLUSIVE MODE"
_KEEP_TILE: Final = """
INSERT INTO counterfoil.log_tiles(level, idx, hashes) VALUES (%s, %s, %s)
ON CONFLICT (level, idx) DO UPDATE SET hashes = excluded.hashes
"""
_KEEP_HEAD: Final = """
INSERT INTO counterfoil.log_checkpoints(hour, size, note) VALUES (%s, %s, %s)
ON CONFLICT (hour) DO UPDATE SET size = excluded.size, note = excluded.note
"""


class PostgresTree:
    """Implements `eventstore.tree_store.TreeStore`, for any thread. Appends never wait for it."""

    def __init__(self, store: Datastore) -> None:
        self._store = store

    def head(self) -> SignedHead | None:
        """What was signed last."""
        return next((_head(*row) for row in self._store.rows(_HEAD)), None)

    def heads(self) -> Sequence[SignedHead]:
        """Everything signed that is kept, the smallest tree first."""
        return [_head(*row) for row in self._store.rows(_HEADS)]

    def tile(self, level: int, index: int) -> bytes:
        """The hashes of a tile by now; empty where there is none."""
        rows = self._store.rows(_TILE, (level, index))
        return bytes(rows[0][0]) if rows else b""

    def publish(self, before: int, tiles: Sequence[Tile], head: SignedHead) -> bool:
        """As the port says: one transaction, in turns."""
        with self._store.connection() as connection, OutagesTold(of_append=True), connection.transaction():
            connection.execute(_TURN)
            last = connection.execute(_HEAD).fetchone()
            if (last[1] if last else 0) != before:
                return False
            if tiles:
                with connection.cursor() as cursor:
                    cursor.executemany(_KEEP_TILE, [(tile.level, tile.index, tile.hashes) for tile in tiles])
            connection.execute(_KEEP_HEAD, (head.hour, head.size, head.note))
        return True


def _head(hour: int, size: int, note: str) -> SignedHead:
    return SignedHead(hour=hour, size=size, note=note)
