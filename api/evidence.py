"""From a presented token and the type it comes under to evidence: whose it is, and whether its signature holds."""

from __future__ import annotations

from typing import Final

from api.foreign_tokens import ForeignTokens
from api.jose import FOREIGN_HEADER, MalformedToken, UnverifiedJws, parse_compact
from api.own_tokens import OwnTokens
from domain.identifiers import sha256_hex
from domain.policy import Policy
from domain.refusals import Reason
from domain.requests import ACCESS_TOKEN, ID_TOKEN, JWT, Evidence, UnusableToken

SUPPORTED_TYPES: Final = (ACCESS_TOKEN, JWT, ID_TOKEN)
"""RFC 8693 §3. An `access_token` is ours; a `jwt` is ours or a trusted issuer's; an `id_token` a trusted issuer's."""


class Witness:
    """Turns presented tokens into evidence: parsing and cryptography. Whether they may be used is decided later."""

    def __init__(self, own: OwnTokens, foreign: ForeignTokens) -> None:
        self._own = own
        self._foreign = foreign

    async def examine(self, policy: Policy, unverified_token: str, token_type: str) -> Evidence:
        """The evidence that a token is, presented under a type of RFC 8693 §3."""
        if token_type not in SUPPORTED_TYPES:
            return UnusableToken(reason=Reason.TOKEN_TYPE_UNSUPPORTED, sha256=sha256_hex(unverified_token))
        digest = sha256_hex(unverified_token)
        if token_type != ID_TOKEN:
            known = self._own.known(digest) or await self._own.genuine(unverified_token, digest)
            if known is not None:
                return known
        try:
            jws = parse_compact(unverified_token, FOREIGN_HEADER)
        except MalformedToken:
            return UnusableToken(reason=Reason.TOKEN_MALFORMED, sha256=digest)
        return await self._of_issuer(policy, jws, digest, token_type)

    async def _of_issuer(self, policy: Policy, jws: UnverifiedJws, digest: str, token_type: str) -> Evidence:
        """Our own issuer can never be a trusted one, so the two never meet."""
        if jws.unverified_claims.get("iss") == policy.issuer:
            if token_type == ID_TOKEN:
                return UnusableToken(reason=Reason.TOKEN_TYPE_MISMATCH, sha256=digest)
            return await self._own.evidence_of(jws, digest)
        if token_type == ACCESS_TOKEN:
            return UnusableToken(reason=Reason.TOKEN_ISSUER_UNKNOWN, sha256=digest)
        return await self._foreign.evidence(
            policy, jws, digest, "id_token" if token_type == ID_TOKEN else "jwt"
        )
