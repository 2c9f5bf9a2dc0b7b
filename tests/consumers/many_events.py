"""Many events as a busy service records them: exchanges on chains that take turns, and now and then a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Protocol

from eventsourcing.dcb.api import DCBEvent

from domain.events import TokenExchanged, TokenExchangeDenied
from eventstore.codec import encode
from tests.eventstore.one_of_each import ONE_OF_EACH

A_TIME = 1_700_000_000_000
"""Of the first event, in milliseconds; each comes a millisecond after the one before it."""

_EXCHANGE = next(event for event in ONE_OF_EACH if isinstance(event, TokenExchanged))
_REFUSAL = next(event for event in ONE_OF_EACH if isinstance(event, TokenExchangeDenied))


class Appends(Protocol):
    """A log that can be written to."""

    def append(self, events: list[DCBEvent]) -> int:
        """As the store does."""


def id_of(number: int) -> str:
    """The id of an event."""
    return f"event-{number:012}-0000-0000-000000000000"


def many_events(first: int, count: int, chains: int = 50) -> Iterator[DCBEvent]:
    """Events told apart by their numbers, from `first` on; one in ten is a refusal."""
    for number in range(first, first + count):
        told: dict[str, Any] = {"id": id_of(number), "at": A_TIME + number}
        chain: Any = f"chain-{number % chains:06}-0000-0000-0000-000000000000"
        if number % 10 == 9:
            yield encode(replace(_REFUSAL, chain=chain, **told))
        else:
            jti: Any = f"token-{number:012}-0000-0000-000000000000"
            yield encode(replace(_EXCHANGE, chain=chain, jti=jti, **told))


def fill(log: Appends, count: int, *, first: int = 1, at_once: int = 500, chains: int = 50) -> None:
    """Append that many."""
    for start in range(first, first + count, at_once):
        log.append(list(many_events(start, min(at_once, first + count - start), chains)))
