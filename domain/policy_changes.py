"""How one changed field is said in words: the pieces that every sentence of a policy difference is made of.

Every sentence starts with `widens:`, `narrows:` or `changes:`, seen from who may get a token.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from domain.policy_values import spoken_duration

Wording = Callable[[str, Any, Any], Iterable[str]]
"""From who it is about, and a field's value before and after, to sentences."""
Wordings = Mapping[str, Wording]
"""Field name → its wording; a field without one is a bug that a test finds."""


def compare(who: str, before: Any, after: Any, wordings: Wordings) -> Iterator[str]:
    """A sentence, at least, for every field that differs between two dataclasses of the same kind."""
    for field in fields(after):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if old != new:
            said = tuple(wordings[field.name](who, old, new))
            yield from said or (f"changes: {who}: {field.name} is written another way, to the same effect",)


def members(gains: str, loses: str) -> Wording:
    """For a collection; `gains` and `loses` are sentences with {who} and {what}."""

    def say(who: str, before: Collection[object], after: Collection[object]) -> Iterator[str]:
        gained, lost = gained_and_lost(before, after)
        if gained:
            yield gains.format(who=who, what=gained)
        if lost:
            yield loses.format(who=who, what=lost)

    return say


def gained_and_lost(before: Collection[object], after: Collection[object]) -> tuple[str, str]:
    """What is only in the one, and what only in the other; empty where there is nothing."""
    gained = ", ".join(str(item) for item in after if item not in before)
    return gained, ", ".join(str(item) for item in before if item not in after)


def scopes_by_target(
    before: Mapping[str, Collection[object]],
    after: Mapping[str, Collection[object]],
    gains: str,
    loses: str,
) -> Iterator[str]:
    """For scopes under what they are for, one sentence each; `gains` and `loses` are how the sentences begin."""
    for target in [*before, *(target for target in after if target not in before)]:
        gained, lost = gained_and_lost(before.get(target, ()), after.get(target, ()))
        if gained:
            yield f"widens: {gains} {target} with {gained}"
        if lost:
            yield f"narrows: {loses} {target} with {lost}"


def limit(subject: str, spoken: Callable[[int], str] = str) -> Wording:
    """For an upper bound, where `None` is none of its own; the subject of the sentence may have {who}."""

    def say(who: str, before: int | None, after: int | None) -> Iterator[str]:
        bound = subject.format(who=who)
        if before is None:
            yield f"narrows: {bound} is now {spoken(after or 0)} at most"
        elif after is None:
            yield f"widens: {bound} has no limit of its own any longer; it was {spoken(before)}"
        elif after > before:
            yield f"widens: {bound} rises from {spoken(before)} to {spoken(after)}"
        else:
            yield f"narrows: {bound} falls from {spoken(before)} to {spoken(after)}"

    return say


def switch(states: Mapping[object, str]) -> Wording:
    """For a field with few values; each has the sentence that says it, with {who}."""

    def say(who: str, _: object, after: object) -> Iterator[str]:
        yield states[after].format(who=who)

    return say


def value(sentence: str, unset: str = "nothing") -> Wording:
    """For whatever else; the sentence has {who}, {before} and {after}."""

    def say(who: str, before: object, after: object) -> Iterator[str]:
        old, new = (unset if item is None else item for item in (before, after))
        yield f"changes: {sentence.format(who=who, before=old, after=new)}"

    return say


def keys(holder: str) -> Wording:
    """For public keys, by `kid`."""

    def say(
        who: str, before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]
    ) -> Iterator[str]:
        old, new = ({str(key.get("kid")): key for key in keys} for keys in (before, after))
        for kid in [*old, *(kid for kid in new if kid not in old)]:
            if kid not in old:
                yield f"widens: {who} {holder} the key {kid} now"
            elif kid not in new:
                yield f"narrows: {who} {holder} the key {kid} no longer"
            elif old[kid] != new[kid]:
                yield f"changes: {who} {holder} another key under the name {kid}"

    return say


def entries(
    table: str,
    kind: str,
    before: Mapping[Any, Any],
    after: Mapping[Any, Any],
    wordings: Wordings,
    introduce: Callable[[Any], str],
    bare: Callable[[Any], Any],
) -> Iterator[str]:
    """For a table of named things. `introduce` describes a new one, `bare` is it without all that it gives or gets."""
    for name in [*before, *(name for name in after if name not in before)]:
        who = f"{kind} {name}"
        if name not in before:
            yield f"widens: {table}.{name} is added: {introduce(after[name])}"
            yield from compare(who, bare(after[name]), after[name], wordings)
        elif name not in after:
            yield f"narrows: {table}.{name} is removed"
            yield from compare(who, before[name], bare(before[name]), wordings)
        elif before[name] != after[name]:
            yield from compare(who, before[name], after[name], wordings)


def described(*parts: str | None) -> str:
    """`a, b, c` of those parts that there are."""
    return ", ".join(part for part in parts if part)


def own_limits(lifetime: int | None, depth: int | None = None) -> str:
    """`lifetime 2m at most, depth 2 at most`, as far as there are any."""
    return described(
        None if lifetime is None else f"lifetime {spoken_duration(lifetime)} at most",
        None if depth is None else f"depth {depth} at most",
    )


MODE: Wording = switch(
    {
        "audit": "widens: {who} only records what it would deny, from now on (audit mode)",
        "enforce": "narrows: {who} denies what it only recorded until now (audit mode ends)",
    }
)
DEPTH: Wording = limit("the depth of {who}")
LIFETIME: Wording = limit("the lifetime of {who}", spoken_duration)
DISABLED: Wording = switch(
    {True: "narrows: {who} is disabled, on every path", False: "widens: {who} is enabled again"}
)
