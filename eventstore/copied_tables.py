"""The tables that a copy fills, and how two of them are told to be the same, whatever their size."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import msgspec

from eventstore.reads import Row

_encode: Final = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One of the shared store. The collation `C` has the order of the embedded one."""

    name: str
    read: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedTable(Table):
    """One that is filled from here."""

    types: tuple[str, ...]
    copy_in: bytes


EVENTS: Final = CopiedTable(
    name="events_tt_main",
    types=("int8", "text", "text[]", "bytea"),
    copy_in=b"COPY counterfoil.events_tt_main(id, type, tags, data) FROM STDIN (FORMAT BINARY)",
    read=b"SELECT id, type, tags, data FROM counterfoil.events_tt_main ORDER BY id",
)
FENCE: Final = Table(
    name="events_tt_tag",
    read=b"SELECT main_id FROM counterfoil.events_tt_tag WHERE tag = 'fence' ORDER BY main_id",
)
CLIENT_SECRETS: Final = CopiedTable(
    name="client_secrets",
    types=("text", "text", "bytea"),
    copy_in=b"COPY counterfoil.client_secrets(client, credential_id, sha256) FROM STDIN (FORMAT BINARY)",
    read=b"SELECT client, credential_id, sha256 FROM counterfoil.client_secrets "
    b'ORDER BY client COLLATE "C", credential_id COLLATE "C"',
)
CLAIMS: Final = CopiedTable(
    name="claims",
    types=("text", "text", "bytea", "int8"),
    copy_in=b"COPY counterfoil.claims(kind, client, jti_sha256, exp) FROM STDIN (FORMAT BINARY)",
    read=b"SELECT kind, client, jti_sha256, exp FROM counterfoil.claims "
    b'ORDER BY kind COLLATE "C", client COLLATE "C", jti_sha256',
)
PSEUDONYMS: Final = CopiedTable(
    name="pseudonyms",
    types=("text", "text", "text"),
    copy_in=b"COPY counterfoil.pseudonyms(issuer, pseudonym, subject) FROM STDIN (FORMAT BINARY)",
    read=b"SELECT issuer, pseudonym, subject FROM counterfoil.pseudonyms "
    b'ORDER BY issuer COLLATE "C", pseudonym COLLATE "C"',
)


class Digest:
    """Of rows in order: MessagePack says where each value ends, so no two tables have the same."""

    def __init__(self) -> None:
        self.count = 0
        self.last: Row | None = None
        self._hash = hashlib.sha256()

    def add(self, row: Row) -> None:
        """The next row."""
        self.count += 1
        self.last = row
        self._hash.update(_encode(row))

    def hexdigest(self) -> str:
        """SHA-256 over all rows."""
        return self._hash.hexdigest()

    def summary(self) -> tuple[int, object, str]:
        """What two tables with the same rows have in common: their number, what the last one begins with, the hash."""
        return self.count, self.last[0] if self.last else None, self.hexdigest()
