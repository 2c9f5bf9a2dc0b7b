"""Tokens of ours, presented: well signed, known to the log, byte for byte what their birth record pins (law 7)."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from api.genuine_tokens import BirthLookUp, GenuineTokens
from api.jose import MalformedToken, UnverifiedJws, parse_compact
from api.published_keys import PublishedKeys
from api.verification_keys import BadSignature, VerificationKey, verify
from domain.identifiers import Kid, sha256_hex
from domain.lineage import Birth
from domain.refusals import Reason
from domain.requests import Evidence, ForgedToken, OwnToken, UnusableToken, own_token
from domain.signing_input import TYP
from eventstore.online import ReadBarrier
from projections.registry import Registry

KNOWN: Final = 32_768
"""Tokens remembered as verified; the oldest is forgotten first. Some 50 MB when full."""


class OwnTokens:
    """Verifies tokens of ours. One that was signed or verified here is known by the SHA-256 of all its bytes."""

    def __init__(self, registry: Registry, barrier: ReadBarrier, births: BirthLookUp) -> None:
        self._registry = registry
        self._barrier = barrier
        self._births = births
        self._keys = PublishedKeys(registry)
        self._genuine = GenuineTokens(births, self._keys)
        self._known: OrderedDict[str, Birth] = OrderedDict()

    def remember(self, token: str | bytes, birth: Birth) -> None:
        """Call it for a token that this process has signed, once its birth is durable."""
        self._remember(sha256_hex(token), birth)

    def _remember(self, digest: str, birth: Birth) -> None:
        if len(self._known) >= KNOWN:
            self._known.popitem(last=False)
        self._known[digest] = birth

    def known(self, digest: str) -> OwnToken | None:
        """The evidence of a token that needs no second verification; its state is asked again every time."""
        birth = self._known.get(digest)
        return None if birth is None else own_token(birth=birth, sha256=digest)

    async def genuine(self, unverified_token: str, digest: str) -> OwnToken | None:
        """The usual token in one go. Whatever is not exactly that is `None`, and `evidence_of` gives the reason."""
        birth = await self._genuine.examine(unverified_token)
        if birth is None:
            return None
        self._remember(digest, birth)
        return own_token(birth=birth, sha256=digest)

    async def evidence(self, unverified_token: str) -> Evidence:
        """Verify a presented token as one of ours."""
        digest = sha256_hex(unverified_token)
        known = self.known(digest) or await self.genuine(unverified_token, digest)
        if known is not None:
            return known
        try:
            jws = parse_compact(unverified_token)
        except MalformedToken:
            return UnusableToken(reason=Reason.TOKEN_MALFORMED, sha256=digest)
        return await self.evidence_of(jws, digest)

    async def evidence_of(self, jws: UnverifiedJws, digest: str) -> Evidence:
        """Verify a parsed token as one of ours."""
        if jws.media_type != TYP:
            return UnusableToken(reason=Reason.TOKEN_TYPE_MISMATCH, sha256=digest)
        if jws.unverified_claims.get("iss") != self._registry.policy.issuer:
            return UnusableToken(reason=Reason.TOKEN_ISSUER_UNKNOWN, sha256=digest)
        key = self._keys.key(jws.kid) or await self._just_published(jws.kid)
        if key is None:
            return UnusableToken(reason=Reason.TOKEN_KEY_UNKNOWN, sha256=digest)
        try:
            verify(jws, key)
        except BadSignature:
            return UnusableToken(reason=Reason.TOKEN_SIGNATURE_INVALID, sha256=digest)
        return await self._pinned(jws, Kid(key.kid), digest)

    async def _just_published(self, unverified_kid: str | None) -> VerificationKey | None:
        """A key that is unknown may have been published a moment ago by another process."""
        await self._barrier.passed()
        return self._keys.key(unverified_kid)

    async def _pinned(self, jws: UnverifiedJws, kid: Kid, digest: str) -> Evidence:
        """The log must know the token, and know it as it is: else a key of ours has leaked."""
        jti = jws.unverified_claims.get("jti")
        births = await self._births.births([jti]) if isinstance(jti, str) else {}
        birth = births.get(jti) if isinstance(jti, str) else None
        if birth is not None and birth.signing_input_sha256 == sha256_hex(jws.signing_input):
            self._remember(digest, birth)
            return own_token(birth=birth, sha256=digest)
        hashed = sha256_hex(jti) if isinstance(jti, str) else None
        return ForgedToken(kid=kid, sha256=digest, unverified_jti_sha256=hashed)
