"""From a decision's event back to the request that was decided, with nothing but the log."""

from __future__ import annotations

from domain.events import (
    Denied,
    TokenBirth,
    TokenExchanged,
    TokenExchangeDenied,
    TokenIssued,
    TokenIssueDenied,
)
from domain.identifiers import Jti
from domain.refusals import Reason, Refusal
from domain.requests import Evidence, OwnToken, PresentedToken, RequestToken, UnusableToken
from tests.history.log import Log

DecidedRequest = TokenIssued | TokenExchanged | TokenExchangeDenied | TokenIssueDenied
OF_THE_FORM = frozenset(
    (
        Reason.REQUEST_MALFORMED,
        Reason.GRANT_TYPE_UNSUPPORTED,
        Reason.REQUESTED_TYPE_UNSUPPORTED,
        Reason.SCOPE_MALFORMED,
    )
)
"""What was wrong with a form is taken from the record: the form itself is not in the log."""


class Requests:
    """Rebuilds requests."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def request(self, event: DecidedRequest) -> RequestToken:
        """The request that led to this event."""
        return RequestToken(
            client=event.client,
            credential=event.client_credential,
            asked=event.asked,  # type: ignore[arg-type]
            origin=event.origin,
            subject_token=self._subject(event),
            actor_token=self._actor(event),
            event_id=event.id,
            jti=event.jti if isinstance(event, TokenBirth) else Jti(""),
            fault=_fault(event),
        )

    def _subject(self, event: DecidedRequest) -> Evidence | None:
        match event:
            case TokenExchanged():
                birth = self._log.birth(event.lineage[-1].jti)
                return OwnToken(birth=birth, sha256=event.subject_token_sha256)
            case TokenIssued():
                return event.credential
            case _:
                return event.credential or self._presented(event, "subject_token")

    def _actor(self, event: DecidedRequest) -> Evidence | None:
        if isinstance(event, Denied):
            return self._presented(event, "actor_token")
        if event.actor_jti is None:
            return None
        sha256 = (event.actor_token_sha256 if isinstance(event, TokenExchanged) else None) or ""
        return OwnToken(birth=self._log.birth(event.actor_jti), sha256=sha256)

    def _presented(self, event: Denied, role: str) -> Evidence | None:
        found = [token for token in event.presented if token.role == role]
        return self._evidence(event, found[0]) if found else None

    def _evidence(self, event: Denied, token: PresentedToken) -> Evidence:
        if token.jti is not None:
            return OwnToken(birth=self._log.birth(token.jti), sha256=token.sha256)
        return UnusableToken(reason=event.reason, sha256=token.sha256)


def _fault(event: DecidedRequest) -> Refusal | None:
    if isinstance(event, Denied) and event.reason in OF_THE_FORM:
        return Refusal(event.reason, event.about)
    return None
