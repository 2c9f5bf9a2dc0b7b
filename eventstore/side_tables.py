"""What is kept beside the log and not in it: secret hashes, used `jti`s, pseudonyms, key material, snapshots.

All of it can be forgotten. Each write is durable once its transaction is.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable
from typing import Final

from domain.identifiers import ClientId
from eventstore.sqlite import SQLiteRecorder
from eventstore.sqlite_overwriting import empty_write_ahead_log, rewrite_pseudonyms

_ADD_SECRET: Final = """
INSERT INTO client_secrets(client, credential_id, sha256) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET sha256 = excluded.sha256
"""
_REMOVE_SECRET: Final = "DELETE FROM client_secrets WHERE client = ? AND credential_id = ?"
_SECRETS: Final = "SELECT client, credential_id, sha256 FROM client_secrets"

_CLAIM: Final = "INSERT OR IGNORE INTO claims(kind, client, jti_sha256, exp) VALUES (?, ?, ?, ?)"
_EXPIRED: Final = "SELECT kind, client, jti_sha256 FROM claims WHERE exp < ? LIMIT ?"
_PRUNE: Final = "DELETE FROM claims WHERE kind = ? AND client = ? AND jti_sha256 = ?"

_REMEMBER: Final = """
INSERT INTO pseudonyms(issuer, pseudonym, subject) VALUES (?, ?, ?)
ON CONFLICT DO NOTHING
"""
_SUBJECT_OF: Final = "SELECT subject FROM pseudonyms WHERE issuer = ? AND pseudonym = ?"
_FORGET: Final = "UPDATE pseudonyms SET subject = '' WHERE issuer = ? AND pseudonym = ? AND subject <> ''"

_KEEP_MATERIAL: Final = "INSERT INTO secret_material(name, value) VALUES (?, ?) ON CONFLICT DO NOTHING"
_MATERIAL: Final = "SELECT value FROM secret_material WHERE name = ?"

_SNAPSHOT: Final = "SELECT position, data FROM snapshots WHERE name = ?"
_SNAPSHOT_POSITION: Final = "SELECT position FROM snapshots WHERE name = ?"
_KEEP_SNAPSHOT: Final = """
INSERT INTO snapshots(name, position, data) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET position = excluded.position, data = excluded.data
WHERE excluded.position > snapshots.position
"""
_FORGET_SNAPSHOT: Final = "DELETE FROM snapshots WHERE name = ? AND position = ?"


def new_material() -> bytes:
    """A key of 256 random bits."""
    return secrets.token_bytes(32)


class SideTables:
    """The tables of one store. Everything raises StoreError.

    `claim` and `remember_pseudonym` are on the way of requests: they belong to the transaction that is open on the
    recorder (with `recorder.transaction()`, one of their own). Every other write is a transaction by itself.
    """

    def __init__(self, recorder: SQLiteRecorder) -> None:
        self._reads = recorder.reads
        self._writes = recorder.writes
        self._checkpoints = recorder.checkpoints

    def add_client_secret(self, client: str, credential_id: str, sha256: bytes) -> None:
        """Keep the hash of a secret (32 bytes)."""
        with self._writes.transaction():
            self._writes.change(_ADD_SECRET, (client, credential_id, sha256))

    def remove_client_secret(self, client: str, credential_id: str) -> bool:
        """Forget the hash of a secret; whether there was one."""
        with self._writes.transaction():
            return self._writes.change(_REMOVE_SECRET, (client, credential_id)) > 0

    def client_secrets(self) -> dict[ClientId, dict[str, bytes]]:
        """Client → credential id → SHA-256 of the secret."""
        found: defaultdict[ClientId, dict[str, bytes]] = defaultdict(dict)
        for client, credential_id, sha256 in self._reads.rows(_SECRETS):
            found[client][credential_id] = sha256
        return dict(found)

    def claim(self, kind: str, client: str, jti_sha256: bytes, exp: int) -> bool:
        """Use up a `jti` (RFC 7523 §3): False if it was used before. Kinds are namespaces. Inside an open transaction.

        `exp` in seconds since the epoch: until then, at least, the claim is kept.
        """
        return self._writes.change(_CLAIM, (kind, client, jti_sha256, exp)) > 0

    def prune_claims(self, now: int, limit: int = 2000) -> int:
        """Forget at most `limit` claims that expired before `now` (seconds); how many. Found without the lock."""
        expired = self._reads.rows(_EXPIRED, (now, limit))
        if expired:
            with self._writes.transaction():
                self._writes.change_each(_PRUNE, expired)
        return len(expired)

    def remember_pseudonym(self, issuer: str, pseudonym: str, subject: str) -> bool:
        """Keep the way back to a subject; False if it was kept already. Inside an open transaction."""
        return self._writes.change(_REMEMBER, (issuer, pseudonym, subject)) > 0

    def subject_of(self, issuer: str, pseudonym: str) -> str | None:
        """The subject behind a pseudonym, unless it was never known or is forgotten."""
        return self._kept(issuer, pseudonym) or None

    def has_pseudonym(self, issuer: str, pseudonym: str) -> bool:
        """Whether it has a row, be it an empty one."""
        return self._kept(issuer, pseudonym) is not None

    def forget_pseudonym(self, issuer: str, pseudonym: str) -> bool:
        """As the port says."""
        with self._writes.transaction():
            return self._writes.change(_FORGET, (issuer, pseudonym)) > 0

    def is_forgotten(self, issuer: str, pseudonym: str) -> bool:
        """As the port says."""
        return self._kept(issuer, pseudonym) == ""

    def overwrite_forgotten(self) -> str:
        """As the port says."""
        rewrite_pseudonyms(self._writes)
        return empty_write_ahead_log(self._checkpoints)

    def _kept(self, issuer: str, pseudonym: str) -> str | None:
        rows = self._reads.rows(_SUBJECT_OF, (issuer, pseudonym))
        return rows[0][0] if rows else None

    def secret_material(self, name: str, create: Callable[[], bytes] = new_material) -> bytes:
        """The secret kept under a name; made and kept durably the first time, the same for every process."""
        rows = self._reads.rows(_MATERIAL, (name,))
        if not rows:
            with self._writes.transaction():
                self._writes.change(_KEEP_MATERIAL, (name, create()))
                rows = self._writes.rows(_MATERIAL, (name,))
        value: bytes = rows[0][0]
        return value

    def snapshot(self, name: str) -> tuple[int, bytes] | None:
        """The snapshot kept under a name, with its position."""
        rows = self._reads.rows(_SNAPSHOT, (name,))
        return rows[0] if rows else None

    def snapshot_position(self, name: str) -> int:
        """Its position alone; 0 where there is none."""
        rows = self._reads.rows(_SNAPSHOT_POSITION, (name,))
        return rows[0][0] if rows else 0

    def keep_snapshot(self, name: str, position: int, data: bytes) -> None:
        """Keep it, unless one of that position or a later one is there already."""
        with self._writes.transaction():
            self._writes.change(_KEEP_SNAPSHOT, (name, position, data))

    def forget_snapshot(self, name: str, position: int) -> None:
        """Remove the snapshot of that position, if it is there."""
        with self._writes.transaction():
            self._writes.change(_FORGET_SNAPSHOT, (name, position))
