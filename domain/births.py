"""From a birth event and its position to the birth record."""

from __future__ import annotations

from domain.events import Event, TokenBirth, TokenExchanged
from domain.identifiers import Position
from domain.lineage import Birth, LineageEntry, birth, lineage_entry


def birth_of(event: Event, position: Position) -> Birth | None:
    """The birth record that the event at this position is, or `None` if it is no birth."""
    if not isinstance(event, TokenBirth):
        return None
    return birth(
        jti=event.jti,
        chain=event.chain,
        client=event.client,
        subject=event.subject,
        kid=event.kid,
        audiences=event.audiences,
        scope=event.scope,
        iat=event.iat,
        exp=event.exp,
        act=event.act,
        path=_path(event, position),
        actor_lineage=event.actor_lineage,
        signing_input_sha256=event.signing_input_sha256,
        position=position,
    )


def _path(event: TokenBirth, position: Position) -> tuple[LineageEntry, ...]:
    own = lineage_entry(
        jti=event.jti,
        client=event.client,
        subject=event.subject,
        kid=event.kid,
        audiences=event.audiences,
        exp=event.exp,
        position=position,
    )
    return (*event.lineage, own) if isinstance(event, TokenExchanged) else (own,)
