"""Tokens of ours, presented: well signed, known to the log, byte for byte what their birth record pins (law 7)."""

from __future__ import annotations

from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature

from api import base64url
from api.jose import MalformedToken, UnverifiedJws, parse_compact
from api.jwk import jwk_from_dict
from api.verification_keys import BadSignature, VerificationKey, verify
from domain.identifiers import Kid, sha256_hex
from domain.lineage import Birth
from domain.refusals import Reason
from domain.requests import Evidence, ForgedToken, OwnToken, UnusableToken
from domain.signing_input import TYP, header_segment
from eventstore.fence import Fence
from projections.births import Births
from projections.registry import Registry

KNOWN: Final = 32_768
"""Tokens remembered as verified; the oldest is forgotten first. Some 50 MB when full."""


class _OnlyJti(msgspec.Struct):
    jti: str


_JTI: Final = msgspec.json.Decoder(_OnlyJti)


class OwnTokens:
    """Verifies tokens of ours. One that was signed or verified here is known by the SHA-256 of all its bytes."""

    def __init__(self, registry: Registry, fence: Fence, births: Births) -> None:
        self._registry = registry
        self._fence = fence
        self._births = births
        self._known: dict[str, Birth] = {}
        self._keys: dict[Kid, VerificationKey] = {}
        self._headers: dict[str, Kid] = {}

    def remember(self, token: str | bytes, birth: Birth) -> None:
        """Call it for a token that this process has signed, once its birth is durable."""
        self._remember(sha256_hex(token), birth)

    def _remember(self, digest: str, birth: Birth) -> None:
        if len(self._known) >= KNOWN:
            del self._known[next(iter(self._known))]
        self._known[digest] = birth

    def known(self, digest: str) -> OwnToken | None:
        """The evidence of a token that needs no second verification; its state is asked again every time."""
        birth = self._known.get(digest)
        return None if birth is None else OwnToken(birth=birth, sha256=digest)

    def genuine(self, unverified_token: str, digest: str) -> OwnToken | None:
        """The usual token in one go: a header of ours, and a payload that is byte for byte what its birth pins.

        Whatever is not exactly that is `None` here, and is taken apart by the strict guard for the reason. Nothing of
        the payload is believed but its `jti`, which leads to the pin; the pin covers header and payload whole.
        """
        header, _, rest = unverified_token.partition(".")
        kid = self._headers.get(header)
        if kid is None:
            return None
        payload, _, signature = rest.partition(".")
        try:
            birth = self._births.birth(_JTI.decode(base64url.decode(payload.encode())).jti)
            signing_input = f"{header}.{payload}".encode()
            if birth is None or birth.signing_input_sha256 != sha256_hex(signing_input):
                return None
            self._keys[kid].check(base64url.decode(signature.encode()), signing_input)
        except (ValueError, msgspec.DecodeError, InvalidSignature):
            return None
        self._remember(digest, birth)
        return OwnToken(birth=birth, sha256=digest)

    def evidence(self, unverified_token: str) -> Evidence:
        """Verify a presented token as one of ours."""
        digest = sha256_hex(unverified_token)
        known = self.known(digest) or self.genuine(unverified_token, digest)
        if known is not None:
            return known
        try:
            jws = parse_compact(unverified_token)
        except MalformedToken:
            return UnusableToken(reason=Reason.TOKEN_MALFORMED, sha256=digest)
        return self.evidence_of(jws, digest)

    def evidence_of(self, jws: UnverifiedJws, digest: str) -> Evidence:
        """Verify a parsed token as one of ours."""
        if jws.media_type != TYP:
            return UnusableToken(reason=Reason.TOKEN_TYPE_MISMATCH, sha256=digest)
        if jws.unverified_claims.get("iss") != self._registry.policy.issuer:
            return UnusableToken(reason=Reason.TOKEN_ISSUER_UNKNOWN, sha256=digest)
        key = self._key(jws.kid)
        if key is None:
            return UnusableToken(reason=Reason.TOKEN_KEY_UNKNOWN, sha256=digest)
        try:
            verify(jws, key)
        except BadSignature:
            return UnusableToken(reason=Reason.TOKEN_SIGNATURE_INVALID, sha256=digest)
        return self._pinned(jws, Kid(key.kid), digest)

    def _pinned(self, jws: UnverifiedJws, kid: Kid, digest: str) -> Evidence:
        """The log must know the token, and know it as it is: else a key of ours has leaked."""
        jti = jws.unverified_claims.get("jti")
        birth = self._births.birth(jti) if isinstance(jti, str) else None
        if birth is not None and birth.signing_input_sha256 == sha256_hex(jws.signing_input):
            self._remember(digest, birth)
            return OwnToken(birth=birth, sha256=digest)
        hashed = sha256_hex(jti) if isinstance(jti, str) else None
        return ForgedToken(kid=kid, sha256=digest, unverified_jti_sha256=hashed)

    def _key(self, unverified_kid: str | None) -> VerificationKey | None:
        """The key of that name; one that is unknown may have been published a moment ago by another process."""
        kid = Kid(unverified_kid or "")
        entry = self._registry.keys.get(kid)
        if entry is None:
            self._fence.catch_up()
            entry = self._registry.keys.get(kid)
        if entry is None or entry.retired:
            return None
        if kid not in self._keys:
            self._keys[kid] = jwk_from_dict(entry.jwk)
            self._headers[header_segment(kid, entry.alg).decode()] = kid
        return self._keys[kid]
