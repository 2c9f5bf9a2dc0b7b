"""What was true at a position: tokens and why the dead ones were dead, who could act for whom, policy and keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from eventsourcing.dcb.api import DCBQuery, DCBQueryItem, DCBReadResponse, DCBSequencedEvent

from domain.births import birth_of
from domain.identifiers import Kid, Position, Subject
from domain.keys import Key
from domain.lineage import Birth
from domain.policy import Policy
from domain.tags import tag
from projections.authority import FoldedAuthority
from projections.births import BIRTH_TYPES
from projections.named_moments import MOST_SKEWED, Moment, position_at
from projections.past import authority_at, deaths_of
from projections.policy_edges import Edge, policy_edges
from projections.slices import Sliced, slices
from projections.token_states import TokenState, state_of

About = Literal["chain", "subject", "client", "audience"]
ABOUT: Final[tuple[About, ...]] = ("chain", "subject", "client", "audience")


class PastSource(Protocol):
    """The reading half of a store."""

    def read(
        self, query: DCBQuery | None = None, *, after: int | None = None, limit: int | None = None
    ) -> DCBReadResponse:
        """The events that a query finds, as of the moment of the call."""

    def read_fence(self, after: int, limit: int | None = None) -> Iterator[DCBSequencedEvent]:
        """The fence events after a position, in order."""

    def last_position(self) -> int:
        """The position of the last event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensWanted:
    """Which tokens: those that had not expired; expired ones where asked for, and of a chain all."""

    about: About | None = None
    """`None`: every token."""
    name: str = ""
    expired: bool = False
    after: int = 0
    """Births after this position."""
    limit: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenThen:
    """A token, and its state at that moment."""

    birth: Birth
    state: TokenState


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """What was true at a moment."""

    moment: Moment
    policy: Policy
    policy_position: Position
    policy_sha256: str
    keys: tuple[Key, ...]
    """In the order of their publication."""
    signing_key: Kid | None
    disabled_subjects: tuple[Subject, ...]
    edges: tuple[Edge, ...]
    tokens: tuple[TokenThen, ...]
    """In the order of the log."""
    next_after: Position | None
    """Where the list of tokens goes on, if it does."""


def as_of(source: PastSource, moment: Moment, wanted: TokensWanted) -> Sliced[AsOf]:
    """A fresh fold up to that position. Raises what the store raises, and what the codec raises on a damaged log."""
    now = moment.now // 1000
    authority = yield from authority_at(source, moment.position, now)
    births, next_after = yield from _births(source, authority, moment, wanted)
    deaths = yield from deaths_of(source, births, moment.position)
    registry = authority.registry
    return AsOf(
        moment=moment,
        policy=registry.policy,
        policy_position=registry.policy_position,
        policy_sha256=registry.policy_sha256,
        keys=tuple(registry.keys.values()),
        signing_key=registry.signing_key(),
        disabled_subjects=tuple(sorted(registry.disabled_subjects)),
        edges=tuple(edge for edge in policy_edges(registry) if _concerns(edge, wanted)),
        tokens=tuple(
            TokenThen(birth=birth, state=state_of(birth, authority, deaths, now)) for birth in births
        ),
        next_after=next_after,
    )


def _concerns(edge: Edge, wanted: TokensWanted) -> bool:
    match wanted.about:
        case "client":
            return edge.client == wanted.name
        case "audience":
            return wanted.name in (edge.audience, edge.target)
        case _:
            return True


def _births(
    source: PastSource, authority: FoldedAuthority, moment: Moment, wanted: TokensWanted
) -> Sliced[tuple[list[Birth], Position | None]]:
    """The births that are wanted, at most `limit`; and the last of them, if there are more."""
    lists_expired = wanted.expired or wanted.about == "chain"
    start = Position(0) if lists_expired else _first_that_may_live(source, authority, moment)
    found: list[Birth] = []
    rows = source.read(_query(wanted), after=max(wanted.after, start))
    for part in slices(rows, moment.position):
        for recorded in part:
            birth = birth_of(recorded.event, recorded.position)
            if birth is None or not _is_wanted(birth, authority, wanted):
                continue
            if birth.exp <= moment.now // 1000 and not lists_expired:
                continue
            if len(found) == wanted.limit:
                return found, found[-1].position
            found.append(birth)
        yield
    return found, None


def _first_that_may_live(source: PastSource, authority: FoldedAuthority, moment: Moment) -> Position:
    """No token lives longer than the longest lifetime that any policy allowed; clocks may differ by a little."""
    oldest = moment.now - 1000 * authority.longest_lifetime - 2 * MOST_SKEWED
    return position_at(source, oldest)


def _is_wanted(birth: Birth, authority: FoldedAuthority, wanted: TokensWanted) -> bool:
    if wanted.about != "audience":
        return True
    resource = authority.resource_called(wanted.name)
    return wanted.name in birth.audiences or (resource is not None and resource.audience in birth.audiences)


def _query(wanted: TokensWanted) -> DCBQuery:
    """Nothing in the log is tagged with an audience: those births are found one by one."""
    has_tag = wanted.about is not None and wanted.about != "audience"
    tags = [tag(str(wanted.about), wanted.name)] if has_tag else []
    return DCBQuery(items=[DCBQueryItem(types=BIRTH_TYPES, tags=tags)])
