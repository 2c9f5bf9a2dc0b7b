"""The smallest table of sealed secrets there can be, on a real file: what `api.sealed_secrets.SecretTable` asks for."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from eventstore.errors import StoreError


class SQLiteSecretTable:
    """One connection; several may be open on one file, each used by one thread at a time."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, timeout=60, isolation_level=None, check_same_thread=False)
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS sealed_secrets(name TEXT PRIMARY KEY, value BLOB NOT NULL)"
        )

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def sealed(self, name: str) -> bytes | None:
        """As the protocol says, like the rest."""
        row = self._connection.execute("SELECT value FROM sealed_secrets WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def keep_sealed(self, name: str, value: bytes) -> None:
        """Insert, or leave what is there."""
        with self._transaction():
            self._connection.execute(
                "INSERT INTO sealed_secrets VALUES (?, ?) ON CONFLICT DO NOTHING", (name, value)
            )

    def sealed_names(self) -> list[str]:
        """In no particular order."""
        return [name for (name,) in self._connection.execute("SELECT name FROM sealed_secrets")]

    def replace_sealed(self, values: Mapping[str, bytes]) -> bool:
        """All or nothing; the write transaction keeps inserts out."""
        with self._transaction():
            if set(self.sealed_names()) != set(values):
                return False
            self._connection.executemany(
                "UPDATE sealed_secrets SET value = ? WHERE name = ?",
                [(value, name) for name, value in values.items()],
            )
            return True

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._connection.execute("ROLLBACK")
            raise StoreError(str(error)) from error
