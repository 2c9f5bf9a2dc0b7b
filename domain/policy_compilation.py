"""From a policy document (what a TOML parser returns) to a compiled policy. Pure; finds all problems at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, get_args
from urllib.parse import urlsplit

from domain.identifiers import Audience, ClientId, IssuerName, ResourceName, Scope
from domain.policy import (
    AuthenticationMethod,
    Client,
    CredentialType,
    ExchangeRule,
    FirstTokenGrant,
    GrantType,
    Limits,
    Mode,
    Policy,
    Resource,
    Semantics,
    SigningAlgorithm,
    TrustedIssuer,
)
from domain.policy_checks import check_policy
from domain.policy_keys import check_keys
from domain.policy_problems import Problems
from domain.policy_table import Table

DEEPEST: Final = 32
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_SCOPE: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,128}")
_SUBJECT: Final = re.compile(r"([^{}\s]*)\{([A-Za-z_][A-Za-z0-9_]{0,63})\}")
_ALGORITHMS: Final = ("ES256", "ES384", "EdDSA", "PS256", "RS256")
_USUAL_ALGORITHMS: Final = ("ES256", "RS256", "PS256", "EdDSA")
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]", "::1")


def compile_policy(document: Mapping[str, object]) -> Policy:
    """The policy that the document says. Raises PolicyInvalid with every problem in it."""
    problems = Problems()
    top = Table(document, (), problems)
    limits = _limits(Table(top.raw("limits") or {}, ("limits",), problems))
    signing = Table(top.raw("signing") or {}, ("signing",), problems)
    resources = {name: _resource(name, table) for name, table in top.named_tables("resources").items()}
    clients = top.named_tables("clients")
    issuer = _issuer(top)
    policy = Policy(
        issuer=issuer,
        limits=limits,
        signing_algorithm=signing.choice("algorithm", SigningAlgorithm, "ES256"),
        resources={ResourceName(name): resource for name, resource in resources.items()},
        clients={ClientId(name): _client(name, table, resources, issuer) for name, table in clients.items()},
        trusted_issuers={
            IssuerName(name): _trusted_issuer(name, table)
            for name, table in top.named_tables("trusted_issuers").items()
        },
    )
    signing.done()
    top.done()
    check_keys(policy, problems)
    check_policy(policy, problems)
    problems.raise_if_any()
    return policy


def is_web_address(uri: str) -> bool:
    """An absolute https URL without query, fragment or trailing slash; http only for loopback hosts."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError:
        return False
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    plain = not parts.query and not parts.fragment and not uri.endswith(("/", "?", "#")) and uri.isascii()
    return secure and plain and bool(host) and not parts.username and uri.isprintable() and " " not in uri


def _issuer(top: Table) -> str:
    issuer = top.text("issuer")
    if issuer and not is_web_address(issuer):
        top.problem(
            "issuer", "must be an https URL without query, fragment or trailing slash (http on loopback only)"
        )
    return issuer


def _limits(table: Table) -> Limits:
    standard = Limits()
    depth, rate = table.number("depth", 0, DEEPEST), table.number("denials_per_minute", 0, 100_000)
    limits = Limits(
        depth=standard.depth if depth is None else depth,
        lifetime=table.duration("lifetime") or standard.lifetime,
        denials_per_minute=standard.denials_per_minute if rate is None else rate,
    )
    table.done()
    return limits


def _named(name: str, table: Table) -> str:
    if not _NAME.fullmatch(name):
        table.problems.add(table.path, "names are lower-case letters, digits, - and _, at most 64 characters")
    return name


def _scopes(table: Table, key: str = "scopes", *, required: bool = True) -> tuple[Scope, ...]:
    scopes = table.texts(key, required=required)
    for scope in scopes:
        if not _SCOPE.fullmatch(scope):
            table.problem(key, f'"{scope}" is no scope (RFC 6749 §3.3)')
    return tuple(map(Scope, scopes))


def _resource(name: str, table: Table) -> Resource:
    audience = table.text("audience")
    parts = urlsplit(audience) if audience.isascii() and " " not in audience else None
    if audience and (parts is None or not parts.scheme or "#" in audience or len(audience) > 200):
        table.problem(
            "audience", "must be an absolute URI without a fragment (RFC 8707 §2), at most 200 characters"
        )
    resource = Resource(
        name=ResourceName(_named(name, table)),
        audience=Audience(audience),
        scopes=_scopes(table),
        accepts=tuple(map(ClientId, table.texts("accepts"))),
        served_by=ClientId(table.text("served_by")) if table.has("served_by") else None,
        lifetime=table.duration("lifetime"),
        depth=table.number("depth", 0, DEEPEST),
        mode=table.choice("mode", Mode, "enforce"),
        disabled=table.flag("disabled"),
    )
    table.raw("served_by")
    table.done()
    return resource


