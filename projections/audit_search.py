"""What auditors filter by: events found by their tags, in the order of the log, and up to which position.

It reads the log itself, so it never lags; what it found holds up to the position that it says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from eventsourcing.dcb.api import DCBQuery, DCBQueryItem, DCBReadResponse

from domain.events import Event
from domain.identifiers import Position
from domain.tags import tag
from eventstore.codec import EVENT_TYPES, decode

FIRST_SPAN: Final = 1000
"""How many positions back the search for the latest events looks at first."""
_WIDER: Final = 8
"""Each further span is so many times longer; no position is read twice."""


class UnknownType(Exception):
    """There is no event type of that name; the text lists those there are."""


class AuditSource(Protocol):
    """The reading half of a store."""

    def read(
        self, query: DCBQuery | None = None, *, after: int | None = None, limit: int | None = None
    ) -> DCBReadResponse:
        """The events that a query finds, as of the moment of the call."""

    def last_position(self) -> int:
        """The position of the last event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Every condition that is set must hold. Times are in milliseconds, `since` inclusive and `until` exclusive."""

    token: str | None = None
    chain: str | None = None
    subject: str | None = None
    client: str | None = None
    types: tuple[str, ...] = ()
    """Event types; `token` means all types that start with `token.`. Empty: every type."""
    since: int | None = None
    until: int | None = None

    def covers(self, event: Event) -> bool:
        """Whether the event lies in the time asked for."""
        return (self.since is None or event.at >= self.since) and (
            self.until is None or event.at < self.until
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """An event and its place in the log."""

    position: Position
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """What was found, in the order of the log; after `position` nothing was looked at."""

    events: tuple[RecordedEvent, ...]
    position: Position


class AuditSearch:
    """Searches one log. Raises what the store raises, and what the codec raises on a damaged log."""

    def __init__(self, source: AuditSource) -> None:
        self._source = source

    def page(self, wanted: AuditFilter, after: Position, limit: int) -> AuditPage:
        """The first `limit` matches after a position; the next page starts after this one's. Raises UnknownType."""
        end = Position(self._source.last_position())
        found: list[RecordedEvent] = []
        for recorded in self._matches(wanted, after, end):
            found.append(recorded)
            if len(found) == limit:
                return AuditPage(events=tuple(found), position=recorded.position)
        return AuditPage(events=tuple(found), position=max(after, end))

    def latest(self, wanted: AuditFilter, limit: int) -> AuditPage:
        """The last `limit` matches. Looks back in growing spans, for the log is read forward. Raises UnknownType."""
        end = Position(self._source.last_position())
        found: list[RecordedEvent] = []
        upper, span = end, FIRST_SPAN
        while upper > 0 and len(found) < limit:
            lower = Position(max(0, upper - span))
            earlier = deque(self._matches(wanted, lower, upper), maxlen=limit - len(found))
            found = [*earlier, *found]
            upper, span = lower, span * _WIDER
        return AuditPage(events=tuple(found), position=end)

    def _matches(self, wanted: AuditFilter, after: Position, end: Position) -> Iterator[RecordedEvent]:
        for stored in self._source.read(query_of(wanted), after=after):
            if stored.position > end:
                return
            event = decode(stored)
            if wanted.covers(event):
                yield RecordedEvent(position=Position(stored.position), event=event)


def query_of(wanted: AuditFilter) -> DCBQuery:
    """The query that finds at least what is wanted, by tags and types. Raises UnknownType."""
    named = {
        "token": wanted.token,
        "chain": wanted.chain,
        "subject": wanted.subject,
        "client": wanted.client,
    }
    tags = [tag(kind, value) for kind, value in named.items() if value is not None]
    types = [name for asked in wanted.types for name in types_called(asked)]
    return DCBQuery(items=[DCBQueryItem(types=types, tags=tags)])


def types_called(name: str) -> list[str]:
    """The type of that name, or the types of that group. Raises UnknownType."""
    called = [known for known in EVENT_TYPES if known == name or known.startswith(name + ".")]
    if not called:
        raise UnknownType(f"{name!r} is no event type; there are {', '.join(EVENT_TYPES)}")
    return called
