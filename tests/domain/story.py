"""Given, when, then for decisions: a small world, folded from events, and one request against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from domain.births import birth_of
from domain.decide_request import decide_request
from domain.decisions import Decision, Granted, Refused
from domain.events import (
    ClientCredentialAdded,
    Event,
    KeyActivated,
    KeyPublished,
    PolicyApplied,
    RevokedBy,
    TokenBirth,
    TokenRevoked,
)
from domain.identifiers import ClientId, Jti, Kid, Position, Subject
from domain.lineage import Birth
from domain.policy import Policy
from domain.policy_compilation import compile_policy
from domain.refusals import About, Reason, Refusal
from domain.requests import (
    ACCESS_TOKEN,
    AskedFor,
    Evidence,
    ForeignCredential,
    Origin,
    OwnToken,
    RequestToken,
)
from projections.authority import FoldedAuthority

NOW: Final = 1_800_000_000_000
"""Milliseconds."""
ORIGIN: Final = Origin(node="n", request="r")
KID: Final = Kid("k" * 43)
CREDENTIAL: Final = "secret-1"
OPERATOR: Final = RevokedBy(kind="operator", name="o")


def world(**changes: Any) -> dict[str, Any]:
    """The policy document: travel → agent → hr → payroll, an issuer, and a client that only signs in by itself."""
    document: dict[str, Any] = {
        "issuer": "https://sts.example",
        "limits": {"depth": 4, "lifetime": 300},
        "resources": {
            "travel": {
                "audience": "https://travel.example",
                "scopes": ["trip", "read"],
                "accepts": ["travel"],
                "served_by": "travel",
            },
            "agent": {
                "audience": "https://agent.example",
                "scopes": ["trip", "read"],
                "accepts": ["travel", "agent", "hr"],
                "served_by": "agent",
            },
            "hr": {
                "audience": "https://hr.example",
                "scopes": ["read", "budget", "write"],
                "accepts": ["agent"],
                "served_by": "hr",
                "lifetime": 120,
            },
            "payroll": {
                "audience": "https://payroll.example",
                "scopes": ["read", "salary"],
                "accepts": ["hr", "agent"],
            },
        },
        "clients": {
            "travel": {
                "authentication": "client_secret_basic",
                "grants": ["token-exchange", "jwt-bearer", "client_credentials"],
                "exchange": [{"to": "agent", "scopes": ["trip", "read"]}],
                "tokens": [{"to": "travel", "scopes": ["trip", "read"]}],
            },
            "agent": {
                "authentication": "client_secret_basic",
                "grants": ["token-exchange", "client_credentials"],
                "exchange": [
                    {"to": "hr", "scopes": {"trip": ["read", "budget"]}, "semantics": "delegation"},
                    {"to": "payroll", "scopes": ["read"]},
                ],
                "tokens": [{"to": "agent", "scopes": ["trip"]}],
            },
            "hr": {
                "authentication": "client_secret_basic",
                "grants": ["token-exchange"],
                "exchange": [{"to": "agent", "scopes": ["read"]}, {"to": "payroll", "scopes": ["read"]}],
            },
            "idle": {"authentication": "client_secret_basic", "grants": []},
        },
        "trusted_issuers": {
            "corp": {
                "issuer": "https://login.corp.example",
                "jwks_uri": "https://login.corp.example/jwks",
                "audience": "travel",
                "accepts": ["id_token", "jwt"],
                "presented_by": ["travel"],
                "subject": "corp:{sub}",
                "grants": [{"client": "travel", "to": "travel", "scopes": ["trip", "read"]}],
            }
        },
    }
    for path, value in changes.items():
        *steps, last = path.split("__")
        inner: Any = document
        for step in steps:
            inner = inner[int(step)] if step.isdigit() else inner.setdefault(step, {})
        inner[last] = value
    return document


class Story:
    """A log that grows, the state folded from it, and the requests made of it."""

    def __init__(self, **changes: Any) -> None:
        self.authority = FoldedAuthority()
        self.position = 0
        self.now = NOW
        self.history: list[tuple[Position, Event]] = []
        self._ids = 0
        self.apply(compile_policy(world(**changes)))
        self.given(
            KeyPublished(
                id=self.id(),
                at=NOW,
                origin=ORIGIN,
                by="o",
                kid=KID,
                alg="ES256",
                jwk={"kid": KID},
                signs_from=0,
            ),
            KeyActivated(id=self.id(), at=NOW, origin=ORIGIN, by="o", kid=KID),
        )
        for client in self.authority.policy.clients:
            self.given(
                ClientCredentialAdded(
                    id=self.id(), at=NOW, origin=ORIGIN, by="o", client=client, credential=CREDENTIAL
                )
            )

    def id(self) -> str:
        """A new id."""
        self._ids += 1
        return f"id-{self._ids}"

    def given(self, *events: Event) -> Position:
        """Events that stand in the log; fence events are folded."""
        for event in events:
            self.position += 1
            self.history.append((Position(self.position), event))
            if event.FENCE:
                self.authority.apply(event, Position(self.position))
        return Position(self.position)

    def apply(self, policy: Policy) -> None:
        """Put a policy in force."""
        self.given(
            PolicyApplied(
                id=self.id(),
                at=self.now,
                origin=ORIGIN,
                by="o",
                policy=policy,
                sha256="",
                difference=(),
                previous=self.authority.policy_position,
            )
        )

    def change(self, **changes: Any) -> None:
        """Put the same policy in force with these changes."""
        self.apply(compile_policy(world(**changes)))

    def request(
        self,
        client: str,
        grant: Any,
        *targets: str,
        scope: str | None = None,
        subject: Evidence | Birth | None = None,
        actor: Evidence | Birth | None = None,
        fault: Refusal | None = None,
        **asked: Any,
    ) -> RequestToken:
        """A request; births stand for tokens of ours."""
        return RequestToken(
            client=ClientId(client),
            credential=CREDENTIAL,
            asked=AskedFor(
                grant=grant,
                audiences=targets,
                scope=None if scope is None else tuple(scope.split()),  # type: ignore[arg-type]
                subject_token_type=None if subject is None else ACCESS_TOKEN,
                **asked,
            ),
            origin=ORIGIN,
            subject_token=OwnToken(birth=subject, sha256="5" * 64) if isinstance(subject, Birth) else subject,
            actor_token=OwnToken(birth=actor, sha256="a" * 64) if isinstance(actor, Birth) else actor,
            event_id=self.id(),
            jti=Jti(self.id()),
            fault=fault,
        )

    def decide(self, request: RequestToken) -> Decision:
        """The decision; a yes is appended, as the writer would."""
        decision = decide_request(self.authority, request, self.now)
        self.given(decision.event)
        return decision

    def first(self, client: str = "travel", to: str = "travel", **asked: Any) -> Birth:
        """A first token by client credentials."""
        return self.born(self.decide(self.request(client, "client_credentials", to, **asked)))

    def exchange(self, client: str, subject: Evidence | Birth, *targets: str, **asked: Any) -> Decision:
        """An exchange, decided."""
        return self.decide(self.request(client, "token-exchange", *targets, subject=subject, **asked))

    def child(self, client: str, subject: Evidence | Birth, *targets: str, **asked: Any) -> Birth:
        """An exchange that is granted: the new token."""
        return self.born(self.exchange(client, subject, *targets, **asked))

    def born(self, decision: Decision) -> Birth:
        """The birth of the decision that was just appended."""
        if not isinstance(decision, Granted):
            raise AssertionError(decision)
        birth = birth_of(decision.event, Position(self.position))
        assert birth is not None
        return birth

    def chain(self) -> tuple[Birth, Birth, Birth]:
        """travel → agent → hr: depths 0, 1, 2."""
        root = self.first()
        agent = self.child("travel", root, "agent")
        return root, agent, self.child("agent", agent, "hr")

    def revoke(self, birth: Birth) -> None:
        """The token, and all below it."""
        self.given(
            TokenRevoked(
                id=self.id(),
                at=self.now,
                origin=ORIGIN,
                by=OPERATOR,
                until=birth.exp,
                jti=birth.jti,
                chain=birth.chain,
            )
        )

    def later(self, seconds: int) -> None:
        """Time passes."""
        self.now += seconds * 1000


def credential(**changes: Any) -> ForeignCredential:
    """An ID token of the trusted issuer that is fine, and what is changed about it."""
    fine = ForeignCredential(
        issuer="corp",  # type: ignore[arg-type]
        type="id_token",
        sha256="c" * 64,
        subject=Subject("corp:alice"),
        audiences=("travel",),
        iat=NOW // 1000 - 5,
        exp=NOW // 1000 + 600,
    )
    return replace(fine, **changes)


def event_of(decision: Decision) -> TokenBirth:
    """The birth event of a yes."""
    assert isinstance(decision, Granted), decision
    return decision.event


def refused(decision: Decision, reason: Reason, about: About | None = None) -> None:
    """The decision is a no, for this reason, and its event says the same."""
    assert isinstance(decision, Refused), decision
    assert (decision.refusal.reason, decision.refusal.about) == (reason, about)
    if reason is not Reason.TOKEN_FORGED:
        assert (decision.event.reason, decision.event.about) == (reason, about)  # type: ignore[union-attr]
    assert "secret" not in repr(decision.event).replace(CREDENTIAL, "")


def scopes(births: Sequence[Birth]) -> list[str]:
    """The scopes of tokens, as strings."""
    return [" ".join(birth.scope) for birth in births]
