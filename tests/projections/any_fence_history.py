"""Hypothesis strategies for histories of fence events about few names, so that they meet."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, Final

from hypothesis import strategies as st

from domain.events import Event, KeyActivated, KeyCompromised, KeyPublished, KeyRetired, PolicyApplied
from domain.identifiers import Position
from domain.policy_compilation import compile_policy
from eventstore.codec import EVENT_TYPES
from projections.registry import NO_POLICY
from tests.domain.story import world
from tests.eventstore.one_of_each import ONE_OF_EACH

NAMES: Final = ("a", "b", "c")
"""Tokens, chains, subjects, clients, credentials and keys are all called like this."""
NOW: Final = 1_000_000
"""NumericDate around which everything happens."""
FENCE_TYPES: Final = sorted(name for name, kind in EVENT_TYPES.items() if kind.FENCE)
_EXAMPLES: Final = {event.TYPE: event for event in ONE_OF_EACH}
POLICIES: Final = (
    NO_POLICY,
    _EXAMPLES[PolicyApplied.TYPE].policy,  # type: ignore[attr-defined]
    compile_policy(world()),
    compile_policy(world(limits__lifetime=700, clients__agent__disabled=True, resources__hr__disabled=True)),
)
_NAMED: Final = {"jti", "chain", "subject", "client", "credential", "kid"}
_TIMES: Final = {"until", "counts_until", "signs_from"}

History = list[tuple[Position, Event]]


@st.composite
def fence_histories(draw: st.DrawFn, max_size: int = 25) -> History:
    """Events of every fence type, at positions with gaps. Of a key that nobody published nothing is said."""
    history: History = []
    published: set[str] = set()
    position = 0
    for number in range(draw(st.integers(0, max_size))):
        event = draw(fence_events(f"id-{number}", published))
        position += draw(st.integers(1, 3))
        history.append((Position(position), event))
    return history


@st.composite
def fence_events(draw: st.DrawFn, event_id: str, published: set[str]) -> Event:
    """One event; a key that must be there is published instead if it is not."""
    event = _EXAMPLES[draw(st.sampled_from(FENCE_TYPES))]
    changes: dict[str, Any] = {"id": event_id, "at": 1000 * draw(times())}
    for field in fields(event):
        if field.name in _NAMED:
            changes[field.name] = draw(st.sampled_from(NAMES))
        elif field.name in _TIMES:
            changes[field.name] = draw(times())
    if isinstance(event, (KeyActivated, KeyRetired, KeyCompromised)) and changes["kid"] not in published:
        event = _EXAMPLES[KeyPublished.TYPE]
    if isinstance(event, KeyPublished):
        published.add(changes["kid"])
    if isinstance(event, PolicyApplied):
        changes["policy"] = draw(st.sampled_from(POLICIES))
    return replace(event, **changes)


def times() -> st.SearchStrategy[int]:
    """NumericDates, some before and some after whatever is asked about."""
    return st.integers(NOW - 1000, NOW + 1000)
