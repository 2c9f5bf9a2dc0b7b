"""A family of tokens as boxes and lines: what Graphviz and SVG have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from api.cli.event_words import dropped_words, short, words
from api.cli.terminal_text import visible
from domain.requests import AskedFor
from projections.audit_search import RecordedEvent
from projections.family import Family, Hop
from projections.token_states import TokenState

Look = Literal["alive", "expired", "revoked", "suspended", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A token, or a refusal; nothing in its lines is beyond what can be shown."""

    name: str
    """Its position in the log."""
    parent: str | None
    lines: tuple[str, ...]
    look: Look


def boxes(family: Family, *, full: bool = False) -> list[Box]:
    """Parents before their children, each family tree in one piece."""
    children = family.by_parent()
    drawn: list[Box] = []
    waiting: list[tuple[str | None, Hop]] = [(None, hop) for hop in reversed(children.get(None, []))]
    while waiting:
        parent, hop = waiting.pop()
        drawn.append(_token(hop, parent, full))
        name = drawn[-1].name
        drawn += _refusals(hop.refusals, name, full)
        waiting.extend((name, child) for child in reversed(children.get(hop.birth.jti, [])))
    drawn += _refusals(family.other_refusals, None, full)
    return drawn


def hop_lines(hop: Hop, *, full: bool = False) -> Iterator[str]:
    """What a hop says, line by line: who got what, what was asked, what was dropped, and the state."""
    birth, event = hop.birth, hop.event
    yield f"{birth.client} → {' '.join(birth.audiences)}"
    yield f"for {birth.subject}  [{' '.join(birth.scope)}]"
    asked = asked_words(event.asked)
    if asked:
        yield f"asked for {asked}"
    if event.dropped:
        yield f"dropped: {dropped_words(event.dropped)}"
    if event.act is not None:
        yield f"{event.act.get('sub')} acts for {event.subject}"
    if hop.then == hop.now:
        yield _state(hop.now, full)
    else:
        yield f"then {_state(hop.then, full)}"
        yield f"now {_state(hop.now, full)}"


def asked_words(asked: AskedFor) -> str:
    """The request's own words."""
    scope = [] if asked.scope is None else [f"[{' '.join(asked.scope)}]"]
    return " ".join((*asked.audiences, *asked.resources, *scope))


def _state(state: TokenState, full: bool) -> str:
    if state.ended_by is not None:
        ended_by = state.ended_by
        return f"{state.name} at {ended_by.position}: {words(ended_by.event, full=full)}"
    return f"{state.name}: {state.reason}" if state.reason else state.name


def _token(hop: Hop, parent: str | None, full: bool) -> Box:
    lines = (short(hop.birth.jti, full=full), *hop_lines(hop, full=full))
    return Box(
        name=str(hop.birth.position), parent=parent, lines=tuple(map(visible, lines)), look=hop.now.name
    )


def _refusals(refusals: Iterable[RecordedEvent], parent: str | None, full: bool) -> Iterator[Box]:
    for refusal in refusals:
        lines = ("refused", words(refusal.event, full=full))
        yield Box(name=str(refusal.position), parent=parent, lines=tuple(map(visible, lines)), look="refused")
