"""Hypothesis strategies for events of every type, made from their fields: a new field needs no change here."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final, NewType, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from domain.events import Event
from eventstore.codec import EVENT_TYPES

WORDS: Final = st.text(max_size=5)
NUMBERS: Final = st.integers(-(2**53), 2**53)
JSON: Final = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=3,
)
PLAIN: Final[dict[Any, st.SearchStrategy[Any]]] = {
    Any: JSON,
    str: WORDS,
    int: NUMBERS,
    bool: st.booleans(),
    type(None): st.none(),
}


def any_event() -> st.SearchStrategy[Event]:
    """An event of any type."""
    return st.sampled_from(sorted(EVENT_TYPES)).flatmap(lambda name: of_type(EVENT_TYPES[name]))


def of_type(hint: Any) -> st.SearchStrategy[Any]:
    """A strategy for the type of an event's field."""
    if isinstance(hint, NewType):
        return of_type(hint.__supertype__)
    arguments = get_args(hint)
    match getattr(get_origin(hint), "__name__", None):
        case "Literal":
            return st.sampled_from(arguments)
        case "tuple":
            return st.lists(of_type(arguments[0]), max_size=2).map(tuple)
        case "Mapping":
            return st.dictionaries(of_type(arguments[0]), of_type(arguments[1]), max_size=2)
        case "UnionType" | "Union":
            return st.one_of(*map(of_type, arguments))
        case _:
            return of_plain_type(hint)


def of_plain_type(hint: Any) -> st.SearchStrategy[Any]:
    """A strategy for a type without arguments."""
    if is_dataclass(hint) and isinstance(hint, type):
        hints = get_type_hints(hint)
        return st.builds(hint, **{field.name: of_type(hints[field.name]) for field in fields(hint)})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    return PLAIN[hint]
