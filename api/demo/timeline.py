"""What happened to a chain, event by event, at times counted from its first token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from api.cli.event_words import words
from api.demo.narrator import must_be
from api.demo.screen import Screen
from domain.events import (
    Denied,
    Event,
    TokenExchanged,
    TokenExchangeDenied,
    TokenIssued,
    TokenRevoked,
)
from projections.audit_search import RecordedEvent

EXPECTED: Final = (
    TokenIssued.TYPE,
    *[TokenExchanged.TYPE] * 2,
    *[TokenExchangeDenied.TYPE] * 5,
    TokenRevoked.TYPE,
    *[TokenExchangeDenied.TYPE] * 2,
)
"""The whole story. The refused ID token is no part of it: no chain came of it."""


def print_timeline(screen: Screen, events: Sequence[RecordedEvent]) -> None:
    """Raises Unexpected where the log tells another story than the tour."""
    must_be("events of the chain", EXPECTED, tuple(recorded.event.TYPE for recorded in events))
    screen.table(_lines(events))


def _lines(events: Sequence[RecordedEvent]) -> Iterator[tuple[str, str, str, str]]:
    start = events[0].event.at
    for recorded in events:
        event = recorded.event
        yield f"{recorded.position}", f"+{event.at - start} ms", event.TYPE, words(_short(event))


def _short(event: Event) -> Event:
    """Without what the reader knows here: which chain, and which token of the request a refusal is about."""
    return replace(event, chain=None, about=None) if isinstance(event, Denied) else event
