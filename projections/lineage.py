"""The tree of a chain: every token that descends from one first token, and whether it lives.

It is folded up to one position, so it also says what was true at that moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from eventsourcing.dcb.api import DCBQuery, DCBQueryItem, DCBReadResponse, DCBSequencedEvent

from domain.births import birth_of
from domain.events import TokenBirth, TokenExchangeDenied, TokenIssueDenied, TokenRevokeDenied
from domain.identifiers import Jti, Position
from domain.lineage import Birth
from domain.tags import tag
from eventstore.codec import decode
from projections.audit_search import RecordedEvent
from projections.births import BIRTH_TYPES
from projections.past import authority_at, deaths_of
from projections.slices import finished
from projections.token_states import TokenState, state_of

REFUSAL_TYPES = [TokenExchangeDenied.TYPE, TokenIssueDenied.TYPE, TokenRevokeDenied.TYPE]


class LineageSource(Protocol):
    """The reading half of a store."""

    def read(
        self, query: DCBQuery | None = None, *, after: int | None = None, limit: int | None = None
    ) -> DCBReadResponse:
        """The events that a query finds."""

    def read_fence(self, after: int, limit: int | None = None) -> Iterator[DCBSequencedEvent]:
        """The fence events after a position, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainToken:
    """One token of a chain."""

    birth: Birth
    event: TokenBirth
    state: TokenState

    @property
    def parent(self) -> Jti | None:
        """The token it was made from; `None` for the root."""
        return self.birth.lineage[-1].jti if self.birth.lineage else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A chain as of `position`."""

    tokens: tuple[ChainToken, ...]
    """In the order of the log, so a parent stands before its children."""
    refusals: tuple[RecordedEvent, ...]
    """What was refused to whoever presented a token of the chain."""
    position: Position

    @property
    def root(self) -> ChainToken:
        """The first token."""
        return self.tokens[0]

    def by_parent(self) -> dict[Jti | None, list[ChainToken]]:
        """Each token that has children, with them; the root is the child of `None`."""
        children: dict[Jti | None, list[ChainToken]] = {}
        for token in self.tokens:
            children.setdefault(token.parent, []).append(token)
        return children


class ChainUnknown(Exception):
    """The log knows no chain of that root, or knew none at that position."""


def chain_at(source: LineageSource, root: Jti, position: Position, now: int) -> Chain:
    """The chain folded up to a position; `now` in seconds decides what has expired.

    Raises ChainUnknown, what the store raises, and what the codec raises on a damaged log.
    """
    births = list(_births(source, root, position))
    if not births:
        raise ChainUnknown(f"up to position {position} the log knows no chain {root!r}")
    authority = finished(authority_at(source, position, now))
    deaths = finished(deaths_of(source, [birth for birth, _ in births], position))
    return Chain(
        tokens=tuple(
            ChainToken(birth=birth, event=event, state=state_of(birth, authority, deaths, now))
            for birth, event in births
        ),
        refusals=tuple(_tagged(source, root, REFUSAL_TYPES, position)),
        position=position,
    )


def _tagged(source: LineageSource, root: Jti, types: list[str], end: Position) -> Iterator[RecordedEvent]:
    query = DCBQuery(items=[DCBQueryItem(types=types, tags=[tag("chain", root)])])
    return _until(source.read(query), end)


def _until(rows: Iterator[DCBSequencedEvent], end: Position) -> Iterator[RecordedEvent]:
    for stored in rows:
        if stored.position > end:
            return
        yield RecordedEvent(position=Position(stored.position), event=decode(stored))


def _births(source: LineageSource, root: Jti, end: Position) -> Iterator[tuple[Birth, TokenBirth]]:
    for recorded in _tagged(source, root, BIRTH_TYPES, end):
        birth = birth_of(recorded.event, recorded.position)
        if birth is not None and isinstance(recorded.event, TokenBirth):
            yield birth, recorded.event
