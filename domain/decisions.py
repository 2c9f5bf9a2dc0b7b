"""What a decision returns: the event that records it and, where the answer is yes, what is to be signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from domain.authority import Authority
from domain.events import Denied, TokenBirth, TokenExchangeDenied, TokenForged, TokenIssueDenied
from domain.identifiers import Jti, Subject
from domain.refusals import About, Reason, Refusal
from domain.requests import (
    Evidence,
    ForeignCredential,
    ForgedToken,
    OwnToken,
    PresentedToken,
    RequestToken,
    UnusableToken,
    remember,
)
from domain.values import made_quickly, maker


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """Yes: sign `signing_input` with the event's `kid`, and let it leave only after the event is durable."""

    event: TokenBirth
    signing_input: bytes


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """No, for this reason; the event says so."""

    refusal: Refusal
    event: Denied | TokenForged


Decision = Granted | Refused
granted: Final = maker(Granted)


def unusable(evidence: Evidence | None, about: About) -> Refusal | None:
    """The refusal of a presented token that failed parsing or cryptography, or that the log does not know."""
    if evidence is None or isinstance(evidence, OwnToken):
        return None
    match evidence:
        case UnusableToken():
            return Refusal(evidence.reason, about)
        case ForgedToken():
            return Refusal(Reason.TOKEN_FORGED, about)
        case _:
            return None


def refuse(authority: Authority, request: RequestToken, refusal: Refusal, now: int) -> Refused:
    """Record the refusal of a token request; `now` is in milliseconds.

    A forged token is recorded as what it is, a leaked key, and not a second time as a denial.
    """
    for evidence in (request.subject_token, request.actor_token):
        if isinstance(evidence, ForgedToken):
            return Refused(refusal=refusal, event=forged(request, evidence, now))
    return Refused(refusal=refusal, event=_denial(authority, request, refusal, now))


def forged(request: RequestToken, evidence: ForgedToken, now: int) -> TokenForged:
    """The event that says a key has leaked."""
    return TokenForged(
        id=request.event_id,
        at=now,
        origin=request.origin,
        kid=evidence.kid,
        client=request.client,
        presented=remember("subject_token", evidence),
        unverified_jti_sha256=evidence.unverified_jti_sha256,
    )


def _denial(authority: Authority, request: RequestToken, refusal: Refusal, now: int) -> Denied:
    kind = TokenExchangeDenied if request.asked.grant == "token-exchange" else TokenIssueDenied
    chain, subject = _whose(request.subject_token)
    return kind(
        id=request.event_id,
        at=now,
        origin=request.origin,
        reason=refusal.reason,
        about=refusal.about,
        client=request.client,
        asked=request.asked,
        presented=_presented(request),
        policy=authority.policy_position,
        decided_at=authority.position,
        chain=chain,
        subject=subject,
        client_credential=request.credential,
        credential=request.subject_token if isinstance(request.subject_token, ForeignCredential) else None,
    )


def _presented(request: RequestToken) -> tuple[PresentedToken, ...]:
    roles = (("subject_token", request.subject_token), ("actor_token", request.actor_token))
    return tuple(remember(role, evidence) for role, evidence in roles if evidence is not None)


def _whose(evidence: Evidence | None) -> tuple[Jti | None, Subject | None]:
    match evidence:
        case OwnToken():
            return evidence.birth.chain, evidence.birth.subject
        case ForeignCredential():
            return None, evidence.subject
        case _:
            return None, None
