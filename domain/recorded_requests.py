"""From the event of a decision back to the request that was decided, with nothing but the log (law 8)."""

from __future__ import annotations

from typing import Final, Protocol

from domain.events import (
    Denied,
    Event,
    TokenBirth,
    TokenExchanged,
    TokenExchangeDenied,
    TokenIssued,
    TokenIssueDenied,
    TokenRevokeDenied,
)
from domain.identifiers import Jti
from domain.lineage import Birth
from domain.refusals import Reason, Refusal
from domain.requests import (
    AskedFor,
    Evidence,
    PresentedToken,
    RequestToken,
    UnusableToken,
    own_token,
    request_token,
)

DecidedRequest = TokenIssued | TokenExchanged | TokenExchangeDenied | TokenIssueDenied
OF_THE_FORM: Final = frozenset(
    (
        Reason.REQUEST_MALFORMED,
        Reason.GRANT_TYPE_UNSUPPORTED,
        Reason.REQUESTED_TYPE_UNSUPPORTED,
        Reason.SCOPE_MALFORMED,
    )
)
"""What was wrong with a form is taken from the record: the form itself is not in the log."""
_NOTHING: Final = AskedFor(grant=None)


class BirthUnrecorded(Exception):
    """A decision stands on a token of which the log has no birth before it."""


class BirthRecords(Protocol):
    """Where the births of presented tokens are known."""

    def birth(self, jti: str) -> Birth:
        """The birth record of a token. Raises BirthUnrecorded."""


def request_in(event: Event) -> DecidedRequest | None:
    """The event, if it decided a token request."""
    if isinstance(event, (TokenBirth, Denied)) and not isinstance(event, TokenRevokeDenied):
        return event  # type: ignore[return-value]
    return None


def is_complete(event: DecidedRequest) -> bool:
    """Whether the event says all that the request said; older versions left out by which credential."""
    return bool(event.client_credential) and event.asked is not None


def presented_jtis(event: DecidedRequest) -> tuple[Jti, ...]:
    """The tokens of ours that the request presented: whose births are needed to decide it again."""
    if isinstance(event, Denied):
        return tuple(token.jti for token in event.presented if token.jti is not None)
    actor = () if event.actor_jti is None else (event.actor_jti,)
    return (event.lineage[-1].jti, *actor) if isinstance(event, TokenExchanged) and event.lineage else actor


def request_of(event: DecidedRequest, births: BirthRecords) -> RequestToken:
    """The request that led to this event. Raises BirthUnrecorded."""
    if isinstance(event, Denied):
        return _refused(event, births)
    return request_token(
        client=event.client,
        credential=event.client_credential,
        asked=event.asked,
        origin=event.origin,
        subject_token=_subject(event, births),
        actor_token=None if event.actor_jti is None else _actor(event, births, event.actor_jti),
        event_id=event.id,
        jti=event.jti,
    )


def _subject(event: TokenIssued | TokenExchanged, births: BirthRecords) -> Evidence | None:
    if isinstance(event, TokenIssued):
        return event.credential
    if not event.lineage:
        raise BirthUnrecorded("the event names no token that was exchanged")
    return own_token(birth=births.birth(event.lineage[-1].jti), sha256=event.subject_token_sha256)


def _actor(event: TokenIssued | TokenExchanged, births: BirthRecords, jti: Jti) -> Evidence:
    sha256 = (event.actor_token_sha256 if isinstance(event, TokenExchanged) else None) or ""
    return own_token(birth=births.birth(jti), sha256=sha256)


def _refused(event: TokenExchangeDenied | TokenIssueDenied, births: BirthRecords) -> RequestToken:
    return request_token(
        client=event.client,
        credential=event.client_credential,
        asked=event.asked or _NOTHING,
        origin=event.origin,
        subject_token=event.credential or _presented(event, "subject_token", births),
        actor_token=_presented(event, "actor_token", births),
        event_id=event.id,
        jti=Jti(""),
        fault=Refusal(event.reason, event.about) if event.reason in OF_THE_FORM else None,
    )


def _presented(event: Denied, role: str, births: BirthRecords) -> Evidence | None:
    found = next((token for token in event.presented if token.role == role), None)
    return None if found is None else _evidence(event, found, births)


def _evidence(event: Denied, token: PresentedToken, births: BirthRecords) -> Evidence:
    """A token that was none of ours is known by the reason for which it was refused, and by nothing else."""
    if token.jti is not None:
        return own_token(birth=births.birth(token.jti), sha256=token.sha256)
    return UnusableToken(reason=event.reason, sha256=token.sha256)
