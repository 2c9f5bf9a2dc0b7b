"""The blast radius of a revocation: what is alive now and would be dead, before the plug is pulled.

The index of revocations itself says what dies: it is given the one event, and asked about every token that is alive.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, Protocol

import msgspec
from eventsourcing.dcb.api import DCBQuery, DCBReadResponse

from domain.births import birth_of
from domain.events import RevokedBy
from domain.identifiers import Audience, ClientId, Position, Subject
from domain.lineage import Birth
from domain.pull_the_plug import OneToken, PullThePlug, Target, WholeChain, pull_the_plug
from domain.requests import Origin
from eventstore.codec import decode
from projections.authority import FoldedAuthority
from projections.births import BIRTH_TYPES
from projections.moments import last_before
from projections.revocations import CLOCK_MARGIN, Revocations

PAGE: Final = 2000
"""Events read at once."""
_NOBODY: Final = RevokedBy(kind="operator", name="")
_NOWHERE: Final = Origin(node="", request="")
"""Of an event that nobody records."""
Told = Callable[[str, int, int], None]
"""What is being done, the position that it has reached, and the last one."""


class RadiusLog(Protocol):
    """The reading half of a store."""

    def read(
        self, query: DCBQuery | None = None, *, after: int | None = None, limit: int | None = None
    ) -> DCBReadResponse:
        """The events that a query finds, in order."""

    def last_position(self) -> int:
        """The position of the last event."""


class BlastRadius(msgspec.Struct, kw_only=True):
    """What would die. As of `position`; what is born later is not in it, and dies as well if it descends from these."""

    position: Position
    tokens: int = 0
    suspended: int = 0
    """Of these tokens: refused for now anyway, for a party is disabled or their key is retired."""
    chains: set[str] = set()
    clients: Counter[ClientId] = msgspec.field(default_factory=Counter)
    """Tokens of each."""
    audiences: Counter[Audience] = msgspec.field(default_factory=Counter)
    subjects: Counter[Subject] = msgspec.field(default_factory=Counter)
    last_expiry: int = 0
    """NumericDate at which the last of them would have died by itself; 0 where nothing is alive."""

    def add(self, birth: Birth, suspended: bool) -> None:
        """One token more."""
        self.tokens += 1
        self.suspended += suspended
        self.chains.add(birth.chain)
        self.clients[birth.client] += 1
        self.audiences.update(birth.audiences)
        self.subjects[birth.subject] += 1
        self.last_expiry = max(self.last_expiry, birth.exp)


def blast_radius(
    log: RadiusLog, authority: FoldedAuthority, target: Target, now: int, told: Told
) -> BlastRadius:
    """What would die if the plug were pulled; `now` in milliseconds. Nothing is appended.

    Looks at every birth that can be alive: those of the longest lifetime that any policy allowed, or those since the
    one token's own birth. Raises what the store raises, and what the codec raises on a damaged log.
    """
    end = Position(log.last_position())
    radius = BlastRadius(position=end)
    command = PullThePlug(target=target, by=_NOBODY, origin=_NOWHERE, event_id="")
    event = pull_the_plug(authority, command, now)
    if event is None:
        return radius
    killed = Revocations()
    killed.apply(event, Position(end + 1), authority.longest_lifetime)
    for birth in _births(log, _oldest(log, authority, target, now), end, told):
        if birth.exp > now // 1000 and killed.reason(birth) and not authority.revoked(birth):
            radius.add(birth, suspended=authority.suspended(birth) is not None)
    return radius


def _oldest(log: RadiusLog, authority: FoldedAuthority, target: Target, now: int) -> Position:
    """The position after which all are born that it can kill: nothing stands on a token before that is there."""
    match target:
        case OneToken(birth=birth) | WholeChain(root=birth):
            return Position(birth.position - 1)
        case _:
            return last_before(log, now - (authority.longest_lifetime + CLOCK_MARGIN) * 1000)


def _births(log: RadiusLog, after: Position, end: Position, told: Told) -> Iterator[Birth]:
    while after < end:
        page = list(log.read(after=after, limit=PAGE))
        for stored in page:
            if stored.position <= end and stored.event.type in BIRTH_TYPES:
                birth = birth_of(decode(stored), Position(stored.position))
                if birth is not None:
                    yield birth
        after = Position(page[-1].position) if page else end
        told("looking for what is alive", min(after, end), end)
