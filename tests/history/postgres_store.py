"""The shared store: a database on a server of our own, with the rights that a node has in earnest."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from eventstore.postgres import PostgresRecorder
from eventstore.store import LogStore
from tests.history.postgres_faults import PostgresFaults, as_superuser
from tests.history.stores import JWKS_MAX_AGE, Fault
from tests.servers.postgres import PostgresServer
from tests.servers.postgres_database import Database
from tests.stores import shared_on


class SharedStore:
    """One PostgreSQL database, migrated; secrets are sealed in it."""

    dense = True

    def __init__(self, server: PostgresServer, database: Database) -> None:
        settings = shared_on(database)
        self.url = settings.store
        self.environment: Mapping[str, str] = {
            "COUNTERFOIL_JWKS_MAX_AGE": JWKS_MAX_AGE,
            "COUNTERFOIL_KEY_ENCRYPTION_KEY": settings.key_encryption_key,
        }
        self._faults = PostgresFaults(server, as_superuser(database.superuser_url))

    @contextlib.contextmanager
    def opened(self) -> Iterator[LogStore]:
        """The log."""
        with contextlib.closing(PostgresRecorder(self.url)) as recorder:
            yield recorder

    def faults(self) -> Sequence[Fault]:
        """What can go wrong with the server."""
        return self._faults.faults()
