"""Birth records and refusals written straight into a log, for tests of what reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eventsourcing.dcb.api import DCBAppendCondition, DCBQuery, DCBQueryItem

from domain.births import birth_of
from domain.events import Event, RevokedBy, TokenExchanged, TokenExchangeDenied, TokenIssued
from domain.identifiers import Audience, ClientId, Jti, Kid, Position, Scope, Subject
from domain.lineage import Birth, LineageEntry
from domain.refusals import Reason
from domain.requests import AskedFor, Origin, PresentedToken
from domain.scopes import DroppedScope
from eventstore.codec import encode
from eventstore.sqlite import SQLiteRecorder

ORIGIN: Final = Origin(node="node-1", request="request-1")
OPERATOR: Final = RevokedBy(kind="operator", name="alice")
BORN: Final = 1_800_000_000
"""NumericDate of every birth."""
LIFETIME: Final = 300
NEVER: Final = DCBAppendCondition(DCBQuery(items=[DCBQueryItem(tags=["test:never"])]))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedLog:
    """A real store that takes events without deciding anything."""

    recorder: SQLiteRecorder

    def append(self, *events: Event) -> Position:
        """The position of the last one."""
        return Position(self.recorder.append([encode(event) for event in events], NEVER))

    def issued(
        self,
        jti: str,
        *,
        client: str = "travel-system",
        subject: str = "corp:u1",
        audience: str = "https://agent.example",
        kid: str = "key-1",
        at: int = BORN,
    ) -> Birth:
        """A first token is born."""
        event = TokenIssued(
            id=f"event-{jti}",
            at=at * 1000,
            origin=ORIGIN,
            jti=Jti(jti),
            chain=Jti(jti),
            subject=Subject(subject),
            client=ClientId(client),
            audiences=(Audience(audience),),
            scope=(Scope("trip.plan"),),
            iat=at,
            exp=at + LIFETIME,
            kid=Kid(kid),
            signing_input_sha256="0" * 64,
            asked=AskedFor(grant="client_credentials"),
            issued_token_type="urn:ietf:params:oauth:token-type:access_token",
            policy=Position(1),
            decided_at=Position(1),
        )
        return _known(birth_of(event, self.append(event)))

    def exchanged(
        self,
        parent: Birth,
        jti: str,
        *,
        client: str = "agent",
        audience: str = "https://hr.example",
        kid: str = "key-1",
        at: int = BORN,
        actor_lineage: Sequence[LineageEntry] = (),
        dropped: Sequence[DroppedScope] = (),
    ) -> Birth:
        """A child is born."""
        event = TokenExchanged(
            id=f"event-{jti}",
            at=at * 1000,
            origin=ORIGIN,
            jti=Jti(jti),
            chain=parent.chain,
            subject=parent.subject,
            client=ClientId(client),
            audiences=(Audience(audience),),
            scope=(Scope("profile.read"),),
            iat=at,
            exp=parent.exp,
            kid=Kid(kid),
            signing_input_sha256="0" * 64,
            asked=AskedFor(grant="token-exchange", audiences=("hr",)),
            issued_token_type="urn:ietf:params:oauth:token-type:access_token",
            policy=Position(1),
            decided_at=Position(1),
            dropped=tuple(dropped),
            actor_lineage=tuple(actor_lineage),
            lineage=parent.path,
            semantics="impersonation",
            subject_token_sha256="1" * 64,
        )
        return _known(birth_of(event, self.append(event)))

    def denied(self, birth: Birth, *, client: str = "agent", at: int = BORN) -> Position:
        """Somebody who presented the token was refused."""
        return self.append(
            TokenExchangeDenied(
                id="event-denied",
                at=at * 1000,
                origin=ORIGIN,
                reason=Reason.TARGET_NOT_GRANTED,
                about=None,
                client=ClientId(client),
                presented=(PresentedToken(role="subject_token", sha256="2" * 64, jti=birth.jti),),
                policy=Position(1),
                decided_at=Position(1),
                chain=birth.chain,
                subject=birth.subject,
                asked=AskedFor(grant="token-exchange", audiences=("payroll",)),
            )
        )


def _known(birth: Birth | None) -> Birth:
    assert birth is not None
    return birth
