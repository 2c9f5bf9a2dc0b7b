"""Access review: what a period made of the rights that the policy in force grants."""

from __future__ import annotations

from collections import Counter
from typing import Final, Protocol

import msgspec
from eventsourcing.dcb.api import DCBQuery, DCBQueryItem, DCBSequencedEvent

from domain.authority import Authority
from domain.events import DenialsCounted, Denied, Event, Revocation, TokenBirth, TokenExchanged, TokenForged
from domain.identifiers import ClientId, Jti, Position
from domain.lineage import Birth, LineageEntry
from domain.recorded_requests import BirthUnrecorded
from domain.tags import tag
from eventstore.codec import decode
from projections.births import BIRTH_TYPES
from projections.recorded_walk import RecordedLog, RecordedWalk, Told
from projections.rights_used import RightsUsed

DEEPEST: Final = 5
"""Chains that are named."""

Edge = tuple[str, str]
"""Client and audience."""


class ReviewLog(RecordedLog, Protocol):
    """A log that is also asked for single events."""

    def event_at(self, position: int) -> DCBSequencedEvent | None:
        """The event at a position, if there is one."""


class DeepChain(msgspec.Struct, frozen=True, kw_only=True):
    """The deepest token of a chain."""

    depth: int
    chain: Jti
    position: Position
    path: tuple[str, ...]
    """The audiences on the way, the first token's first."""


class AccessReview:
    """One period. Raises what the store raises, and what the codec raises on a damaged log."""

    def __init__(self, authority: Authority, after: Position) -> None:
        """What was granted is judged by the policy in force now; the period begins after a position."""
        self._authority = authority
        self.after = after
        self.position = after
        self.used = RightsUsed()
        self.tokens = 0
        self.edges: dict[Edge, Position] = {}
        """Client and audience of tokens of the period → the position of the first."""
        self.earlier_edges: set[Edge] = set()
        """The same of tokens born before, on which tokens of the period stand."""
        self.active: Counter[str] = Counter()
        """Events of each client, of whatever kind."""
        self._deepest: dict[Jti, DeepChain] = {}
        self._older: set[Jti] = set()

    def run(self, log: ReviewLog, until: Position, told: Told) -> None:
        """Read the period, once."""
        walk = RecordedWalk(log, told, "reviewing")
        for position, event in walk.events(self.after, until):
            client = _client_of(event)
            if client:
                self.active[client] += 1
            if isinstance(event, TokenBirth):
                self.tokens += 1
                self._birth(event, position, walk)
                for entry in _stands_on(event):
                    if entry.position <= self.after and entry.jti not in self._older:
                        self._older.add(entry.jti)
                        self._ancestor(log.event_at(entry.position), walk)
        self.position = until

    def _birth(self, event: TokenBirth, position: Position, walk: RecordedWalk) -> None:
        self.used.add(self._authority, event, *_parents(event, walk))
        for audience in event.audiences:
            self.edges.setdefault((event.client, audience), position)
        if isinstance(event, TokenExchanged):
            self._depth(event, position)

    def _ancestor(self, stored: DCBSequencedEvent | None, walk: RecordedWalk) -> None:
        """A token born before the period, which the period made use of: whoever grants it must go on granting it."""
        event = None if stored is None else decode(stored)
        if isinstance(event, TokenBirth):
            self.used.add(self._authority, event, *_parents(event, walk))
            self.earlier_edges.update((event.client, audience) for audience in event.audiences)

    def _depth(self, event: TokenExchanged, position: Position) -> None:
        depth, known = len(event.lineage), self._deepest.get(event.chain)
        if known is not None and known.depth >= depth:
            return
        if known is None and len(self._deepest) >= DEEPEST:
            least = min(self._deepest.values(), key=lambda chain: chain.depth)
            if least.depth >= depth:
                return
            del self._deepest[least.chain]
        path = tuple(" ".join(entry.audiences) for entry in event.lineage)
        self._deepest[event.chain] = DeepChain(
            depth=depth, chain=event.chain, position=position, path=(*path, " ".join(event.audiences))
        )

    def deepest(self) -> list[DeepChain]:
        """The deepest chains, deepest first."""
        return sorted(self._deepest.values(), key=lambda chain: (-chain.depth, chain.position))

    def dormant(self) -> list[ClientId]:
        """Clients of the policy of whom the period has no event."""
        return [client for client in self._authority.policy.clients if not self.active[client]]

    def first_seen(self, log: ReviewLog) -> dict[Edge, Position]:
        """Client and audience of which no token was given before the period; read client by client."""
        fresh = {edge: position for edge, position in self.edges.items() if edge not in self.earlier_edges}
        for client in sorted({client for client, _ in fresh}):
            for edge in _before(log, client, {edge for edge in fresh if edge[0] == client}, self.after):
                del fresh[edge]
        return fresh


def _stands_on(event: TokenBirth) -> tuple[LineageEntry, ...]:
    lineage = event.lineage if isinstance(event, TokenExchanged) else ()
    return (*lineage, *event.actor_lineage)


def _before(log: ReviewLog, client: str, edges: set[Edge], until: Position) -> set[Edge]:
    """Those of a client's edges that had tokens up to a position."""
    query = DCBQuery(items=[DCBQueryItem(types=[kind], tags=[tag("client", client)]) for kind in BIRTH_TYPES])
    found: set[Edge] = set()
    for stored in log.read(query):
        if stored.position > until or found == edges:
            break
        event = decode(stored)
        if isinstance(event, TokenBirth):
            found |= edges & {(client, audience) for audience in event.audiences}
    return found


def _parents(event: TokenBirth, walk: RecordedWalk) -> tuple[Birth | None, Birth | None]:
    parent = event.lineage[-1].jti if isinstance(event, TokenExchanged) and event.lineage else None
    return _birth_of(parent, walk), _birth_of(event.actor_jti, walk)


def _birth_of(jti: Jti | None, walk: RecordedWalk) -> Birth | None:
    try:
        return None if jti is None else walk.births.birth(jti)
    except BirthUnrecorded:
        return None


def _client_of(event: Event) -> str | None:
    match event:
        case TokenBirth() | Denied() | TokenForged() | DenialsCounted():
            return event.client
        case Revocation() if event.by.kind != "operator":
            return event.by.name
        case _:
            return None
