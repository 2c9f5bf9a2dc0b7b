"""What a decision is asked: who asks, for what, on which evidence. Facts only; nothing here has been judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from domain.identifiers import ClientId, IssuerName, Jti, Kid, Scope, Subject
from domain.lineage import Birth
from domain.policy import CredentialType, GrantType
from domain.refusals import Reason, Refusal
from domain.values import made_quickly, maker

ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"
JWT: Final = "urn:ietf:params:oauth:token-type:jwt"
ID_TOKEN: Final = "urn:ietf:params:oauth:token-type:id_token"
"""Token type identifiers, RFC 8693 §3."""


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a request came from, as every event says it."""

    node: str
    request: str
    """A UUIDv7 of ours, also in the answer's `X-Request-Id`."""
    address: str | None = None
    """The client's address; through a proxy only where the proxy is trusted."""
    trace: str | None = None
    """The W3C trace id that the caller sent, 32 hexadecimal digits."""


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class AskedFor:
    """The request's own words (RFC 8693 §2.1), tokens left out."""

    grant: GrantType | None
    """`None` where the request names no grant of ours."""
    resources: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    scope: tuple[Scope, ...] | None = None
    requested_token_type: str | None = None
    subject_token_type: str | None = None
    actor_token_type: str | None = None


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class OwnToken:
    """A token of ours: well signed, known to the log, byte for byte what its birth record pins."""

    birth: Birth
    sha256: str


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignCredential:
    """A credential of a trusted issuer whose signature holds; its claims are the issuer's word, not ours.

    Only the claims that the decision needs are kept (law 9); `subject` is already in our namespace,
    a keyed hash where the issuer is pseudonymous.
    """

    issuer: IssuerName
    type: CredentialType
    sha256: str
    subject: Subject
    audiences: tuple[str, ...]
    iat: int | None
    exp: int | None
    nbf: int | None = None
    jti_sha256: str | None = None
    replayed: bool = False
    """True if the issuer's credentials are taken once and this one has been taken before."""
    cnf: bool = False
    act: Mapping[str, Any] | None = None
    may_act: Mapping[str, Any] | None = None
    unmet_claims: tuple[str, ...] = ()
    """Names of the issuer entry's `required_claims` that this credential does not meet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgedToken:
    """Validly signed with a key of ours, but without a matching birth record: that key has leaked."""

    kid: Kid
    sha256: str
    unverified_jti_sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusableToken:
    """A presented token that failed parsing or cryptography, with the reason it failed for."""

    reason: Reason
    sha256: str


Evidence = OwnToken | ForeignCredential | ForgedToken | UnusableToken


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedToken:
    """How an event remembers a presented token: by its hash, and by its `jti` where it is one of ours."""

    role: str
    sha256: str
    jti: Jti | None = None
    issuer: IssuerName | None = None


def remember(role: str, evidence: Evidence) -> PresentedToken:
    """The stub of a presented token that an event may keep (law 5)."""
    match evidence:
        case OwnToken():
            return PresentedToken(role=role, sha256=evidence.sha256, jti=evidence.birth.jti)
        case ForeignCredential():
            return PresentedToken(role=role, sha256=evidence.sha256, issuer=evidence.issuer)
        case _:
            return PresentedToken(role=role, sha256=evidence.sha256)


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class RequestToken:
    """A token request of an authenticated client: RFC 8693 §2.1, RFC 7523 §2.1 or RFC 6749 §4.4."""

    client: ClientId
    credential: str
    """Id of the secret, or `kid` of the key, that authenticated the client."""
    asked: AskedFor
    origin: Origin
    subject_token: Evidence | None
    """Also the assertion of a `jwt-bearer` request; `None` for `client_credentials` only."""
    actor_token: Evidence | None
    event_id: str
    """UUIDv7 of the event that will record the decision."""
    jti: Jti
    """The `jti` of the token, should there be one."""
    fault: Refusal | None = None
    """What is wrong with the request's form, found while it was read."""


own_token: Final = maker(OwnToken)
request_token: Final = maker(RequestToken)
