"""From a decision's event back to the request that was decided, with nothing but the log."""

from __future__ import annotations

from collections.abc import Iterator

from domain.events import (
    Denied,
    TokenBirth,
    TokenExchanged,
    TokenExchangeDenied,
    TokenIssued,
    TokenIssueDenied,
)
from domain.identifiers import ClientId, Jti
from domain.lineage import Birth
from domain.refusals import Reason, Refusal
from domain.requests import Evidence, OwnToken, PresentedToken, RequestToken, UnusableToken
from projections.registry import Registry
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
    """Rebuilds requests. What the log does not hold is chosen so that the record can be right, and is named in the
    documentation: the id of the client's credential, and the `jti` of an actor token that was accepted."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def possible(self, event: DecidedRequest, registry: Registry) -> Iterator[RequestToken]:
        """Every request that can have led to this event; usually one."""
        for actor in self._actors(event):
            yield RequestToken(
                client=event.client,
                credential=_credential(event, registry),
                asked=event.asked,  # type: ignore[arg-type]
                origin=event.origin,
                subject_token=self._subject(event),
                actor_token=actor,
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

    def _actors(self, event: DecidedRequest) -> Iterator[Evidence | None]:
        match event:
            case TokenExchanged(actor_token_sha256=str(sha256)):
                for birth in self._acting(event):
                    yield OwnToken(birth=birth, sha256=sha256)
            case Denied():
                yield self._presented(event, "actor_token")
            case _:
                yield None

    def _acting(self, event: TokenExchanged) -> Iterator[Birth]:
        """The actor token is one of the second ancestry, and it is the client's own."""
        for entry in event.actor_lineage:
            if entry.client == event.client:
                yield self._log.birth(entry.jti)

    def _presented(self, event: Denied, role: str) -> Evidence | None:
        found = [token for token in event.presented if token.role == role]
        return self._evidence(event, found[0]) if found else None

    def _evidence(self, event: Denied, token: PresentedToken) -> Evidence:
        if token.jti is not None:
            return OwnToken(birth=self._log.birth(token.jti), sha256=token.sha256)
        return UnusableToken(reason=event.reason, sha256=token.sha256)


def _credential(event: DecidedRequest, registry: Registry) -> str:
    retired = isinstance(event, Denied) and event.reason is Reason.CREDENTIAL_RETIRED
    now = event.at // 1000
    for credential in registry.credentials_of(ClientId(event.client)):
        if registry.credential_counts(event.client, credential, now) != retired:
            return credential
    return ""


def _fault(event: DecidedRequest) -> Refusal | None:
    if isinstance(event, Denied) and event.reason in OF_THE_FORM:
        return Refusal(event.reason, event.about)
    return None
