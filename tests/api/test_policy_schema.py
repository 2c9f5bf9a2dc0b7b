"""The JSON Schema for editors: it knows what the compiler knows, and refuses what a schema can see."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from typing import Any, Final, get_args

import jsonschema
import pytest

from api.sample_policy import sample_policy_text
from domain import policy
from domain.policy_jwks import KIND_OF_ALGORITHM, PRIVATE_MEMBERS
from domain.policy_sections import SECTIONS
from tests.domain import test_policy_compilation, test_policy_jwks, test_policy_names, test_policy_values
from tests.domain.policy_mistakes import problems_of
from tests.domain.public_keys import ED25519
from tests.domain.sample_documents import document, put
from tests.source_tree import ROOT

SCHEMA: Final[dict[str, Any]] = json.loads((ROOT / "api" / "policy.schema.json").read_text(encoding="utf-8"))
VALIDATOR: Final = jsonschema.Draft202012Validator(SCHEMA)


def section(name: str) -> dict[str, Any]:
    """The schema of one section of the file."""
    found: dict[str, Any] = SCHEMA if name == "policy" else SCHEMA["$defs"][name]
    return found


def test_the_schema_is_one_and_takes_the_sample() -> None:
    """Valid JSON Schema 2020-12, under which what compiles is valid."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    VALIDATOR.validate(tomllib.loads(sample_policy_text()))
    VALIDATOR.validate(document())


@pytest.mark.parametrize("name", SECTIONS)
def test_schema_and_compiler_know_the_same_keys(name: str) -> None:
    """Neither has a key that the other lacks, and neither takes an unknown one."""
    assert section(name)["properties"].keys() == set(SECTIONS[name])
    assert section(name)["additionalProperties"] is False


def test_every_key_is_described() -> None:
    """Editors show it beside the key."""
    silent = [
        f"{name}.{key}"
        for name in SECTIONS
        for key, rule in section(name)["properties"].items()
        if "description" not in {**rule, **SCHEMA["$defs"].get(rule.get("$ref", "").rpartition("/")[2], {})}
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (section("signing")["properties"]["algorithm"], get_args(policy.SigningAlgorithm)),
        (section("client")["properties"]["authentication"], get_args(policy.AuthenticationMethod)),
        (section("client")["properties"]["grants"]["items"], get_args(policy.GrantType)),
        (section("exchange")["properties"]["semantics"], get_args(policy.Semantics)),
        (section("trusted_issuer")["properties"]["accepts"]["items"], get_args(policy.CredentialType)),
        (section("trusted_issuer")["properties"]["algorithms"]["items"], KIND_OF_ALGORITHM),
        (section("mode"), get_args(policy.Mode)),
    ],
)
def test_schema_and_compiler_know_the_same_words(rule: dict[str, Any], words: Any) -> None:
    """Every closed list is the same list."""
    assert set(rule["enum"]) == set(words)


def test_the_schema_knows_every_private_member() -> None:
    """J-22: an editor marks a private key before it is saved."""
    assert {
        member for member, rule in section("jwk")["properties"].items() if rule is False
    } == PRIVATE_MEMBERS


ONE_PLACE: Final = [
    *test_policy_compilation.MANY,
    *test_policy_values.ISSUERS,
    *test_policy_values.LIMITS,
    *test_policy_values.RESOURCES,
    *test_policy_values.CLIENTS,
    *test_policy_values.ISSUER_ENTRIES,
]
BEYOND: Final = [
    "no absolute URL",
    "or an address",
    "absolute URI",
    "whole number from 0",
    "host name",
    "lower case",
    "credentials",
    "not public",
    "twice",
    "at most a day",
    "must not hold names",
]
"""Words of mistakes that take more than a pattern to find."""


@pytest.mark.parametrize(
    ("path", "value"),
    [(path, value) for path, value, _, words in ONE_PLACE if not any(beyond in words for beyond in BEYOND)],
)
def test_the_schema_refuses_what_it_can_see(path: str, value: object) -> None:
    """Whatever is wrong in one place, without a look at another, an editor marks before the compiler does."""
    assert not VALIDATOR.is_valid(put(document(), path, value))


@pytest.mark.parametrize(
    "mistakes", [test_policy_names.LOOSE, test_policy_names.AUDIENCES, test_policy_names.SCOPES]
)
def test_the_schema_takes_what_only_the_compiler_can_see(mistakes: Any) -> None:
    """So that it is no more than it says: a first look."""
    for path, value, _, _ in mistakes:
        VALIDATOR.validate(put(document(), path, value))


def with_keys(*keys: Any) -> dict[str, Any]:
    """The sample document with a client that signs with these keys."""
    changed = put(document(), "clients/travel/authentication", "private_key_jwt")
    return put(changed, "clients/travel/jwks", list(keys))


def refused_keys() -> Iterator[Any]:
    """The keys that the compiler's tests refuse."""
    (mark,) = test_policy_jwks.test_an_unfit_key_is_refused_and_never_repeated.pytestmark
    yield from (key for key, _, _ in mark.args[1])


def test_keys_are_looked_at() -> None:
    """A good one is taken; private members and keys for something else are marked."""
    VALIDATOR.validate(with_keys(ED25519))
    marked = [key for key in refused_keys() if not VALIDATOR.is_valid(with_keys(key))]
    assert all(
        key in marked for key in refused_keys() if not PRIVATE_MEMBERS.isdisjoint(key) or "kid" not in key
    )
    assert len(marked) > 10


def test_the_schema_never_refuses_what_the_compiler_takes() -> None:
    """For every mistake of the tests that the compiler does not see, the schema sees none."""
    for path, value, _, _ in [*ONE_PLACE, *test_policy_names.SUBJECTS]:
        changed = put(document(), path, value)
        if not problems_of(changed):
            VALIDATOR.validate(changed)


REFERENCE: Final = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, keys in SECTIONS.items() for key in keys])
def test_every_key_stands_in_the_policy_reference(name: str, key: str) -> None:
    """No key can be added without a line in docs/policy.md, under its section's heading."""
    heading = {
        "policy": "## Top level",
        "resource": "## `[resources.NAME]`",
        "client": "## `[clients.NAME]`",
        "exchange": "### `[[clients.NAME.exchange]]`",
        "tokens": "### `[[clients.NAME.tokens]]`",
        "trusted_issuer": "## `[trusted_issuers.NAME]`",
        "grant": "## `[trusted_issuers.NAME]`",
    }.get(name, f"### `[{name}]`")
    below = REFERENCE.split(f"\n{heading}", 1)[1].split("\n#", 1)[0]
    assert f"`{key}`" in below


def enumerated(rule: Any) -> Iterator[str]:
    """Every word of every closed list in the schema."""
    if isinstance(rule, dict):
        yield from rule.get("enum", [])
        for inner in rule.values():
            yield from enumerated(inner)
    elif isinstance(rule, list):
        for inner in rule:
            yield from enumerated(inner)


def test_every_word_stands_in_the_policy_reference() -> None:
    """What a key may say is said there too; members of keys are other people's words."""
    sections = [section(name) for name in SECTIONS if name != "policy"] + [section("mode")]
    checked = {"iss", "aud", "exp", "nbf", "iat", "jti"}
    words = {word for rule in sections for word in enumerated(rule)} - checked
    assert {word for word in words if f"`{word}`" not in REFERENCE} == set()
