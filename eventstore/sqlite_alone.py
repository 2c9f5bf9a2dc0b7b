"""An embedded store that one process has for itself, to be read from end to end: nobody else has it open meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eventstore.errors import StoreBusy
from eventstore.reads import Bindings, Row
from eventstore.sqlite_file import connect_alone, open_file
from eventstore.sqlite_outages import OutagesTold
from eventstore.sqlite_rows import sequenced

PATIENCE: Final = 1.0
"""Seconds that it waits for a command that is about to end."""

_EVENTS: Final = "SELECT position, type, tags, data FROM events ORDER BY position"
_FENCE: Final = "SELECT position FROM events INDEXED BY events_fence WHERE fence = 1 ORDER BY position"
_LAST_POSITION: Final = "SELECT coalesce(max(position), 0) FROM events"
_CLIENT_SECRETS: Final = "SELECT client, credential_id, sha256 FROM client_secrets ORDER BY 1, 2"
_CLAIMS: Final = "SELECT kind, client, jti_sha256, exp FROM claims WHERE exp >= ? ORDER BY 1, 2, 3"
_PSEUDONYMS: Final = "SELECT issuer, pseudonym, subject FROM pseudonyms ORDER BY 1, 2"
_MATERIAL: Final = "SELECT name, value FROM secret_material ORDER BY 1"


class SQLiteAlone:
    """Every row of a store, in order, however many there are. Everything raises StoreError."""

    def __init__(self, path: Path) -> None:
        """Open an existing store. Raises StoreBusy where another connection has it open, busy or not."""
        open_file(path, PATIENCE)
        try:
            with OutagesTold():
                self._connection = connect_alone(path)
        except StoreBusy:
            raise StoreBusy(
                f"{path} is in use: stop the service, and every command that has it open, then try again"
            ) from None

    def events(self) -> Iterator[Row]:
        """Position, type, tags and data."""
        for row in self._rows(_EVENTS):
            stored = sequenced(row)
            yield stored.position, stored.event.type, stored.event.tags, stored.event.data

    def fence_positions(self) -> Iterator[Row]:
        """Those of the fence events, as rows of one."""
        return self._rows(_FENCE)

    def last_position(self) -> int:
        """The position of the last event; 0 if there is none."""
        ((position,),) = self._rows(_LAST_POSITION)
        return int(position)

    def client_secrets(self) -> Iterator[Row]:
        """Client, credential id and SHA-256 of the secret."""
        return self._rows(_CLIENT_SECRETS)

    def claims(self, since: int) -> Iterator[Row]:
        """Kind, client, SHA-256 of the `jti` and `exp`, of those that have not expired before then (seconds)."""
        return self._rows(_CLAIMS, (since,))

    def pseudonyms(self) -> Iterator[Row]:
        """Issuer, pseudonym and subject."""
        return self._rows(_PSEUDONYMS)

    def secret_material(self) -> dict[str, bytes]:
        """Name → secret."""
        return dict(self._rows(_MATERIAL))

    def _rows(self, sql: str, bindings: Bindings = ()) -> Iterator[Row]:
        """Fetched while they are read, a page of the file at a time."""
        with OutagesTold():
            yield from self._connection.execute(sql, bindings)

    def close(self) -> None:
        """Give it back, as it was."""
        self._connection.close(True)
