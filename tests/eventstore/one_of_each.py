"""One event of every type, every field set to something that is not its default: what the golden files say."""

from __future__ import annotations

from typing import Any, Final

from domain.events import (
    ChainRevoked,
    ClientCredentialAdded,
    ClientCredentialRetired,
    ClientRevoked,
    DenialsCounted,
    Event,
    KeyActivated,
    KeyCompromised,
    KeyPublished,
    KeyRetired,
    PolicyApplied,
    RevokedBy,
    SubjectDisabled,
    SubjectEnabled,
    SubjectErased,
    SubjectRevoked,
    TokenExchanged,
    TokenExchangeDenied,
    TokenForged,
    TokenIssued,
    TokenIssueDenied,
    TokenRevoked,
    TokenRevokeDenied,
)
from domain.lineage import LineageEntry
from domain.policy import Client, ExchangeRule, FirstTokenGrant, Limits, Policy, Resource, TrustedIssuer
from domain.refusals import Reason
from domain.requests import AskedFor, ForeignCredential, Origin, PresentedToken
from domain.scopes import DroppedScope

# Names are plain strings here: NewTypes are for mypy, and these events are for bytes.
FACTS: Final[dict[str, Any]] = {
    "id": "0192f000-0000-7000-8000-000000000001",
    "at": 1_800_000_000_123,
    "origin": Origin(node="node-1", request="request-1", address="192.0.2.7", trace="4bf92f3577b34da6" * 2),
}
REVOKED: Final[dict[str, Any]] = FACTS | {
    "by": RevokedBy(kind="administrator", name="security"),
    "until": 1_800_000_300,
}
BY: Final[dict[str, Any]] = FACTS | {"by": "operator"}
ASKED: Final = AskedFor(
    grant="token-exchange",
    resources=("https://hr.example",),
    audiences=("hr",),
    scope=("read",),  # type: ignore[arg-type]
    requested_token_type="urn:ietf:params:oauth:token-type:jwt",
    subject_token_type="urn:ietf:params:oauth:token-type:access_token",
    actor_token_type="urn:ietf:params:oauth:token-type:access_token",
)
CREDENTIAL: Final = ForeignCredential(
    issuer="corp",  # type: ignore[arg-type]
    type="id_token",
    sha256="c" * 64,
    subject="corp:alice",  # type: ignore[arg-type]
    audiences=("travel",),
    iat=1_800_000_000,
    exp=1_800_000_600,
    nbf=1_800_000_000,
    jti_sha256="d" * 64,
    replayed=True,
    cnf=True,
    act={"sub": "robot"},
    may_act={"client_id": "travel"},
    unmet_claims=("tid",),
)


def entry(jti: str, position: int) -> LineageEntry:
    """One step of a lineage."""
    facts: dict[str, Any] = {"client": "travel", "subject": "corp:alice", "kid": "key-1"}
    audiences: Any = ("https://agent.example",)
    return LineageEntry(jti=jti, audiences=audiences, exp=1_800_000_300, position=position, **facts)  # type: ignore[arg-type]


