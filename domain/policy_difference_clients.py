"""What changes for clients, their exchange rules and the tokens of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from domain.identifiers import Scope
from domain.policy import Client, ExchangeRule, FirstTokenGrant
from domain.policy_changes import (
    DEPTH,
    DISABLED,
    LIFETIME,
    MODE,
    Wordings,
    compare,
    described,
    entries,
    gained_and_lost,
    keys,
    limit,
    members,
    own_limits,
    scopes_by_target,
    switch,
    value,
)
from domain.policy_values import spoken_duration, spoken_rate

_Way = tuple[str, str]
"""From a resource to a resource."""


def client_changes(_: str, before: Mapping[str, Client], after: Mapping[str, Client]) -> Iterator[str]:
    """Sentences about clients that came, went or changed."""
    return entries("clients", "client", before, after, CLIENT_WORDINGS, _introduced, _bare)


def _bare(client: Client) -> Client:
    return replace(client, grants=(), exchange=(), first_tokens=())


def _introduced(client: Client) -> str:
    return described(
        client.authentication,
        f"keys {', '.join(str(key.get('kid')) for key in client.jwks)}" if client.jwks else None,
        own_limits(client.lifetime, client.depth),
        None if client.requests_per_second is None else f"{spoken_rate(client.requests_per_second)} at most",
        "in audit mode" if client.mode == "audit" else None,
        "disabled" if client.disabled else None,
    )


def _rule_changes(who: str, before: Iterable[ExchangeRule], after: Iterable[ExchangeRule]) -> Iterator[str]:
    old, new = _ways(before), _ways(after)
    for way in [*old, *(way for way in new if way not in old)]:
        source, to = way
        exchange = f"exchange tokens for {source} into {to}"
        if way not in old:
            yield f"widens: {who} may now {exchange} with {_rule_in_words(new[way])}"
        elif way not in new:
            yield f"narrows: {who} may no longer {exchange}"
        else:
            yield from _rule_scopes(who, exchange, old[way], new[way])
            beside = replace(old[way], to=new[way].to, sources=new[way].sources)
            about = f"{who}, exchanging tokens for {source} into {to}"
            yield from compare(about, _without_scopes(beside), _without_scopes(new[way]), RULE_WORDINGS)


def _ways(rules: Iterable[ExchangeRule]) -> dict[_Way, ExchangeRule]:
    """The rule that decides each way; the first one, where two could."""
    ways: dict[_Way, ExchangeRule] = {}
    for rule in rules:
        for source in rule.sources:
            ways.setdefault((source, rule.to), rule)
    return ways


def _without_scopes(rule: ExchangeRule) -> ExchangeRule:
    return replace(rule, by_name=(), by_mapping={})


def _rule_scopes(who: str, exchange: str, before: ExchangeRule, after: ExchangeRule) -> Iterator[str]:
    gained, lost = gained_and_lost(_scopes(before), _scopes(after))
    if gained:
        yield f"widens: {who} may now {exchange} with {gained}"
    if lost:
        yield f"narrows: {who} may no longer {exchange} with {lost}"


def _scopes(rule: ExchangeRule) -> list[str]:
    """`read` by name, `read for plan` by mapping."""
    mapped = [f"{scope} for {carried}" for carried, scopes in rule.by_mapping.items() for scope in scopes]
    return [*rule.by_name, *mapped]


def _rule_in_words(rule: ExchangeRule) -> str:
    mapped = [f"{', '.join(scopes)} for {carried}" for carried, scopes in rule.by_mapping.items()]
    return described(
        *rule.by_name,
        "; ".join(mapped),
        "as delegation" if rule.semantics == "delegation" else None,
        own_limits(rule.lifetime),
        "also in a circle" if rule.circular else None,
        "in audit mode" if rule.mode == "audit" else None,
    )


def _token_changes(
    who: str, before: Iterable[FirstTokenGrant], after: Iterable[FirstTokenGrant]
) -> Iterator[str]:
    return scopes_by_target(
        _given(before),
        _given(after),
        f"{who} may now get tokens of its own for",
        f"{who} may no longer get tokens of its own for",
    )


def _given(grants: Iterable[FirstTokenGrant]) -> dict[str, list[Scope]]:
    given: dict[str, list[Scope]] = {}
    for grant in grants:
        given.setdefault(grant.to, []).extend(grant.scopes)
    return given


RULE_WORDINGS: Final[Wordings] = {
    "semantics": switch(
        {
            "delegation": "changes: {who}, now delegates: the new token names who acts",
            "impersonation": "changes: {who}, now impersonates: the new token no longer names who acts",
        }
    ),
    "mode": MODE,
    "circular": switch(
        {
            True: "widens: {who}, may now go in a circle",
            False: "narrows: {who}, may no longer go in a circle",
        }
    ),
    "lifetime": limit("{who}: lifetime", spoken_duration),
}
"""Where a rule leads, and with which scopes, is said before."""
CLIENT_WORDINGS: Final[Wordings] = {
    "name": value("{who} is now called {after}; it was {before}"),
    "authentication": value("{who} now authenticates with {after}; it was {before}"),
    "grants": members("widens: {who} may now use {what}", "narrows: {who} may no longer use {what}"),
    "exchange": _rule_changes,
    "first_tokens": _token_changes,
    "jwks": keys("authenticates with"),
    "assertion_audiences": members(
        "widens: {who} may now address its assertions to {what}",
        "narrows: {who} may no longer address its assertions to {what}",
    ),
    "depth": DEPTH,
    "lifetime": LIFETIME,
    "requests_per_second": limit("the request rate of {who}", spoken_rate),
    "mode": MODE,
    "disabled": DISABLED,
}
