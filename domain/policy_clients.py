"""`[clients.NAME]` of a policy file, with its `[[exchange]]` rules and its `[[tokens]]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from domain import policy_sections
from domain.identifiers import ClientId, ResourceName, Scope
from domain.policy import (
    AuthenticationMethod,
    Client,
    ExchangeRule,
    FirstTokenGrant,
    GrantType,
    Mode,
    Semantics,
)
from domain.policy_jwks import read_jwks
from domain.policy_resources import refuse_bad_name
from domain.policy_table import Table
from domain.policy_uris import assertion_audience
from domain.policy_values import depth, duration, flag, kind, one_of, rate, scope, text

TOKEN_ENDPOINT = "/oauth/token"


def read_client(name: ClientId, table: Table, serves: tuple[ResourceName, ...], issuer: str) -> Client:
    """The client; its rules start at the resources that it serves, unless they say otherwise."""
    refuse_bad_name(name, table)
    mode: Mode = table.optional("mode", one_of(*get_args(Mode)), "enforce")
    return Client(
        name=name,
        authentication=table.required(
            "authentication", one_of(*get_args(AuthenticationMethod)), "client_secret_basic"
        ),
        grants=table.choices("grants", *get_args(GrantType), required=True),
        exchange=tuple(
            _rule(rule, serves, mode) for rule in table.tables("exchange", policy_sections.EXCHANGE)
        ),
        first_tokens=tuple(_tokens(entry, name) for entry in table.tables("tokens", policy_sections.TOKENS)),
        jwks=read_jwks(table),
        assertion_audiences=_assertion_audiences(table, issuer),
        depth=table.optional("depth", depth, None),
        lifetime=table.optional("lifetime", duration, None),
        requests_per_second=table.optional("requests_per_second", rate, None),
        mode=mode,
        disabled=table.optional("disabled", flag, False),
    )


def _assertion_audiences(table: Table, issuer: str) -> tuple[str, ...]:
    """What is accepted besides the issuer, which always is; `endpoint` stays a word: it is whichever one is called."""
    meant = {"token_endpoint": issuer + TOKEN_ENDPOINT, "issuer": issuer}
    listed = table.items("assertion_audiences", assertion_audience, "", filled=True)
    audiences = dict.fromkeys(meant.get(audience, audience) for audience in listed)
    return tuple(audience for audience in audiences if audience != issuer)


def _rule(table: Table, serves: tuple[ResourceName, ...], mode: Mode) -> ExchangeRule:
    by_name, by_mapping = _rule_scopes(table)
    return ExchangeRule(
        to=ResourceName(table.required("to", text, "")),
        sources=tuple(map(ResourceName, table.items("from", text, "", filled=True))) or serves,
        by_name=by_name,
        by_mapping=by_mapping,
        semantics=table.optional("semantics", one_of(*get_args(Semantics)), "impersonation"),
        mode=table.optional("mode", one_of(*get_args(Mode)), mode),
        circular=table.optional("circular", flag, False),
        lifetime=table.optional("lifetime", duration, None),
    )


def _rule_scopes(table: Table) -> tuple[tuple[Scope, ...], dict[Scope, tuple[Scope, ...]]]:
    """An array keeps names; a table maps a scope of the subject token to scopes of the target."""
    value = table.raw("scopes")
    if not isinstance(value, Mapping):
        if "scopes" in table and not isinstance(value, list):
            table.problem(
                ("scopes",),
                f"must be an array or a table, not {kind(value)}",
                'Write ["profile.read"] to keep names, or { "trip.plan" = ["profile.read"] } to map them.',
            )
            return (), {}
        return table.items("scopes", scope, Scope(""), required=True, filled=True), {}
    if not value:
        table.problem(("scopes",), "is empty", "Map at least one scope.")
    mapping = table.table("scopes")
    return (), {Scope(source): mapping.items(source, scope, Scope(""), filled=True) for source in mapping}


def _tokens(table: Table, client: ClientId) -> FirstTokenGrant:
    return FirstTokenGrant(
        to=ResourceName(table.required("to", text, "")),
        scopes=table.items("scopes", scope, Scope(""), required=True, filled=True),
        client=client,
    )
