"""The policy as compiled: what the file said, checked, with every name resolved. Stored whole in `policy.applied`.

Durations are whole seconds. An absent limit is `None`; an absent grant is a refusal (default deny).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from domain.identifiers import Audience, ClientId, IssuerName, ResourceName, Scope

GrantType = Literal["token-exchange", "client_credentials", "jwt-bearer"]
AuthenticationMethod = Literal["client_secret_basic", "client_secret_post", "private_key_jwt"]
Semantics = Literal["impersonation", "delegation"]
Mode = Literal["enforce", "audit"]
CredentialType = Literal["id_token", "jwt"]
SigningAlgorithm = Literal["ES256", "EdDSA", "RS256", "PS256"]

ADMINISTRATION: Final = ResourceName("counterfoil")
"""The built-in resource: this service's own administration API. No policy file may declare it."""
ADMINISTRATION_SCOPES: Final = (Scope("revoke"), Scope("audit:read"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The issuer's own limits; clients and resources may only be stricter."""

    depth: int = 5
    lifetime: int = 300
    denials_per_minute: int = 60
    """How many refusals of one client are events of their own; the rest is counted (law 4)."""
    requests_per_second: int | None = None
    """Of each client, to each worker process; `None` is no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A protected resource (RFC 8707): what tokens are for."""

    name: ResourceName
    audience: Audience
    scopes: tuple[Scope, ...]
    accepts: tuple[ClientId, ...] = ()
    """Inbound consent: the clients that may be given a token for this resource."""
    served_by: ClientId | None = None
    """The client that introspects tokens for this resource and may exchange what reaches it."""
    lifetime: int | None = None
    depth: int | None = None
    mode: Mode = "enforce"
    disabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRule:
    """A client's outbound grant: from a token for one of `sources` to a token for `to`."""

    to: ResourceName
    sources: tuple[ResourceName, ...]
    """`from` in the file; the resources that the client serves, unless named."""
    by_name: tuple[Scope, ...] = ()
    """Scopes that keep their name because source and target both declare them."""
    by_mapping: Mapping[Scope, tuple[Scope, ...]] = field(default_factory=dict)
    """Scope of the subject token → scopes of the target."""
    semantics: Semantics = "impersonation"
    mode: Mode = "enforce"
    circular: bool = False
    """True lets an audience come back in one lineage."""
    lifetime: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstTokenGrant:
    """What a first token may carry: for which resource, with which scopes."""

    to: ResourceName
    scopes: tuple[Scope, ...]
    client: ClientId
    """The client that asks for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered confidential client (RFC 6749 §2)."""

    name: ClientId
    authentication: AuthenticationMethod
    grants: tuple[GrantType, ...]
    exchange: tuple[ExchangeRule, ...] = ()
    first_tokens: tuple[FirstTokenGrant, ...] = ()
    """What `client_credentials` may give this client."""
    jwks: tuple[Mapping[str, Any], ...] = ()
    """Public keys of a `private_key_jwt` client (RFC 7517)."""
    assertion_audiences: tuple[str, ...] = ()
    """Further `aud` values its assertions may have; only the issuer itself by default."""
    depth: int | None = None
    lifetime: int | None = None
    requests_per_second: int | None = None
    mode: Mode = "enforce"
    disabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedIssuer:
    """A foreign issuer whose credentials become first tokens here (RFC 8693 §2.1, RFC 7523 §3)."""

    name: IssuerName
    issuer: str
    audience: str
    """The `aud` its credentials must have."""
    accepts: tuple[CredentialType, ...]
    presented_by: tuple[ClientId, ...]
    """A stolen credential is useless to any other client."""
    subject_prefix: str
    subject_claim: str = "sub"
    grants: tuple[FirstTokenGrant, ...] = ()
    algorithms: tuple[str, ...] = ("ES256", "RS256", "PS256", "EdDSA")
    jwks: tuple[Mapping[str, Any], ...] = ()
    jwks_uri: str | None = None
    pseudonymous: bool = False
    single_use: bool = False
    """True takes a credential once: its `jti` is required and remembered."""
    max_age: int = 3600
    """Seconds since `iat` after which a credential is too old."""
    required_claims: Mapping[str, str] = field(default_factory=dict)
    """Claims that must have exactly this value, a tenant for one."""
    lifetime: int | None = None
    disabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One issuer's whole policy."""

    issuer: str
    limits: Limits
    resources: Mapping[ResourceName, Resource]
    clients: Mapping[ClientId, Client]
    trusted_issuers: Mapping[IssuerName, TrustedIssuer]
    signing_algorithm: SigningAlgorithm = "ES256"

    @property
    def administration_audience(self) -> Audience:
        """The audience of the built-in resource `counterfoil`."""
        return Audience(self.issuer.rstrip("/") + "/admin")
