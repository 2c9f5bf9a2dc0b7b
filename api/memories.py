"""What is remembered outside the log: used assertions, single-use credentials, pseudonyms.

Each claim is durable before the decision that needed it is taken, and is shared by every process on the store.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from domain.identifiers import ClientId
from eventstore.online import Claims

ASSERTION: Final = "client_assertion"
CREDENTIAL: Final = "foreign_credential"
PSEUDONYM_KEY: Final = "pseudonym"
"""Kinds are namespaces of their own: a `jti` used in one is not used in another."""


def pseudonym_of(key: bytes, issuer: str, subject: str) -> str:
    """The keyed hash under which log and stream know the subject of a pseudonymous issuer: 32 hexadecimal digits."""
    return hmac.new(key, f"{issuer}\0{subject}".encode(), hashlib.sha256).hexdigest()[:32]


class Memories:
    """Names what is kept, and hashes it."""

    def __init__(self, claims: Claims, pseudonym_key: bytes) -> None:
        self._claims = claims
        self._pseudonym_key = pseudonym_key

    async def take_assertion(self, client: ClientId, jti_sha256: str, exp: int) -> bool:
        """Claim a client assertion; False if it has been used before."""
        return await self._claim(ASSERTION, client, jti_sha256, exp)

    async def take_once(self, issuer: str, jti_sha256: str, exp: int) -> bool:
        """Claim a single-use credential of a trusted issuer; False if it has been taken before."""
        return await self._claim(CREDENTIAL, issuer, jti_sha256, exp)

    async def _claim(self, kind: str, whose: str, jti_sha256: str, exp: int) -> bool:
        return await self._claims.claim(kind, whose, bytes.fromhex(jti_sha256), exp)

    async def pseudonym(self, issuer: str, subject: str) -> str:
        """The keyed hash of a subject; the row that leads back to the subject can be destroyed."""
        keyed = pseudonym_of(self._pseudonym_key, issuer, subject)
        await self._claims.remember_pseudonym(issuer, keyed, subject)
        return keyed
