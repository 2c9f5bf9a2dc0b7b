"""Birth records and lineages: where a token comes from, which is what decides whether it lives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from domain.identifiers import Audience, ClientId, Jti, Kid, Position, Scope, Subject
from domain.values import made_quickly, maker


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class LineageEntry:
    """One token on the way from the root to a parent, with all that can kill what descends from it."""

    jti: Jti
    client: ClientId
    subject: Subject
    kid: Kid
    audiences: tuple[Audience, ...]
    exp: int
    """NumericDate, RFC 7519 §2: whole seconds since the epoch."""
    position: Position


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class Birth:
    """What the log says of one token of ours; `position` is the place of its birth event."""

    jti: Jti
    chain: Jti
    client: ClientId
    subject: Subject
    kid: Kid
    audiences: tuple[Audience, ...]
    scope: tuple[Scope, ...]
    iat: int
    exp: int
    act: Mapping[str, Any] | None
    path: tuple[LineageEntry, ...]
    """Root first, the token itself last: what a child of this token records as its lineage."""
    actor_lineage: tuple[LineageEntry, ...]
    """All that the actor tokens on the way stand on, themselves included: the second ancestry, checked alike."""
    signing_input_sha256: str
    position: Position

    @property
    def lineage(self) -> tuple[LineageEntry, ...]:
        """Root first, up to the parent; empty for a first token."""
        return self.path[:-1]

    @property
    def depth(self) -> int:
        """0 for a first token; a child's is its parent's plus 1."""
        return len(self.path) - 1

    def ancestry_of_actors(self, actor: Birth | None) -> tuple[LineageEntry, ...]:
        """The second ancestry of a child made with that actor token: what kills either parent kills the child."""
        if actor is None:
            return self.actor_lineage
        entries = (*self.actor_lineage, *actor.all_it_stands_on())
        return tuple({entry.jti: entry for entry in entries}.values())

    def all_it_stands_on(self) -> Iterator[LineageEntry]:
        """Every token whose death is this token's death, itself last."""
        return chain(self.actor_lineage, self.path)


lineage_entry: Final = maker(LineageEntry)
birth: Final = maker(Birth)
