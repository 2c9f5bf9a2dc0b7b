"""The domain events: what the log stores, under names that we own.

Fields are only ever added, with a default. `at` is milliseconds since the epoch and orders nothing: order is
position. No event holds a token, a secret, an assertion or a proof; a token is known by its `jti` or its SHA-256.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from domain.identifiers import Audience, ClientId, Jti, Kid, Position, Scope, Subject
from domain.lineage import LineageEntry
from domain.policy import Policy, Semantics
from domain.refusals import About, Reason
from domain.requests import AskedFor, ForeignCredential, Origin, PresentedToken
from domain.scopes import DroppedScope
from domain.values import made_quickly


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event says: its own UUIDv7, when, and where the request came from."""

    TYPE: ClassVar[str]
    FENCE: ClassVar[bool] = False
    """True for an event that can turn a yes into a no."""

    id: str
    at: int
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBirth(Event):
    """What the two birth events have in common: the stub of the token that was torn off."""

    jti: Jti
    chain: Jti
    subject: Subject
    client: ClientId
    audiences: tuple[Audience, ...]
    scope: tuple[Scope, ...]
    iat: int
    exp: int
    kid: Kid
    signing_input_sha256: str
    """SHA-256 of the JWS signing input: pins header and payload, to the byte (law 7)."""
    asked: AskedFor
    issued_token_type: str
    policy: Position
    """Position of the policy that was in force."""
    decided_at: Position
    """The position P whose folded state the decision was taken on (law 2)."""
    dropped: tuple[DroppedScope, ...] = ()
    lifetime_limited_by: str = ""
    """Which limit set `exp`."""
    act: Mapping[str, Any] | None = None
    actor_lineage: tuple[LineageEntry, ...] = ()
    cnf: Mapping[str, Any] | None = None
    client_credential: str = ""
    """The id of the secret or public key by which the client signed in; empty in what older versions wrote."""
    actor_jti: Jti | None = None
    """The actor token that was accepted; it is the newest of `actor_lineage`."""


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIssued(TokenBirth):
    """A first token: depth 0, the root of a chain."""

    TYPE: ClassVar[str] = "token.issued"

    credential: ForeignCredential | None = None
    """`None` for `client_credentials`."""


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class TokenExchanged(TokenBirth):
    """A child: made from a token of ours, one deeper."""

    TYPE: ClassVar[str] = "token.exchanged"

    lineage: tuple[LineageEntry, ...]
    """Root first, up to the parent."""
    semantics: Semantics
    subject_token_sha256: str
    actor_token_sha256: str | None = None
    would_deny: tuple[Reason, ...] = ()
    """What `mode = "audit"` let through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied(Event):
    """What the denial events have in common."""

    reason: Reason
    about: About | None
    client: ClientId
    presented: tuple[PresentedToken, ...]
    policy: Position
    decided_at: Position
    chain: Jti | None = None
    subject: Subject | None = None
    client_credential: str = ""
    """The id of the secret or public key by which the client signed in; empty in what older versions wrote."""


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class TokenExchangeDenied(Denied):
    """A refused exchange (RFC 8693)."""

    TYPE: ClassVar[str] = "token.exchange_denied"

    asked: AskedFor
    credential: ForeignCredential | None = None


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIssueDenied(Denied):
    """A refused `client_credentials`, `jwt-bearer` or unsupported grant."""

    TYPE: ClassVar[str] = "token.issue_denied"

    asked: AskedFor | None = None
    credential: ForeignCredential | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevokeDenied(Denied):
    """A refused revocation (RFC 7009 §2.1)."""

    TYPE: ClassVar[str] = "token.revoke_denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenForged(Event):
    """A valid signature of ours without a matching birth record: the key has leaked."""

    TYPE: ClassVar[str] = "token.forged"

    kid: Kid
    client: ClientId
    presented: PresentedToken
    unverified_jti_sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokedBy:
    """Who pulled the plug: the client that owns the token, an administrator's client, or an operator."""

    kind: Literal["client", "administrator", "operator"]
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation(Event):
    """What the revocation events have in common."""

    FENCE: ClassVar[bool] = True

    by: RevokedBy
    until: int
    """NumericDate after which nothing that this event kills can be alive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevoked(Revocation):
    """This token and everything below it."""

    TYPE: ClassVar[str] = "token.revoked"

    jti: Jti
    chain: Jti


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainRevoked(Revocation):
    """Everything born of that first token before this position."""

    TYPE: ClassVar[str] = "chain.revoked"

    chain: Jti


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectRevoked(Revocation):
    """Everything born of that subject before this position, and below."""

    TYPE: ClassVar[str] = "subject.revoked"

    subject: Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRevoked(Revocation):
    """Everything born of that client before this position, and below."""

    TYPE: ClassVar[str] = "client.revoked"

    client: ClientId


@dataclass(frozen=True, slots=True, kw_only=True)
class Administration(Event):
    """What the events of an operator have in common."""

    FENCE: ClassVar[bool] = True

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectDisabled(Administration):
    """Refused from here on, on every path."""

    TYPE: ClassVar[str] = "subject.disabled"

    subject: Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectEnabled(Administration):
    """No longer refused."""

    TYPE: ClassVar[str] = "subject.enabled"

    subject: Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectErased(Administration):
    """The way back from a keyed hash to the person is destroyed, for good. It is recorded after it was done.

    No fence: no decision reads it, and a node of an older version goes on beside it.
    """

    TYPE: ClassVar[str] = "subject.erased"
    FENCE: ClassVar[bool] = False

    subject: Subject
    """The keyed hash, under its prefix, as every other event has it."""
    issuer: str
    """The trusted issuer's name in the policy."""
    destroyed: tuple[str, ...]
    """What is gone: `pseudonym`, the row that led from the hash to the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPublished(Administration):
    """A signing key's public half enters the JWKS; it may sign from `signs_from` on."""

    TYPE: ClassVar[str] = "key.published"

    kid: Kid
    alg: str
    jwk: Mapping[str, Any]
    signs_from: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyActivated(Administration):
    """This key signs from here on; the one before it only verifies."""

    TYPE: ClassVar[str] = "key.activated"

    kid: Kid


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRetired(Administration):
    """The key leaves the JWKS: the last token it signed has expired."""

    TYPE: ClassVar[str] = "key.retired"

    kid: Kid


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCompromised(Administration):
    """Every token of that key is dead, and so is what was made from it."""

    TYPE: ClassVar[str] = "key.compromised"

    kid: Kid


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentialAdded(Administration):
    """A client secret counts from here on: its id, never the secret nor its hash."""

    TYPE: ClassVar[str] = "client.credential_added"

    client: ClientId
    credential: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentialRetired(Administration):
    """A client secret counts only until `counts_until`."""

    TYPE: ClassVar[str] = "client.credential_retired"

    client: ClientId
    credential: str
    counts_until: int
    """NumericDate; in the future for an overlap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyApplied(Administration):
    """The whole policy as compiled, its hash, and what it changed, in words."""

    TYPE: ClassVar[str] = "policy.applied"

    policy: Policy
    sha256: str
    difference: tuple[str, ...]
    previous: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class DenialsCounted(Event):
    """A bounded aggregate of refusals that are not events of their own (law 4)."""

    TYPE: ClassVar[str] = "denials.counted"

    since: int
    until: int
    """Milliseconds since the epoch."""
    client: ClientId | None
    """`None` counts unauthenticated requests."""
    counts: Mapping[str, int]
    """Reason code → how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRead(Event):
    """Somebody read the log over HTTP. One for each request; of a stream, one when it starts and one at its end.

    A request has the same `origin.request` in both.
    """

    TYPE: ClassVar[str] = "audit.read"

    client: ClientId
    jti: Jti
    """The access token that it showed."""
    route: str
    filter: Mapping[str, str]
    """The parameters, as they were understood."""
    stage: Literal["answered", "started", "ended"]
    count: int
    """How many events or tokens left; 0 where it starts."""
    up_to: Position
    """After this position nothing was looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditExported(Event):
    """An operator took a stretch of the log away."""

    TYPE: ClassVar[str] = "audit.exported"

    by: str
    after: Position
    """Exclusive."""
    up_to: Position
    """Inclusive."""
    count: int
    sha256: str
    """Of the export's list of hashes (`SHA256SUMS`), by which each of its files can be known."""
