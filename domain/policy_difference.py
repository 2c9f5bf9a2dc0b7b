"""The difference between two policies, in words: what widens, what narrows, what merely changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

from domain.policy import Client, ExchangeRule, FirstTokenGrant, Policy, Resource, TrustedIssuer

_WIDENING: Final = frozenset(
    {"scopes", "accepts", "grants", "by_name", "presented_by", "algorithms", "assertion_audiences", "sources"}
)
"""Collections in which more is wider."""
_LIMITS: Final = frozenset({"depth", "lifetime", "max_age", "denials_per_minute"})
_LOOSE: Final[dict[str, object]] = {"mode": "audit", "circular": True}
_STRICT: Final = frozenset({"disabled", "single_use", "pseudonymous"})


def difference(old: Policy | None, new: Policy) -> tuple[str, ...]:
    """Sentences, one a change; each starts with `widens:`, `narrows:`, `changes:` or `warning:`."""
    if old is None:
        return (f"widens: the first policy, of the issuer {new.issuer}", *_parts(new), *warnings(new))
    return (*_compare("policy", old, new), *(w for w in warnings(new) if w not in warnings(old)))


def _parts(policy: Policy) -> Iterator[str]:
    for kind in ("resources", "clients", "trusted_issuers"):
        for name in getattr(policy, kind):
            yield f"widens: {kind}.{name} is added"


def warnings(policy: Policy) -> tuple[str, ...]:
    """What a policy may say and a careful reader asks about."""
    found = []
    for client in policy.clients.values():
        if client.assertion_audiences:
            audiences = ", ".join(client.assertion_audiences)
            found.append(
                f"warning: clients.{client.name} may address assertions to {audiences}, an older habit"
            )
        if client.mode == "audit" or any(rule.mode == "audit" for rule in client.exchange):
            found.append(f"warning: clients.{client.name} is in audit mode: it records what it would deny")
    audited = [resource.name for resource in policy.resources.values() if resource.mode == "audit"]
    found += [
        f"warning: resources.{name} is in audit mode: it records what it would deny" for name in audited
    ]
    bare = [i.name for i in policy.trusted_issuers.values() if (i.jwks_uri or "").startswith("http:")]
    found += [f"warning: trusted_issuers.{name} is asked for keys without TLS" for name in bare]
    return tuple(found)


def _compare(place: str, old: Any, new: Any) -> Iterator[str]:
    """Every field of every part, so that no change is ever silent."""
    for field in fields(new):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if before != after:
            yield from _changed(f"{place}.{field.name}".removeprefix("policy."), field.name, before, after)


def _changed(place: str, name: str, before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _mappings(place, name, before, after)
    elif is_dataclass(after) and is_dataclass(before):
        yield from _compare(place, before, after)
    elif name in ("exchange", "first_tokens") or (name == "grants" and _of_tables(before, after)):
        yield from _mappings(place, name, _by_target(before), _by_target(after))
    elif isinstance(after, tuple):
        yield from _collections(place, name, before, after)
    else:
        yield f"{_direction(name, before, after)}: {place} {_words(before, after)}"


def _of_tables(before: Any, after: Any) -> bool:
    return any(isinstance(item, FirstTokenGrant) for item in (*before, *after))


def _by_target(
    entries: tuple[ExchangeRule | FirstTokenGrant, ...],
) -> dict[str, ExchangeRule | FirstTokenGrant]:
    return {_called(entry): entry for entry in entries}


def _called(entry: ExchangeRule | FirstTokenGrant) -> str:
    if isinstance(entry, ExchangeRule):
        return f"from {' or '.join(entry.sources)} to {entry.to}"
    return f"{entry.client} to {entry.to}"


def _mappings(place: str, name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for key in before.keys() | after.keys():
        where = f"{place}[{key}]" if " " in key else f"{place}.{key}"
        if key not in before:
            verb = "narrows" if name == "required_claims" else "widens"
            yield f"{verb}: {where} is added{_gives(after[key])}"
        elif key not in after:
            verb = "widens" if name == "required_claims" else "narrows"
            yield f"{verb}: {where} is removed{_gives(before[key])}"
        elif before[key] != after[key]:
            inner = "by_name" if name == "by_mapping" else name
            yield from _changed(where, inner, before[key], after[key])


def _gives(entry: object) -> str:
    match entry:
        case FirstTokenGrant():
            return f" ({', '.join(entry.scopes)})"
        case ExchangeRule():
            scopes = [*entry.by_name, *(f"{s} as {', '.join(t)}" for s, t in entry.by_mapping.items())]
            return f" ({'; '.join(scopes)})"
        case Resource() | Client() | TrustedIssuer():
            return ""
        case tuple():
            return f" ({', '.join(map(str, entry))})"
        case _:
            return ""


def _collections(place: str, name: str, before: tuple[Any, ...], after: tuple[Any, ...]) -> Iterator[str]:
    gained = [str(item) for item in after if item not in before]
    lost = [str(item) for item in before if item not in after]
    wider = name in _WIDENING or name == "jwks"
    if name == "jwks":
        gained, lost = ([f"{len(items)} key(s)"] if items else [] for items in (gained, lost))
    if gained:
        yield f"{'widens' if wider else 'changes'}: {place} gains {', '.join(gained)}"
    if lost:
        yield f"{'narrows' if wider else 'changes'}: {place} loses {', '.join(lost)}"
    if not gained and not lost:
        yield f"changes: {place} has another order"


def _direction(name: str, before: Any, after: Any) -> str:
    if name in _LIMITS:
        wider = after is None or (before is not None and after > before)
        return "widens" if wider else "narrows"
    if name in _LOOSE:
        return "widens" if after == _LOOSE[name] else "narrows"
    if name in _STRICT:
        return "narrows" if after else "widens"
    return "changes"


def _words(before: Any, after: Any) -> str:
    if before is None:
        return f"is now {after}"
    if after is None:
        return f"is no longer set; it was {before}"
    if isinstance(after, int) and not isinstance(after, bool):
        return f"{'rises' if after > before else 'falls'} from {before} to {after}"
    return f"is now {after}; it was {before}"
