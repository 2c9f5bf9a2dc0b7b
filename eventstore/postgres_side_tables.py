"""What is kept beside the log in the shared store: secret hashes, used `jti`s, ways back from pseudonyms, what is
sealed, and snapshots. All of it can be forgotten. Each write is durable on return. Everything raises StoreError."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from domain.identifiers import ClientId
from eventstore.online import CLAIM_MARGIN
from eventstore.postgres_connections import Datastore
from eventstore.postgres_outages import OutagesTold
from eventstore.postgres_overwriting import vacuum_pseudonyms

_ADD_SECRET: Final = """
INSERT INTO counterfoil.client_secrets(client, credential_id, sha256) VALUES (%s, %s, %s)
ON CONFLICT (client, credential_id) DO UPDATE SET sha256 = excluded.sha256
"""
_REMOVE_SECRET: Final = "DELETE FROM counterfoil.client_secrets WHERE client = %s AND credential_id = %s"
_SECRETS: Final = "SELECT client, credential_id, sha256 FROM counterfoil.client_secrets"
# By the database's clock as well: a node whose own is ahead must not let an assertion be used again elsewhere.
_PRUNE: Final = """
DELETE FROM counterfoil.claims WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM counterfoil.claims
    WHERE exp < least(%s, extract(epoch FROM clock_timestamp())::bigint - %s)
    ORDER BY exp LIMIT %s FOR UPDATE SKIP LOCKED))
"""
_SUBJECT_OF: Final = "SELECT subject FROM counterfoil.pseudonyms WHERE issuer = %s AND pseudonym = %s"
_FORGET: Final = """
UPDATE counterfoil.pseudonyms SET subject = '' WHERE issuer = %s AND pseudonym = %s AND subject <> ''
"""
_SEALED: Final = "SELECT sealed FROM counterfoil.sealed_secrets WHERE name = %s"
_SEALED_NAMES: Final = "SELECT name FROM counterfoil.sealed_secrets ORDER BY name"
_KEEP_SEALED: Final = """
INSERT INTO counterfoil.sealed_secrets(name, sealed) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING
"""
_KEEP_INSERTS_OUT: Final = "LOCK TABLE counterfoil.sealed_secrets IN SHARE ROW EXCLUSIVE MODE"
_REPLACE_SEALED: Final = "UPDATE counterfoil.sealed_secrets SET sealed = %s WHERE name = %s"
_SNAPSHOT: Final = "SELECT position, data FROM counterfoil.snapshots WHERE name = %s"
_SNAPSHOT_POSITION: Final = "SELECT position FROM counterfoil.snapshots WHERE name = %s"
_FORGET_SNAPSHOT: Final = "DELETE FROM counterfoil.snapshots WHERE name = %s AND position = %s"
_KEEP_SNAPSHOT: Final = """
INSERT INTO counterfoil.snapshots AS s (name, position, data) VALUES (%s, %s, %s)
ON CONFLICT (name) DO UPDATE SET position = excluded.position, data = excluded.data
WHERE s.position < excluded.position
"""
PRUNED_AT_ONCE: Final = 2000


class PostgresSideTables:
    """The tables of one store."""

    def __init__(self, store: Datastore) -> None:
        self._store = store

    def add_client_secret(self, client: str, credential_id: str, sha256: bytes) -> None:
        """Keep the hash of a secret (32 bytes)."""
        self._store.change(_ADD_SECRET, (client, credential_id, sha256))

    def remove_client_secret(self, client: str, credential_id: str) -> bool:
        """Forget the hash of a secret; whether there was one."""
        return self._store.change(_REMOVE_SECRET, (client, credential_id)) > 0

    def client_secrets(self) -> dict[ClientId, dict[str, bytes]]:
        """Client → credential id → SHA-256 of the secret."""
        found: defaultdict[ClientId, dict[str, bytes]] = defaultdict(dict)
        for client, credential_id, sha256 in self._store.rows(_SECRETS):
            found[client][credential_id] = sha256
        return dict(found)

    def prune_claims(self, now: int, limit: int = PRUNED_AT_ONCE) -> int:
        """Forget at most `limit` claims that expired before `now` (seconds); how many. Beside other nodes doing so.

        By the database's own clock too: a node whose clock is ahead must not forget what the others still need.
        """
        return self._store.change(_PRUNE, (now, CLAIM_MARGIN, limit))

    def prune_all_claims(self, now: int) -> None:
        """Forget all of them, a short transaction for each part."""
        while self.prune_claims(now) == PRUNED_AT_ONCE:
            pass

    def subject_of(self, issuer: str, pseudonym: str) -> str | None:
        """The subject behind a pseudonym, unless it was never known or is forgotten."""
        return self._kept(issuer, pseudonym) or None

    def forget_pseudonym(self, issuer: str, pseudonym: str) -> bool:
        """As the port says."""
        return self._store.change(_FORGET, (issuer, pseudonym)) > 0

    def is_forgotten(self, issuer: str, pseudonym: str) -> bool:
        """As the port says."""
        return self._kept(issuer, pseudonym) == ""

    def overwrite_forgotten(self) -> str:
        """As the port says. The run-time role has no right to do it, unless it was given one."""
        return vacuum_pseudonyms(self._store)

    def _kept(self, issuer: str, pseudonym: str) -> str | None:
        rows = self._store.rows(_SUBJECT_OF, (issuer, pseudonym))
        return rows[0][0] if rows else None

    def sealed(self, name: str) -> bytes | None:
        """What is sealed under a name."""
        rows = self._store.rows(_SEALED, (name,))
        return rows[0][0] if rows else None

    def sealed_names(self) -> list[str]:
        """The names under which something is sealed."""
        return [name for (name,) in self._store.rows(_SEALED_NAMES)]

    def keep_sealed(self, name: str, value: bytes) -> None:
        """Keep it, unless the name is taken: whoever comes second reads what the first one kept."""
        self._store.change(_KEEP_SEALED, (name, value))

    def replace_sealed(self, values: Mapping[str, bytes]) -> bool:
        """Give every row its new value, all or none. False, and nothing is changed, if there are other names by now."""
        with (
            self._store.connection() as connection,
            OutagesTold(of_append=True),
            connection.transaction(),
        ):
            connection.execute(_KEEP_INSERTS_OUT)
            if {name for (name,) in connection.execute(_SEALED_NAMES)} != set(values):
                return False
            for name, value in values.items():
                connection.execute(_REPLACE_SEALED, (value, name))
        return True

    def snapshot(self, name: str) -> tuple[int, bytes] | None:
        """The snapshot kept under a name, with its position."""
        rows = self._store.rows(_SNAPSHOT, (name,))
        return (rows[0][0], rows[0][1]) if rows else None

    def keep_snapshot(self, name: str, position: int, data: bytes) -> None:
        """Keep it, unless one of that position or a later one is there already."""
        self._store.change(_KEEP_SNAPSHOT, (name, position, data))

    def snapshot_position(self, name: str) -> int:
        """Its position alone; 0 where there is none."""
        rows = self._store.rows(_SNAPSHOT_POSITION, (name,))
        return rows[0][0] if rows else 0

    def forget_snapshot(self, name: str, position: int) -> None:
        """Remove the snapshot of that position, if it is there."""
        self._store.change(_FORGET_SNAPSHOT, (name, position))
