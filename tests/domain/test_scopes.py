"""Scopes: reading them, and a meet that can only narrow."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identifiers import Audience, ResourceName, Scope
from domain.policy import ExchangeRule, Resource
from domain.refusals import Reason, Refusal
from domain.scopes import (
    MOST_SCOPES,
    DroppedScope,
    Limit,
    Meet,
    grant,
    in_namespace_of_target,
    meet_at,
    meet_of_targets,
    parse_scope,
    reachable,
)

NAMES = ("a", "b", "c", "d")
some = st.lists(st.sampled_from(NAMES), unique=True)


def scopes(words: Iterable[str]) -> tuple[Scope, ...]:
    return tuple(map(Scope, words))


def resource(*declared: str) -> Resource:
    return Resource(name=ResourceName("hr"), audience=Audience("https://hr.example"), scopes=scopes(declared))


def rule(by_name: Iterable[str] = (), **by_mapping: Iterable[str]) -> ExchangeRule:
    """A rule with scopes by name, and `a=["b"]` by mapping."""
    mapping = {Scope(source): scopes(targets) for source, targets in by_mapping.items()}
    return ExchangeRule(to=ResourceName("hr"), sources=(), by_name=scopes(by_name), by_mapping=mapping)


def meet(granted: str, *dropped: tuple[str, Limit]) -> Meet:
    fell = tuple(DroppedScope(scope=Scope(scope), by=by) for scope, by in dropped)
    return Meet(granted=scopes(granted.split()), dropped=fell)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a", ("a",)),
        ("a b", ("a", "b")),
        ("b a b", ("b", "a")),
        ("https://x.example/read:all!#$%", ("https://x.example/read:all!#$%",)),
    ],
)
def test_a_scope_is_read_in_the_callers_order(text: str, read: tuple[str, ...]) -> None:
    """The same scope twice is one."""
    assert parse_scope(text) == read


@pytest.mark.parametrize(
    "text", ["", " ", " a", "a ", "a  b", "a\tb", "a\n", "a\x00", 'a"', "a\\", "é", "a\u00a0b", "a\x7f"]
)
def test_what_is_no_scope_is_malformed(text: str) -> None:
    """RFC 6749 §3.3, to the character; a line break at the end too."""
    assert parse_scope(text) == Refusal(Reason.SCOPE_MALFORMED)


def test_more_scopes_than_anybody_needs_are_malformed() -> None:
    """What is asked for is recorded, so the log must not be filled by asking; repetition counts."""
    assert isinstance(parse_scope(" ".join(f"s{i}" for i in range(MOST_SCOPES))), tuple)
    assert parse_scope(" ".join(f"s{i}" for i in range(MOST_SCOPES + 1))) == Refusal(Reason.SCOPE_MALFORMED)
    assert parse_scope(" ".join(["a"] * (MOST_SCOPES + 1))) == Refusal(Reason.SCOPE_MALFORMED)


def test_scopes_are_translated_by_mapping_or_by_name_and_never_both_by_accident() -> None:
    """A scope that is only mapped does not keep its name; one that the rule does not list becomes nothing."""
    mapped = rule(by_name=["keep"], trip=["read", "write"])
    assert in_namespace_of_target(mapped, scopes(["trip"])) == {"read", "write"}
    assert in_namespace_of_target(mapped, scopes(["keep"])) == {"keep"}
    assert in_namespace_of_target(mapped, scopes(["read", "other", "TRIP", ""])) == frozenset()


def test_what_falls_out_is_said_with_the_first_limit_that_took_it() -> None:
    """The target's own declaration, then the subject token, then the actor token."""
    wide = rule(by_name=["a", "b", "c", "d"])
    found = meet_at(resource("a", "b", "c"), wide, scopes(["a", "b", "d"]), frozenset(scopes(["b", "c"])))
    assert found == meet("b", ("a", "actor_token"), ("c", "subject_token"), ("d", "target"))


def test_without_an_actor_token_none_limits() -> None:
    """And one that carries nothing takes everything."""
    assert meet_at(resource("a"), rule(["a"]), scopes(["a"]), None).granted == ("a",)
    assert meet_at(resource("a"), rule(["a"]), scopes(["a"]), frozenset()) == meet("", ("a", "actor_token"))


@given(some, some, some, some, st.none() | some, st.dictionaries(st.sampled_from(NAMES), some))
def test_the_meet_is_what_all_sides_allow_and_the_rest_is_on_record(
    declared: list[str],
    by_name: list[str],
    subject: list[str],
    extra: list[str],
    actor: list[str] | None,
    mapping: dict[str, list[str]],
) -> None:
    """Exactly that, in the rule's order; more in the subject token never gives less."""
    way = rule(by_name, **mapping)
    carried_by_actor = None if actor is None else frozenset(scopes(actor))
    found = meet_at(resource(*declared), way, scopes(subject), carried_by_actor)
    translated = {t for s in subject for t in mapping.get(s, [])} | (set(subject) & set(by_name))
    allowed = translated & set(declared) & (set(NAMES) if actor is None else set(actor))
    assert set(found.granted) == allowed
    assert sorted([*found.granted, *(entry.scope for entry in found.dropped)]) == sorted(reachable(way))
    assert list(found.granted) == [scope for scope in reachable(way) if scope in allowed]
    more = meet_at(resource(*declared), way, scopes([*subject, *extra]), carried_by_actor)
    assert set(found.granted) <= set(more.granted)


def test_several_targets_give_what_each_of_them_allows() -> None:
    """In the first target's order; what one of them does not allow is dropped once, by the limit that was met."""
    both = meet_of_targets([meet("c a b", ("d", "subject_token")), meet("a d c", ("b", "actor_token"))])
    assert both.granted == ("c", "a")
    assert {entry.scope: entry.by for entry in both.dropped} == {"d": "subject_token", "b": "actor_token"}
    apart = meet_of_targets([meet("a"), meet("b")])
    assert apart.granted == ()
    assert {entry.scope: entry.by for entry in apart.dropped} == {"a": "target", "b": "target"}


def test_one_target_is_its_own_meet() -> None:
    """Nothing changes."""
    only = meet("a b", ("c", "target"))
    assert meet_of_targets([only]) == only


@pytest.mark.parametrize(
    ("allowed", "asked", "answer"),
    [
        ("a b", None, ("a", "b")),
        ("a b", ("b",), ("b",)),
        ("a b", ("b", "a"), ("b", "a")),
        ("a b", ("a", "c"), Refusal(Reason.SCOPE_NOT_GRANTABLE)),
        ("a b", ("A",), Refusal(Reason.SCOPE_NOT_GRANTABLE)),
        ("", ("a",), Refusal(Reason.SCOPE_NOT_GRANTABLE)),
        ("", None, Refusal(Reason.SCOPE_EMPTY)),
    ],
)
def test_what_is_asked_for_is_granted_whole_or_not_at_all(
    allowed: str, asked: tuple[str, ...] | None, answer: object
) -> None:
    """Never a silent narrowing, never a default that widens, never a token without rights."""
    assert grant(meet(allowed), None if asked is None else scopes(asked)) == answer
