"""Hypothesis strategies for policies of every shape, also of those that no file compiles to."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from domain import policy
from domain.policy import Client, ExchangeRule, FirstTokenGrant, Limits, Policy, Resource, TrustedIssuer

WORDS: Final = st.sampled_from(["a", "b", "{c}"])
"""Few, so that the same one comes back; braces, because sentences are made from templates."""
URIS: Final = st.none() | st.sampled_from(["https://a.example/jwks", "http://127.0.0.1/jwks"])
NUMBERS: Final = st.sampled_from([0, 1, 90, 3600])


def of_type(hint: Any) -> st.SearchStrategy[Any]:
    """A strategy for the type of a policy's field."""
    arguments = get_args(hint)
    match getattr(get_origin(hint), "__name__", None):
        case "Literal":
            return st.sampled_from(arguments)
        case "tuple":
            return st.lists(of_type(arguments[0]), max_size=3).map(tuple)
        case "Mapping" if arguments[1] is Any:
            return st.fixed_dictionaries({"kid": WORDS, "x": WORDS})
        case "Mapping":
            return st.dictionaries(WORDS, of_type(arguments[1]), max_size=2)
        case "UnionType" | "Union":
            return st.one_of(*(of_type(argument) for argument in arguments))
        case _:
            return of_plain_type(hint)


def of_plain_type(hint: Any) -> st.SearchStrategy[Any]:
    """A strategy for a type without arguments."""
    if hint in (Client, ExchangeRule, FirstTokenGrant, Limits, Policy, Resource, TrustedIssuer):
        return instances(hint)
    if hint is type(None):
        return st.none()
    if hint is bool:
        return st.booleans()
    return NUMBERS if hint is int else WORDS


def instances(kind: Any) -> st.SearchStrategy[Any]:
    """A strategy for a dataclass of the policy, made from its fields: a new field is drawn without a change here."""
    hints = get_type_hints(kind, vars(policy))
    drawn = {field.name: of_type(hints[field.name]) for field in fields(kind)}
    return st.builds(kind, **drawn | ({"jwks_uri": URIS} if "jwks_uri" in drawn else {}))
