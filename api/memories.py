"""What is remembered outside the log: used assertions, single-use credentials, pseudonyms, secret hashes.

Each claim is durable before the decision that needed it is taken, and is shared by every process on the store.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from domain.identifiers import ClientId
from eventstore.side_tables import SideTables
from eventstore.writer import Writer

ASSERTION: Final = "client_assertion"
CREDENTIAL: Final = "foreign_credential"
PSEUDONYM_KEY: Final = "pseudonym"
"""Kinds are namespaces of their own: a `jti` used in one is not used in another."""


class Memories:
    """Side writes through the writer's group commit; reads straight from the store."""

    def __init__(self, side_tables: SideTables, writer: Writer) -> None:
        self._tables = side_tables
        self._writer = writer
        # The first call ever writes; it must not happen on the way of a request.
        self._pseudonym_key = side_tables.secret_material(PSEUDONYM_KEY)

    def secret_hashes(self) -> Mapping[ClientId, Mapping[str, bytes]]:
        """Client → credential id → SHA-256 of the secret."""
        return self._tables.client_secrets()

    async def take_assertion(self, client: ClientId, jti_sha256: str, exp: int) -> bool:
        """Claim a client assertion; False if it has been used before."""
        return await self._claim(ASSERTION, client, jti_sha256, exp)

    async def take_once(self, issuer: str, jti_sha256: str, exp: int) -> bool:
        """Claim a single-use credential of a trusted issuer; False if it has been taken before."""
        return await self._claim(CREDENTIAL, issuer, jti_sha256, exp)

    async def _claim(self, kind: str, whose: str, jti_sha256: str, exp: int) -> bool:
        digest = bytes.fromhex(jti_sha256)
        return await self._writer.write_beside(lambda: self._tables.claim(kind, whose, digest, exp))

    async def pseudonym(self, issuer: str, subject: str) -> str:
        """The keyed hash of a subject; the row that leads back to the subject can be destroyed."""
        keyed = hmac.new(self._pseudonym_key, f"{issuer}\0{subject}".encode(), hashlib.sha256).hexdigest()[
            :32
        ]
        if self._tables.subject_of(issuer, keyed) is None:
            await self._writer.write_beside(lambda: self._tables.remember_pseudonym(issuer, keyed, subject))
        return keyed
