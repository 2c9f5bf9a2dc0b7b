"""The quick constructor makes the very value that the slow one makes."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, field, fields
from typing import Any

import pytest

from domain import lineage, requests
from domain.events import TokenExchanged, TokenIssued
from domain.values import made_quickly, maker


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What is inherited comes along."""

    name: str


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class Quick(Base):
    """A value."""

    place: int = 3
    parts: tuple[str, ...] = ()


def test_it_is_a_frozen_dataclass_as_before() -> None:
    """Defaults, equality, hash and text; and nothing can be changed."""
    value = Quick(name="a", parts=("b",))
    assert (value.name, value.place, value.parts) == ("a", 3, ("b",))
    assert value == Quick(name="a", place=3, parts=("b",))
    assert hash(value) == hash(Quick(name="a", place=3, parts=("b",)))
    assert repr(value) == "Quick(name='a', place=3, parts=('b',))"
    with pytest.raises(FrozenInstanceError):
        value.place = 4  # type: ignore[misc]


@pytest.mark.parametrize("wrong", [{}, {"name": "a", "other": 1}])
def test_it_takes_its_fields_and_nothing_else(wrong: dict[str, object]) -> None:
    """By name, and all that have no default."""
    with pytest.raises(TypeError):
        Quick(**wrong)  # type: ignore[arg-type]


def test_what_needs_the_other_constructor_is_refused() -> None:
    """At the definition, not when the first value lacks something."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class MadeByAFactory:
        parts: dict[str, str] = field(default_factory=dict)

    @dataclass(frozen=True, slots=True, kw_only=True)
    class FinishedLater:
        name: str

        def __post_init__(self) -> None:
            """Something that the quick constructor would leave out."""

    @dataclass(frozen=True, slots=True)
    class ByPlace:
        name: str

    for kind in (MadeByAFactory, FinishedLater, ByPlace):
        with pytest.raises(TypeError):
            made_quickly(kind)
        with pytest.raises(TypeError):
            maker(kind)


def test_a_maker_makes_the_same_value() -> None:
    """Of the class itself, equal and equally frozen; defaults and what is inherited come along."""
    make = maker(Quick)
    value = make(name="a", parts=("b",))
    assert type(value) is Quick
    assert value == Quick(name="a", parts=("b",))
    assert hash(value) == hash(Quick(name="a", parts=("b",)))
    assert repr(value) == "Quick(name='a', place=3, parts=('b',))"
    with pytest.raises(FrozenInstanceError):
        value.place = 4  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del value.place


@pytest.mark.parametrize("wrong", [{}, {"name": "a", "other": 1}])
def test_a_maker_takes_the_fields_and_nothing_else(wrong: dict[str, object]) -> None:
    """As the class does."""
    with pytest.raises(TypeError):
        maker(Quick)(**wrong)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """By words that a maker needs as well."""

    kind: str
    new: str
    draft: str
    value: str


@pytest.mark.parametrize("kind", [TokenExchanged, TokenIssued, lineage.Birth, requests.RequestToken, Named])
def test_what_every_exchange_makes_is_the_same_either_way(kind: type[Any]) -> None:
    """Field for field, none mistaken for another."""
    given = {f.name: f"a value for {f.name}" for f in fields(kind)}
    assert maker(kind)(**given) == kind(**given)
    assert maker(kind)(**dict(reversed(given.items()))) == kind(**given)