def _client(name: str, table: Table, resources: Mapping[str, Resource], issuer: str) -> Client:
    client = ClientId(_named(name, table))
    serves = tuple(ResourceName(r) for r, resource in resources.items() if resource.served_by == client)
    mode = table.choice("mode", Mode, "enforce")
    compiled = Client(
        name=client,
        authentication=table.choice("authentication", AuthenticationMethod),
        grants=_members(table, "grants", GrantType),
        exchange=tuple(_rule(rule, serves, mode) for rule in table.tables("exchange")),
        first_tokens=tuple(_client_grant(grant, client) for grant in table.tables("tokens")),
        jwks=_jwks(table),
        assertion_audiences=_assertion_audiences(table, issuer),
        depth=table.number("depth", 0, DEEPEST),
        lifetime=table.duration("lifetime"),
        mode=mode,
        disabled=table.flag("disabled"),
    )
    table.done()
    return compiled


def _assertion_audiences(table: Table, issuer: str) -> tuple[str, ...]:
    """`token_endpoint` is the URL of that endpoint, `endpoint` whichever one is called; anything else is literal."""
    words = {"issuer": issuer, "token_endpoint": f"{issuer}/oauth/token"}
    return tuple(words.get(audience, audience) for audience in table.texts("assertion_audiences"))


def _members(table: Table, key: str, options: Any) -> tuple[Any, ...]:
    values = table.texts(key, required=True)
    allowed = get_args(options)
    for value in values:
        if value not in allowed:
            table.problem(key, f'"{value}" is not one of {", ".join(allowed)}')
    return tuple(value for value in values if value in allowed)


def _rule(table: Table, serves: tuple[ResourceName, ...], mode: Mode) -> ExchangeRule:
    by_name, by_mapping = _rule_scopes(table)
    rule = ExchangeRule(
        to=ResourceName(table.text("to")),
        sources=tuple(map(ResourceName, table.texts("from", default=serves))),
        by_name=by_name,
        by_mapping=by_mapping,
        semantics=table.choice("semantics", Semantics, "impersonation"),
        mode=table.choice("mode", Mode, mode),
        circular=table.flag("circular"),
        lifetime=table.duration("lifetime"),
    )
    if not rule.sources:
        table.problem("from", "is required: this client serves no resource")
    table.done()
    return rule


def _rule_scopes(table: Table) -> tuple[tuple[Scope, ...], dict[Scope, tuple[Scope, ...]]]:
    """An array keeps names, a table maps the subject token's scopes to the target's."""
    value = table.raw("scopes")
    if not isinstance(value, Mapping):
        return _scopes(table), {}
    mapping = Table(value, (*table.path, "scopes"), table.problems)
    return (), {Scope(source): _scopes(mapping, source) for source in value}


def _client_grant(table: Table, client: ClientId) -> FirstTokenGrant:
    grant = FirstTokenGrant(to=ResourceName(table.text("to")), scopes=_scopes(table), client=client)
    table.done()
    return grant


def _jwks(table: Table) -> tuple[Mapping[str, Any], ...]:
    value = table.raw("jwks")
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(key, Mapping) for key in value):
        table.problem("jwks", "must be an array of public keys (RFC 7517)")
        return ()
    return tuple(dict(key) for key in value)


def _trusted_issuer(name: str, table: Table) -> TrustedIssuer:
    prefix, claim = _subject(table)
    issuer = TrustedIssuer(
        name=IssuerName(_named(name, table)),
        issuer=table.text("issuer"),
        audience=table.text("audience"),
        accepts=_members(table, "accepts", CredentialType),
        presented_by=tuple(map(ClientId, table.texts("presented_by", required=True))),
        subject_prefix=prefix,
        subject_claim=claim,
        grants=tuple(_issuer_grant(grant) for grant in table.tables("grants")),
        algorithms=table.texts("algorithms", default=_USUAL_ALGORITHMS),
        jwks=_jwks(table),
        jwks_uri=_jwks_uri(table),
        pseudonymous=table.flag("pseudonymous"),
        single_use=table.flag("single_use"),
        max_age=table.duration("max_age") or 3600,
        required_claims=_claims(table),
        lifetime=table.duration("lifetime"),
        disabled=table.flag("disabled"),
    )
    for algorithm in issuer.algorithms:
        if algorithm not in _ALGORITHMS:
            table.problem("algorithms", f'"{algorithm}" is not one of {", ".join(_ALGORITHMS)}')
    if bool(issuer.jwks) == (issuer.jwks_uri is not None):
        table.problem("jwks_uri", "give exactly one of jwks and jwks_uri")
    table.done()
    return issuer


def _subject(table: Table) -> tuple[str, str]:
    found = _SUBJECT.fullmatch(table.text("subject"))
    if found is None or not found[1].endswith((":", "|")):
        table.problem("subject", 'must be a prefix ending in ":" or "|" and one claim, like "corp:{sub}"')
        return "", "sub"
    return found[1], found[2]


def _jwks_uri(table: Table) -> str | None:
    if not table.has("jwks_uri"):
        return None
    uri = table.text("jwks_uri")
    if uri and not is_web_address(uri):
        table.problem("jwks_uri", "must be an https URL without query or fragment (http on loopback only)")
    return uri


def _claims(table: Table) -> dict[str, str]:
    value = table.raw("required_claims")
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(item, str) for item in value.values()):
        table.problem("required_claims", "must be a table of strings")
        return {}
    return dict(value)


def _issuer_grant(table: Table) -> FirstTokenGrant:
    grant = FirstTokenGrant(
        to=ResourceName(table.text("to")), scopes=_scopes(table), client=ClientId(table.text("client"))
    )
    table.done()
    return grant
