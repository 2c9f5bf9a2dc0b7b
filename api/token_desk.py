"""The desk where tokens are torn off: decide, record, sign. Nothing leaves before its event is durable (law 1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from api.denials import Denials
from api.own_tokens import OwnTokens
from domain.authority import Authority
from domain.births import birth_of
from domain.decide_request import decide_request
from domain.decisions import Decision, Granted, Refused
from domain.events import Event, TokenBirth
from domain.identifiers import Kid, Position, subject_of_client
from domain.refusals import Refusal
from domain.requests import OwnToken, RequestToken
from domain.tags import POLICY, tag
from domain.values import made_quickly
from eventstore.drafts import Draft
from eventstore.online import ReadBarrier
from eventstore.writer import Writer


class Signer(Protocol):
    """A private signing key."""

    def sign(self, signing_input: bytes) -> bytes:
        """The base64url signature."""


class Signers(Protocol):
    """The private signing keys of this node."""

    def signer(self, kid: Kid) -> Signer:
        """The private key. Raises StoreError if this node does not have it: it can then issue nothing."""


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """A token whose birth is durable."""

    token: str
    birth: TokenBirth


class TokenDraft:
    """A token request on its way to the log."""

    __slots__ = (
        "_authority",
        "_now",
        "_request",
        "_signer",
        "_signers",
        "_tokens",
        "decided_at",
        "decision",
        "token",
    )

    def __init__(
        self, authority: Authority, signers: Signers, tokens: OwnTokens, request: RequestToken, now: int
    ) -> None:
        self._authority = authority
        self._signers = signers
        self._tokens = tokens
        self._request = request
        self._now = now
        self.token = b""
        self.decided_at: Position
        self.decision: Decision
        self._signer: Signer | None
        self._decide()

    def _decide(self) -> None:
        self.decided_at = self._authority.position
        self.decision = decide_request(self._authority, self._request, self._now)
        granted = isinstance(self.decision, Granted)
        self._signer = self._signers.signer(self.decision.event.kid) if granted else None  # type: ignore[union-attr]

    @property
    def event(self) -> Event:
        """The event that records the decision."""
        return self.decision.event

    def touched_by(self, fence_tags: frozenset[str]) -> bool:
        """Policy and keys touch everything; the rest only what the request stands on."""
        if POLICY in fence_tags or any(name.startswith("key:") for name in fence_tags):
            return True
        return not fence_tags.isdisjoint(_stands_on(self._request))

    def decide_again(self) -> Draft:
        """The same request at the same time, on the state as it is now."""
        self._decide()
        return self

    def while_committing(self) -> None:
        """Sign; the key is at hand since the decision."""
        if isinstance(self.decision, Granted) and self._signer is not None:
            signature = self._signer.sign(self.decision.signing_input)
            self.token = self.decision.signing_input + b"." + signature

    def appended(self, position: Position) -> None:
        """A token that was signed here needs no second verification here."""
        birth = birth_of(self.event, position)
        if birth is not None:
            self._tokens.remember(self.token, birth)


def _stands_on(request: RequestToken) -> set[str]:
    """The tags under which a fence event could change the decision on this request."""
    tags = {tag("client", request.client), tag("subject", subject_of_client(request.client))}
    for evidence in (request.subject_token, request.actor_token):
        if isinstance(evidence, OwnToken):
            for entry in evidence.birth.all_it_stands_on():
                tags |= {
                    tag("token", entry.jti),
                    tag("chain", entry.jti),
                    tag("subject", entry.subject),
                    tag("client", entry.client),
                }
        elif evidence is not None and hasattr(evidence, "subject"):
            tags.add(tag("subject", evidence.subject))
    return tags


class TokenDesk:
    """Takes token requests to their answer."""

    def __init__(
        self,
        authority: Authority,
        barrier: ReadBarrier,
        writer: Writer,
        signers: Signers,
        tokens: OwnTokens,
        denials: Denials,
        clock: Callable[[], int],
    ) -> None:
        self._authority = authority
        self._barrier = barrier
        self._writer = writer
        self._signers = signers
        self._tokens = tokens
        self._denials = denials
        self._clock = clock

    async def decide(self, request: RequestToken) -> IssuedToken | Refusal:
        """Decide, record and sign. Raises StoreError: then nothing happened, or nobody can say; answer 503."""
        draft = TokenDraft(self._authority, self._signers, self._tokens, request, self._clock())
        if isinstance(draft.decision, Refused) and not self._may_record(request):
            refusal = await self._counted(request, draft)
            if refusal is not None:
                return refusal
        await self._writer.append(draft, if_awaited=True)
        if isinstance(draft.decision, Refused):
            return draft.decision.refusal
        return IssuedToken(token=draft.token.decode(), birth=draft.decision.event)

    def _may_record(self, request: RequestToken) -> bool:
        return self._denials.may_record(request.client, self._authority.policy.limits.denials_per_minute)

    async def _counted(self, request: RequestToken, draft: TokenDraft) -> Refusal | None:
        """Past its rate a refusal is only counted. No append's fence says it still holds: the read barrier must."""
        await self._barrier.passed()
        if self._authority.position != draft.decided_at:
            draft.decide_again()
        if isinstance(draft.decision, Granted):
            return None
        self._denials.count(request.client, draft.decision.refusal.reason)
        return draft.decision.refusal
