"""Scopes (RFC 6749 §3.3): reading them, and the meet that can only narrow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast

from domain.identifiers import Scope
from domain.policy import ExchangeRule, Resource
from domain.refusals import Reason, Refusal
from domain.values import made_quickly

MOST_SCOPES: Final = 64
"""More scopes in one request are refused: what is asked for is recorded, and the log must not be filled."""

Limit = Literal["subject_token", "actor_token", "target"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedScope:
    """A scope that the rule could give and that the meet took away, with the first limit that did."""

    scope: Scope
    by: Limit


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class Meet:
    """What may be granted at most, in the target's order, and what fell out on the way."""

    granted: tuple[Scope, ...]
    dropped: tuple[DroppedScope, ...]


def parse_scope(unverified_scope: str) -> tuple[Scope, ...] | Refusal:
    """Read a `scope` parameter; the same scope twice is one, the order is the caller's."""
    if unverified_scope.count(" ") >= MOST_SCOPES:
        return Refusal(Reason.SCOPE_MALFORMED)
    tokens = unverified_scope.split(" ")
    if not all(tokens) or not _is_of_scope_characters(unverified_scope):
        return Refusal(Reason.SCOPE_MALFORMED)
    return tuple(cast("list[Scope]", dict.fromkeys(tokens)))


def _is_of_scope_characters(text: str) -> bool:
    """NQCHAR of RFC 6749 Appendix A, and the space between."""
    return text.isascii() and text.isprintable() and '"' not in text and "\\" not in text


def in_namespace_of_target(rule: ExchangeRule, carried: Iterable[Scope]) -> frozenset[Scope]:
    """What the carried scopes become at the rule's target: by mapping, or by name where the rule lists it."""
    translated: set[Scope] = set()
    for scope in carried:
        translated.update(rule.by_mapping.get(scope, ()))
        if scope in rule.by_name:
            translated.add(scope)
    return frozenset(translated)


def reachable(rule: ExchangeRule) -> dict[Scope, None]:
    """Everything the rule could ever give, in the order of the rule."""
    return dict.fromkeys([*rule.by_name, *(s for scopes in rule.by_mapping.values() for s in scopes)])


def meet_at(
    target: Resource,
    rule: ExchangeRule,
    subject_carries: Sequence[Scope],
    actor_carries: Iterable[Scope] | None,
) -> Meet:
    """What this client may ask of this target, met with what the subject and the actor token carry.

    `actor_carries` is already in the target's namespace; `None` means that there is no actor token.
    """
    by_subject = in_namespace_of_target(rule, subject_carries)
    by_actor = None if actor_carries is None else frozenset(actor_carries)
    granted: list[Scope] = []
    dropped: list[DroppedScope] = []
    for scope in reachable(rule):
        limit = _limit_on(scope, by_subject, by_actor, target)
        if limit is None:
            granted.append(scope)
        else:
            dropped.append(DroppedScope(scope=scope, by=limit))
    return Meet(granted=tuple(granted), dropped=tuple(dropped))


def _limit_on(
    scope: Scope, by_subject: frozenset[Scope], by_actor: frozenset[Scope] | None, target: Resource
) -> Limit | None:
    if scope not in target.scopes:
        return "target"
    if scope not in by_subject:
        return "subject_token"
    if by_actor is not None and scope not in by_actor:
        return "actor_token"
    return None


def meet_of_targets(meets: Sequence[Meet]) -> Meet:
    """A scope is granted only where every target allows it (RFC 9068 §5: it must mean something for each)."""
    if len(meets) == 1:
        return meets[0]
    everywhere = set(meets[0].granted).intersection(*(meet.granted for meet in meets[1:]))
    granted = tuple(scope for scope in meets[0].granted if scope in everywhere)
    dropped = {entry.scope: entry for meet in meets for entry in meet.dropped}
    for meet in meets:
        for scope in meet.granted:
            if scope not in everywhere:
                dropped.setdefault(scope, DroppedScope(scope=scope, by="target"))
    return Meet(granted=granted, dropped=tuple(dropped.values()))


def grant(meet: Meet, asked: tuple[Scope, ...] | None) -> tuple[Scope, ...] | Refusal:
    """The scopes of the new token.

    Asked for explicitly and not grantable, even in part, is refused; nothing asked for gives the whole
    meet; an empty meet is refused (RFC 6749 §5.2 `invalid_scope`).
    """
    if not meet.granted:
        return Refusal(Reason.SCOPE_NOT_GRANTABLE if asked else Reason.SCOPE_EMPTY)
    if asked is None:
        return meet.granted
    if not set(asked) <= set(meet.granted):
        return Refusal(Reason.SCOPE_NOT_GRANTABLE)
    return asked
