"""Who calls: exactly the registered method, exactly one per request (RFC 6749 §2.3, RFC 7523 §2.2)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from api.client_credentials import (
    AssertionCredentials,
    BasicCredentials,
    NoCredentials,
    PostCredentials,
    PresentedCredentials,
    UnusableCredentials,
)
from api.jose import FOREIGN_HEADER, MalformedToken, UnverifiedJws, parse_compact
from api.jwk import UnusableKey
from api.jwk_set import jwk_set
from api.oauth_errors import unauthenticated
from api.token_times import check_times
from api.verification_keys import BadSignature, VerificationKey, verify
from domain.identifiers import ClientId, Position, sha256_hex
from domain.policy import AuthenticationMethod, Client
from domain.values import made_quickly
from eventstore.online import ReadBarrier, SecretHashes
from projections.registry import Registry

ASSERTION_ALGORITHMS: Final = ("ES256", "EdDSA", "PS256", "RS256", "ES384")
LONGEST_ASSERTION: Final = 3600
"""Seconds for which an assertion may be valid; that long its `jti` is remembered."""
ASSERTION_SKEW: Final = 10
"""Seconds by which a client's clock may differ."""
_TYPS: Final = (None, "jwt", "client-authentication+jwt")
_NOBODY: Final = hashlib.sha256(b"").digest()


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticatedClient:
    """A client, and the id of the secret or key that proved it."""

    client: ClientId
    credential: str


class AssertionMemory(Protocol):
    """Remembers the `jti` of client assertions, durably and for every node."""

    async def take_assertion(self, client: ClientId, jti_sha256: str, exp: int) -> bool:
        """Claim it; False if it has been used before."""


class ClientAuthentication:
    """Authenticates clients. A failure is looked at twice, the second time behind the read barrier: a secret may have
    been added a moment ago by another process."""

    def __init__(
        self,
        registry: Registry,
        barrier: ReadBarrier,
        secrets: SecretHashes,
        assertions: AssertionMemory,
        clock: Callable[[], int],
        position: Callable[[], Position],
    ) -> None:
        self._registry = registry
        self._barrier = barrier
        self._secrets = secrets
        self._assertions = assertions
        self._clock = clock
        self._position = position
        self._hashes: Mapping[ClientId, Mapping[str, bytes]] = {}
        self._looked_at: Position | None = None

    async def authenticate(
        self, presented: PresentedCredentials | UnusableCredentials, endpoint: str
    ) -> AuthenticatedClient:
        """The client, or raises OAuthError (`invalid_client`, or `invalid_request` for two methods at once).

        `endpoint` is the URL that was called; an assertion may name it where the client's policy entry says so.
        """
        match presented:
            case BasicCredentials():
                return await self._by_secret(
                    presented.client_id, presented.client_secret, "client_secret_basic"
                )
            case PostCredentials():
                return await self._by_secret(
                    presented.client_id, presented.client_secret, "client_secret_post"
                )
            case AssertionCredentials():
                return await self._by_assertion(presented, endpoint)
            case UnusableCredentials():
                raise unauthenticated(presented.error)
            case NoCredentials():
                raise unauthenticated("invalid_client")

    async def _by_secret(
        self, client_id: str, secret: str, method: AuthenticationMethod
    ) -> AuthenticatedClient:
        client = ClientId(client_id)
        digest = hashlib.sha256(secret.encode()).digest()
        found = self._matching(client, digest, method)
        if found is None:
            await self._look_again()
            found = self._matching(client, digest, method)
        if found is None:
            raise unauthenticated("invalid_client")
        return AuthenticatedClient(client=client, credential=found)

    async def _look_again(self) -> None:
        """Bring the hashes up to the log; a flood of wrong secrets costs one look at the fence each, no more.

        Where nothing has changed since they were read, another request may have read them just now: so whoever has
        looked compares again in any case.
        """
        await self._barrier.passed()
        position = self._position()
        if position != self._looked_at:
            self._hashes = await self._secrets.client_secrets()
            self._looked_at = position

    def _matching(self, client: ClientId, digest: bytes, method: AuthenticationMethod) -> str | None:
        """The credential whose secret has this hash. Secrets have 256 bits of chance, so one hash is right, and
        a client that is not known takes as long as a secret that is wrong."""
        entry = self._registered(client, method)
        candidates = self._hashes.get(client) or {"": _NOBODY}
        now = self._clock() // 1000
        found = None
        for credential, expected in candidates.items():
            if hmac.compare_digest(digest, expected) and entry is not None:
                found = credential
        if found is None or not self._registry.credential_counts(client, found, now):
            return None
        return found

    def _registered(self, client: ClientId, method: AuthenticationMethod) -> Client | None:
        entry = self._registry.policy.clients.get(client)
        return entry if entry is not None and not entry.disabled and entry.authentication == method else None

    async def _by_assertion(self, presented: AssertionCredentials, endpoint: str) -> AuthenticatedClient:
        """RFC 7523 §3: an assertion of the client about itself, for us alone, once."""
        try:
            jws = parse_compact(presented.unverified_assertion, FOREIGN_HEADER)
        except MalformedToken:
            raise unauthenticated("invalid_client") from None
        client, key = self._assertion_key(jws, presented.client_id)
        if key is None:
            await self._look_again()
            client, key = self._assertion_key(jws, presented.client_id)
        if client is None or key is None or not _signed(jws, key):
            raise unauthenticated("invalid_client")
        claims = jws.unverified_claims
        if not self._acceptable(client, claims, endpoint):
            raise unauthenticated("invalid_client")
        if not await self._assertions.take_assertion(client.name, sha256_hex(claims["jti"]), claims["exp"]):
            raise unauthenticated("invalid_client")
        return AuthenticatedClient(client=client.name, credential=key.kid)

    def _assertion_key(
        self, jws: UnverifiedJws, client_id: str | None
    ) -> tuple[Client | None, VerificationKey | None]:
        unverified_sub = jws.unverified_claims.get("sub")
        if not isinstance(unverified_sub, str) or client_id not in (None, unverified_sub):
            return None, None
        client = self._registered(ClientId(unverified_sub), "private_key_jwt")
        if client is None or jws.media_type not in _TYPS:
            return None, None
        try:
            return client, jwk_set(list(client.jwks), ASSERTION_ALGORITHMS).find(jws.kid, jws.alg)
        except UnusableKey:
            return client, None

    def _acceptable(self, client: Client, claims: Mapping[str, Any], endpoint: str) -> bool:
        """`iss` = `sub` = the client; `aud` exactly our issuer as the sole value, unless the policy says otherwise."""
        now = self._clock() / 1000
        jti = claims.get("jti")
        return (
            claims.get("iss") == client.name
            and self._is_audience(client, claims.get("aud"), endpoint)
            and isinstance(jti, str)
            and 0 < len(jti) <= 255
            and check_times(claims, now, ASSERTION_SKEW, iat_required=False) is None
            and claims["exp"] <= now + LONGEST_ASSERTION + ASSERTION_SKEW
        )

    def _is_audience(self, client: Client, unverified_aud: object, endpoint: str) -> bool:
        issuer = self._registry.policy.issuer
        if unverified_aud == issuer:
            return True
        if not client.assertion_audiences:
            return False
        allowed = {issuer, *client.assertion_audiences}
        if "endpoint" in allowed:
            allowed.add(endpoint)
        values = unverified_aud if isinstance(unverified_aud, list) else [unverified_aud]
        return len(values) == 1 and values[0] in allowed


def _signed(jws: UnverifiedJws, key: VerificationKey) -> bool:
    try:
        verify(jws, key)
    except BadSignature:
        return False
    return True
