"""Tells every step and holds it to its exact outcome: what the client saw, and what the log says about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from api.cli.event_words import dropped_words, short
from api.demo.log_reader import LogReader
from api.demo.oauth_client import HttpAnswer
from api.demo.resource_server import ResourceServer
from api.demo.screen import Screen
from domain.events import Denied, TokenBirth, TokenExchanged, TokenRevoked
from domain.identifiers import Jti, Position
from domain.refusals import Reason
from projections.audit_search import RecordedEvent

SHOWN: Final = 8
"""Characters of a token that are ever shown: the same of every token, for they are its header's."""


class Unexpected(Exception):
    """A step did not have the outcome that it must have."""


def must_be(what: str, expected: object, found: object) -> None:
    """Raises Unexpected where they differ."""
    if found != expected:
        raise Unexpected(f"{what}: expected {expected!r}, found {found!r}")


class Narrator:
    """One method for each kind of outcome. All raise Unexpected for any other."""

    def __init__(self, screen: Screen, log: LogReader, resource_server: ResourceServer) -> None:
        self.screen = screen
        self._log = log
        self._resource_server = resource_server

    def granted(self, words: str, answer: HttpAnswer, *, subject: str, audience: str, scope: str) -> str:
        """A token with exactly these claims; the token."""
        self._step(words, answer, good=True)
        must_be("status", 200, answer.status)
        token: str = answer.body["access_token"]
        claims = self._resource_server.claims(token, audience)
        for name, expected in (("sub", subject), ("aud", audience), ("scope", scope)):
            must_be(f"claim {name}", expected, claims[name])
        recorded = self._recorded(answer)
        if not isinstance(recorded.event, TokenBirth):
            raise Unexpected(f"the log: expected a birth record, found {recorded.event.TYPE}")
        must_be("jti in the log", claims["jti"], recorded.event.jti)
        self.screen.facts([("token", f"{token[:SHOWN]}…, verified with the published key"), *_claims(claims)])
        self.screen.facts([("in the log", _birth(recorded.position, recorded.event))])
        return token

    def refused(self, words: str, answer: HttpAnswer, *, error: str, reason: Reason) -> None:
        """A refusal: the OAuth error that the client sees, and the precise reason that only the log says."""
        self._step(words, answer, good=False)
        must_be("status", 400, answer.status)
        must_be("error", error, answer.body["error"])
        recorded = self._recorded(answer)
        found = recorded.event.reason if isinstance(recorded.event, Denied) else recorded.event.TYPE
        must_be("reason in the log", reason, found)
        self.screen.facts(
            [
                ("client sees", answer.body["error_description"]),
                ("the log says", f"{reason}   {recorded.event.TYPE} at position {recorded.position}"),
            ]
        )

    def introspected(self, words: str, answer: HttpAnswer, expected: Mapping[str, Any]) -> None:
        """An introspection that says at least this. It records nothing."""
        self._step(words, answer, good=answer.body.get("active") is True)
        must_be("status", 200, answer.status)
        must_be("answer", dict(expected), {name: answer.body.get(name) for name in expected})
        must_be("event in the log", None, self._log.recorded(answer.request))
        shown = (
            "active",
            *(name for name in ("sub", "aud", "scope", "client_id", "act") if name in answer.body),
        )
        self.screen.facts((name, _plain(answer.body[name])) for name in shown)

    def revoked(self, words: str, answer: HttpAnswer) -> tuple[Jti, Position]:
        """A token's revocation, which is durable; its chain, and the position of the event."""
        self._step(words, answer, good=True)
        must_be("status", 200, answer.status)
        recorded = self._recorded(answer)
        if not isinstance(recorded.event, TokenRevoked):
            raise Unexpected(f"the log: expected {TokenRevoked.TYPE}, found {recorded.event.TYPE}")
        self.screen.facts([("in the log", f"{recorded.event.TYPE} at position {recorded.position}")])
        return recorded.event.chain, recorded.position

    def _step(self, words: str, answer: HttpAnswer, *, good: bool) -> None:
        outcome = f"{answer.status} {answer.body.get('error', 'OK')}"
        self.screen.step(words, outcome, good=good)

    def _recorded(self, answer: HttpAnswer) -> RecordedEvent:
        recorded = self._log.recorded(answer.request)
        if recorded is None:
            raise Unexpected(f"the log: expected an event of request {answer.request}, found none")
        return recorded


def _claims(claims: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("sub", "aud", "scope", "act"):
        if name in claims:
            yield name, _plain(claims[name])
    yield "exp", f"{claims['exp'] - claims['iat']} seconds from now"


def _birth(position: int, event: TokenBirth) -> str:
    depth = len(event.lineage) if isinstance(event, TokenExchanged) else 0
    dropped = f", dropped {dropped_words(event.dropped)}" if event.dropped else ""
    return f"{event.TYPE} at position {position}, jti {short(event.jti, full=False)}, depth {depth}{dropped}"


def _plain(value: object) -> str:
    match value:
        case {"sub": actor, "act": earlier}:
            return f"{actor}, before it {_plain(earlier)}"
        case {"sub": actor}:
            return f"{actor}"
        case bool():
            return str(value).lower()
        case _:
            return str(value)
