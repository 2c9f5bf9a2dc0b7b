"""Credentials of trusted issuers, presented: the signature is checked here, what they claim is judged by the domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from api.jose import UnverifiedJws
from api.verification_keys import BadSignature, VerificationKey, verify
from domain.identifiers import Subject, sha256_hex
from domain.parties import DEEPEST_ACT
from domain.policy import CredentialType, Policy, TrustedIssuer
from domain.refusals import Reason
from domain.requests import ForeignCredential, UnusableToken

_TYPS: Final = (None, "jwt")
"""`typ` of an ID token or assertion; anything else is another kind of JWT (RFC 8725 §3.11)."""
_LONGEST_SUBJECT: Final = 255
_ACT_MEMBERS: Final = ("sub", "iss", "client_id")


class KeySource(Protocol):
    """Public keys of trusted issuers, from the policy or from their `jwks_uri`."""

    async def key(self, issuer: TrustedIssuer, kid: str | None, alg: str) -> VerificationKey | None:
        """The issuer's key of that name and algorithm, or `None`."""


class CredentialMemory(Protocol):
    """What is remembered of foreign credentials outside the log."""

    async def take_once(self, issuer: str, jti_sha256: str, exp: int) -> bool:
        """Claim a single-use credential, durably; False if it has been taken before."""

    async def pseudonym(self, issuer: str, subject: str) -> str:
        """The keyed hash under which log and stream know this subject."""


class ForeignTokens:
    """Verifies credentials of trusted issuers."""

    def __init__(self, keys: KeySource, memory: CredentialMemory) -> None:
        self._keys = keys
        self._memory = memory

    async def evidence(
        self, policy: Policy, jws: UnverifiedJws, digest: str, credential_type: CredentialType
    ) -> ForeignCredential | UnusableToken:
        """Verify a parsed credential; which issuer it says it is from must match an entry exactly."""
        unverified_iss = jws.unverified_claims.get("iss")
        issuer = next((i for i in policy.trusted_issuers.values() if i.issuer == unverified_iss), None)
        if issuer is None:
            return UnusableToken(reason=Reason.TOKEN_ISSUER_UNKNOWN, sha256=digest)
        if jws.media_type not in _TYPS:
            return UnusableToken(reason=Reason.TOKEN_TYPE_MISMATCH, sha256=digest)
        if jws.alg not in issuer.algorithms:
            return UnusableToken(reason=Reason.TOKEN_SIGNATURE_INVALID, sha256=digest)
        key = await self._keys.key(issuer, jws.kid, jws.alg)
        if key is None:
            return UnusableToken(reason=Reason.TOKEN_KEY_UNKNOWN, sha256=digest)
        try:
            verify(jws, key)
        except BadSignature:
            return UnusableToken(reason=Reason.TOKEN_SIGNATURE_INVALID, sha256=digest)
        return await self._credential(issuer, jws.unverified_claims, digest, credential_type)

    async def _credential(
        self, issuer: TrustedIssuer, claims: Mapping[str, Any], digest: str, credential_type: CredentialType
    ) -> ForeignCredential | UnusableToken:
        """The claims that decide, in the shapes their RFCs give them; all others are forgotten here (law 9)."""
        try:
            subject = _text(claims.get(issuer.subject_claim))
            jti = _text(claims.get("jti")) if "jti" in claims or issuer.single_use else None
            credential = ForeignCredential(
                issuer=issuer.name,
                type=credential_type,
                sha256=digest,
                subject=Subject(issuer.subject_prefix + await self._known_as(issuer, subject)),
                audiences=_audiences(claims.get("aud")),
                iat=_date(claims, "iat"),
                exp=_date(claims, "exp"),
                nbf=_date(claims, "nbf"),
                jti_sha256=None if jti is None else sha256_hex(jti),
                replayed=await self._replayed(issuer, jti, _date(claims, "exp")),
                cnf="cnf" in claims,
                act=_act(claims["act"]) if "act" in claims else None,
                may_act=_may_act(claims["may_act"]) if "may_act" in claims else None,
                unmet_claims=tuple(n for n, v in issuer.required_claims.items() if claims.get(n) != v),
            )
        except _Unacceptable as unacceptable:
            return UnusableToken(reason=unacceptable.reason, sha256=digest)
        return credential

    async def _known_as(self, issuer: TrustedIssuer, subject: str) -> str:
        return await self._memory.pseudonym(issuer.name, subject) if issuer.pseudonymous else subject

    async def _replayed(self, issuer: TrustedIssuer, jti: str | None, exp: int | None) -> bool:
        if not issuer.single_use or jti is None or exp is None:
            return False
        return not await self._memory.take_once(issuer.name, sha256_hex(jti), exp)


class _Unacceptable(Exception):
    def __init__(self, reason: Reason = Reason.TOKEN_CLAIMS_UNACCEPTABLE) -> None:
        super().__init__(reason)
        self.reason = reason


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_SUBJECT or not value.isprintable():
        raise _Unacceptable
    return value


def _audiences(value: object) -> tuple[str, ...]:
    """RFC 7519 §4.1.3: one string or an array of strings."""
    values = value if isinstance(value, list) else [value]
    if not values or len(values) > 16:
        raise _Unacceptable
    return tuple(_text(item) for item in values)


def _date(claims: Mapping[str, Any], name: str) -> int | None:
    """A NumericDate (RFC 7519 §2), integers only: True is no date, and neither is "1700000000"."""
    value = claims.get(name)
    if name in claims and (type(value) is not int or not 0 < value < 2**53):
        raise _Unacceptable
    return value


def _act(value: object, depth: int = 1) -> dict[str, Any]:
    """RFC 8693 §4.1: only what identifies a party is kept, so no `exp`, `nbf` or `aud` gets in."""
    if not isinstance(value, dict):
        raise _Unacceptable
    if depth > DEEPEST_ACT:
        raise _Unacceptable(Reason.ACT_TOO_DEEP)
    kept: dict[str, Any] = {member: _text(value[member]) for member in _ACT_MEMBERS if member in value}
    if not kept:
        raise _Unacceptable
    if "act" in value:
        kept["act"] = _act(value["act"], depth + 1)
    return kept


def _may_act(value: object) -> dict[str, str]:
    """RFC 8693 §4.4; a member that we do not understand keeps its name, so that it is not passed over."""
    if not isinstance(value, dict) or len(value) > 8:
        raise _Unacceptable
    return {_text(member): _text(item) if member in _ACT_MEMBERS else "" for member, item in value.items()}
