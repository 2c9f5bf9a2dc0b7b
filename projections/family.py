"""The family of a token, a chain or a subject: each hop with what was asked, granted and dropped, who was refused what
on the way, and the state of each token at a moment and now.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from eventsourcing.dcb.api import DCBQuery, DCBQueryItem

from domain.births import birth_of
from domain.events import Denied, TokenBirth
from domain.identifiers import Jti
from domain.lineage import Birth
from domain.tags import tag
from projections.as_of import PastSource
from projections.audit_search import RecordedEvent
from projections.births import BIRTH_TYPES
from projections.lineage import REFUSAL_TYPES
from projections.named_moments import Moment
from projections.past import authority_at, deaths_of
from projections.slices import Sliced, slices
from projections.token_states import TokenState, state_of

MOST_TOKENS: Final = 1000
"""Of a family; and as many refusals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyName:
    """Whose family: a chain's, by its root, or a subject's, with all its chains."""

    kind: Literal["chain", "subject"]
    name: str
    token: Jti | None = None
    """The token that was named, if one was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One token."""

    birth: Birth
    event: TokenBirth
    then: TokenState
    """At the moment that was asked for."""
    now: TokenState
    refusals: tuple[RecordedEvent, ...]
    """What was refused to whoever presented this token."""

    @property
    def parent(self) -> Jti | None:
        """The token it was made from; `None` for a first token."""
        return self.birth.lineage[-1].jti if self.birth.lineage else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """All hops up to a moment."""

    name: FamilyName
    then: Moment
    now: Moment
    hops: tuple[Hop, ...]
    """In the order of the log, so a parent stands before its children."""
    other_refusals: tuple[RecordedEvent, ...]
    """What was refused where none of these tokens was presented."""
    is_cut: bool
    """Whether there were more tokens or refusals than are told."""

    def by_parent(self) -> dict[Jti | None, list[Hop]]:
        """Each token that has children, with them. The parent of another subject's chain counts as none."""
        known = {hop.birth.jti for hop in self.hops}
        children: dict[Jti | None, list[Hop]] = {}
        for hop in self.hops:
            children.setdefault(hop.parent if hop.parent in known else None, []).append(hop)
        return children


def family_of(
    source: PastSource, name: FamilyName, then: Moment, now: Moment, most: int = MOST_TOKENS
) -> Sliced[Family]:
    """The family up to `then`, with its states then and at `now`; empty where the log knew none.

    Raises what the store raises, and what the codec raises on a damaged log.
    """
    born, cut = yield from _tagged(source, name, BIRTH_TYPES, then, most)
    refused, more_refused = yield from _tagged(source, name, REFUSAL_TYPES, then, most)
    births = [(b, r.event) for r in born if (b := birth_of(r.event, r.position)) is not None]
    tokens = [birth for birth, _ in births]
    before = yield from _states(source, tokens, then)
    after = before if then == now else (yield from _states(source, tokens, now))
    presented, others = _by_token(refused, {birth.jti for birth in tokens})
    return Family(
        name=name,
        then=then,
        now=now,
        hops=tuple(
            Hop(
                birth=birth,
                event=event,
                then=before[birth.jti],
                now=after[birth.jti],
                refusals=tuple(presented.get(birth.jti, ())),
            )
            for birth, event in births
            if isinstance(event, TokenBirth)
        ),
        other_refusals=tuple(others),
        is_cut=cut or more_refused,
    )


def _tagged(
    source: PastSource, name: FamilyName, types: list[str], then: Moment, most: int
) -> Sliced[tuple[list[RecordedEvent], bool]]:
    query = DCBQuery(items=[DCBQueryItem(types=types, tags=[tag(name.kind, name.name)])])
    found: list[RecordedEvent] = []
    for part in slices(source.read(query), then.position):
        found += part
        if len(found) > most:
            return found[:most], True
        yield
    return found, False


def _states(source: PastSource, tokens: list[Birth], moment: Moment) -> Sliced[dict[Jti, TokenState]]:
    now = moment.now // 1000
    authority = yield from authority_at(source, moment.position, now)
    deaths = yield from deaths_of(source, tokens, moment.position)
    return {birth.jti: state_of(birth, authority, deaths, now) for birth in tokens}


def _by_token(
    refusals: Iterable[RecordedEvent], known: set[Jti]
) -> tuple[dict[Jti, list[RecordedEvent]], list[RecordedEvent]]:
    """Each refusal stands at the first token of the family that was presented."""
    of_token: dict[Jti, list[RecordedEvent]] = {}
    others: list[RecordedEvent] = []
    for refusal in refusals:
        presented = refusal.event.presented if isinstance(refusal.event, Denied) else ()
        shown = next((token.jti for token in presented if token.jti in known), None)
        if shown is None:
            others.append(refusal)
        else:
            of_token.setdefault(shown, []).append(refusal)
    return of_token, others