BIRTH: Final[dict[str, Any]] = FACTS | {
    "jti": "token-2",
    "chain": "token-1",
    "subject": "corp:alice",
    "client": "agent",
    "audiences": ("https://hr.example", "https://payroll.example"),
    "scope": ("read", "budget"),
    "iat": 1_800_000_000,
    "exp": 1_800_000_120,
    "kid": "key-1",
    "signing_input_sha256": "5" * 64,
    "asked": ASKED,
    "issued_token_type": "urn:ietf:params:oauth:token-type:jwt",
    "policy": 1,
    "decided_at": 12,
    "dropped": (DroppedScope(scope="write", by="subject_token"),),  # type: ignore[arg-type]
    "lifetime_limited_by": "resource hr",
    "act": {"sub": "client:agent", "act": {"sub": "client:travel"}},
    "actor_lineage": (entry("token-a", 9),),
    "cnf": {"jkt": "thumbprint"},
    "client_credential": "01890a5d-ac96-774b-bcce-b302099a8057",
    "actor_jti": "token-a",
}
DENIED: Final[dict[str, Any]] = FACTS | {
    "client_credential": "01890a5d-ac96-774b-bcce-b302099a8057",
    "reason": Reason.TARGET_NOT_GRANTED,
    "about": "subject_token",
    "client": "agent",
    "presented": (PresentedToken(role="subject_token", sha256="5" * 64, jti="token-1", issuer="corp"),),  # type: ignore[arg-type]
    "policy": 1,
    "decided_at": 12,
    "chain": "token-1",
    "subject": "corp:alice",
}
RULE: Final = ExchangeRule(
    to="hr",  # type: ignore[arg-type]
    sources=("agent",),  # type: ignore[arg-type]
    by_name=("read",),  # type: ignore[arg-type]
    by_mapping={"trip": ("read", "budget")},  # type: ignore[dict-item]
    semantics="delegation",
    mode="audit",
    circular=True,
    lifetime=30,
)
GRANT: Final = FirstTokenGrant(to="agent", scopes=("trip",), client="agent")  # type: ignore[arg-type]
RESOURCE: Final = Resource(
    name="hr",  # type: ignore[arg-type]
    audience="https://hr.example",  # type: ignore[arg-type]
    scopes=("read", "budget"),  # type: ignore[arg-type]
    accepts=("agent",),  # type: ignore[arg-type]
    served_by="hr",  # type: ignore[arg-type]
    lifetime=120,
    depth=3,
    mode="audit",
    disabled=True,
)
CLIENT: Final = Client(
    name="agent",  # type: ignore[arg-type]
    authentication="private_key_jwt",
    grants=("token-exchange", "client_credentials"),
    exchange=(RULE,),
    first_tokens=(GRANT,),
    jwks=({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "ed"},),
    assertion_audiences=("https://sts.example/oauth/token",),
    depth=3,
    lifetime=60,
    mode="audit",
    disabled=True,
)
ISSUER: Final = TrustedIssuer(
    name="corp",  # type: ignore[arg-type]
    issuer="https://login.corp.example",
    audience="travel",
    accepts=("id_token", "jwt"),
    presented_by=("travel",),  # type: ignore[arg-type]
    subject_prefix="corp:",
    subject_claim="oid",
    grants=(GRANT,),
    algorithms=("ES256",),
    jwks=({"kty": "RSA", "kid": "rsa"},),
    jwks_uri="https://login.corp.example/jwks",
    pseudonymous=True,
    single_use=True,
    max_age=600,
    required_claims={"tid": "tenant"},
    lifetime=90,
    disabled=True,
)
POLICY: Final = Policy(
    issuer="https://sts.example",
    limits=Limits(depth=4, lifetime=600, denials_per_minute=30),
    resources={"hr": RESOURCE},  # type: ignore[dict-item]
    clients={"agent": CLIENT},  # type: ignore[dict-item]
    trusted_issuers={"corp": ISSUER},  # type: ignore[dict-item]
    signing_algorithm="EdDSA",
)
ONE_OF_EACH: Final[tuple[Event, ...]] = (
    TokenIssued(**BIRTH | {"jti": "token-1"}, credential=CREDENTIAL),
    TokenExchanged(
        **BIRTH,
        lineage=(entry("token-1", 11),),
        semantics="delegation",
        subject_token_sha256="1" * 64,
        actor_token_sha256="a" * 64,
        would_deny=(Reason.CIRCULAR_CHAIN,),
    ),
    TokenExchangeDenied(**DENIED, asked=ASKED, credential=CREDENTIAL),
    TokenIssueDenied(**DENIED, asked=ASKED, credential=CREDENTIAL),
    TokenRevokeDenied(**DENIED | {"reason": Reason.TOKEN_OF_ANOTHER_CLIENT, "about": "token"}),
    TokenForged(
        **FACTS,
        kid="key-1",  # type: ignore[arg-type]
        client="agent",  # type: ignore[arg-type]
        presented=PresentedToken(role="subject_token", sha256="f" * 64),
        unverified_jti_sha256="e" * 64,
    ),
    TokenRevoked(**REVOKED, jti="token-2", chain="token-1"),  # type: ignore[arg-type]
    ChainRevoked(**REVOKED, chain="token-1"),  # type: ignore[arg-type]
    SubjectRevoked(**REVOKED, subject="corp:alice"),  # type: ignore[arg-type]
    ClientRevoked(**REVOKED, client="agent"),  # type: ignore[arg-type]
    SubjectDisabled(**BY, subject="corp:alice"),  # type: ignore[arg-type]
    SubjectEnabled(**BY, subject="corp:alice"),  # type: ignore[arg-type]
    SubjectErased(**BY, subject="corp:6f1c", issuer="corp", destroyed=("pseudonym",)),  # type: ignore[arg-type]
    KeyPublished(**BY, kid="key-1", alg="ES256", jwk={"kty": "EC", "kid": "key-1"}, signs_from=1_800_000_060),  # type: ignore[arg-type]
    KeyActivated(**BY, kid="key-1"),  # type: ignore[arg-type]
    KeyRetired(**BY, kid="key-1"),  # type: ignore[arg-type]
    KeyCompromised(**BY, kid="key-1"),  # type: ignore[arg-type]
    ClientCredentialAdded(**BY, client="agent", credential="credential-1"),  # type: ignore[arg-type]
    ClientCredentialRetired(**BY, client="agent", credential="credential-1", counts_until=1_800_003_600),  # type: ignore[arg-type]
    PolicyApplied(**BY, policy=POLICY, sha256="9" * 64, difference=("The first policy.",), previous=3),  # type: ignore[arg-type]
    DenialsCounted(
        **FACTS,
        since=1_800_000_000_000,
        until=1_800_000_010_000,
        client="agent",  # type: ignore[arg-type]
        counts={"target_not_granted": 37},
    ),
)
