"""Public keys in a policy: J-20 to J-22 of the attacks, at registration."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from tests.domain.policy_mistakes import after
from tests.domain.public_keys import ED25519, P256, P521, base64url, rsa_key

PATH = "clients.travel.jwks"
SECRET = "c2VjcmV0LXBhcnQ"


def with_keys(*keys: Any) -> dict[str, str]:
    """The problems of a client that has these keys."""
    return after(("clients/travel/authentication", "private_key_jwt"), ("clients/travel/jwks", list(keys)))


def of_issuer(*keys: Any, algorithms: list[str]) -> dict[str, str]:
    """The problems of a trusted issuer that has these keys and algorithms."""
    return after(
        ("trusted_issuers/corp/jwks_uri", None),
        ("trusted_issuers/corp/jwks", list(keys)),
        ("trusted_issuers/corp/algorithms", algorithms),
    )


def test_good_keys_are_taken() -> None:
    """RSA, EC and Ed25519, each under a name of its own, with what browsers and certificates add."""
    extras = {"use": "sig", "key_ops": ["verify"], "alg": "ES256", "ext": True, "x5c": ["MIIB"]}
    assert with_keys(ED25519, P256 | extras, rsa_key()) == {}


@pytest.mark.parametrize(
    ("key", "below", "words"),
    [
        (rsa_key(1024), ".n", "has 1024 bits"),
        (rsa_key(2047), ".n", "has 2047 bits"),
        (rsa_key(8193), ".n", "has 8193 bits"),
        (rsa_key() | {"n": base64url(1 << 2047)}, ".n", "is no RSA modulus"),
        (rsa_key(2048, 3), ".e", "too weak an exponent"),
        (rsa_key(2048, 65538), ".e", "too weak an exponent"),
        (rsa_key(2048, 2**64 + 1), ".e", "too weak an exponent"),
        (rsa_key() | {"n": SECRET + "="}, ".n", "no base64url"),
        (rsa_key() | {"n": "AA A"}, ".n", "no base64url"),
        ({"kty": "RSA", "kid": "k"}, ".n", "is missing"),
        (P256 | {"y": P256["x"]}, "", "is no point on P-256"),
        (P256 | {"x": "AA"}, ".x", "must be 32 octets"),
        (P256 | {"crv": "P-384"}, ".x", "must be 48 octets"),
        (P256 | {"crv": "secp256k1"}, "", "of no kind"),
        (P256 | {"kty": "OKP"}, "", "of no kind"),
        (ED25519 | {"x": "AAAA"}, ".x", "another length"),
        (ED25519 | {"crv": "X25519"}, "", "of no kind"),
        ({"kty": ["RSA"], "kid": "k"}, "", "of no kind"),
        (P256 | {"d": SECRET}, "", "holds private members"),
        (rsa_key() | {"p": SECRET}, "", "holds private members"),
        ({"kty": "oct", "k": SECRET, "kid": "k"}, "", "holds private members"),
        (P256 | {"use": "enc"}, ".use", "is not for signatures"),
        (P256 | {"key_ops": ["sign"]}, ".key_ops", "does not allow to verify"),
        (P256 | {"key_ops": 5}, ".key_ops", "has a type"),
        (P256 | {"key_ops": "verify"}, ".key_ops", "has a type"),
        (P256 | {"iat": 7}, ".iat", "has a type"),
        (P256 | {"made": datetime.date(2030, 1, 1)}, ".made", "has a type"),
        (P256 | {"kid": ""}, "", "needs a kid"),
        (P256 | {"kid": "k" * 257}, "", "needs a kid"),
        (P256 | {"kid": "a\nb"}, "", "needs a kid"),
        ({name: P256[name] for name in ("kty", "crv", "x", "y")}, "", "needs a kid"),
        (P256 | {"alg": "ES384"}, "", "goes with no algorithm"),
        (P256 | {"alg": "HS256"}, "", "goes with no algorithm"),
        (P521, "", "goes with no algorithm"),
        ("a key", "", "must be a table, not a string"),
    ],
)
def test_an_unfit_key_is_refused_and_never_repeated(key: Any, below: str, words: str) -> None:
    """Weak, private, malformed or meant for something else; and no part of it stands in the message."""
    found = with_keys(ED25519, key)
    assert words in found[f"{PATH}[1]{below}"]
    assert SECRET not in str(found)


def test_no_two_keys_have_one_name() -> None:
    """The name decides which key must have signed."""
    assert "kid of an earlier key" in with_keys(P256, ED25519, P256)[f"{PATH}[2].kid"]


def test_one_bad_key_does_not_hide_the_next() -> None:
    """Each at its own index, whatever stands before it."""
    assert with_keys(5, P256, {"kty": "EC"}).keys() == {f"{PATH}[0]", f"{PATH}[2]"}


@pytest.mark.parametrize("keys", [[], [ED25519] * 101, {"keys": []}, "none"])
def test_a_set_has_some_keys_and_not_too_many(keys: Any) -> None:
    """Between 1 and 100, in an array."""
    found = after(("clients/travel/authentication", "private_key_jwt"), ("clients/travel/jwks", keys))
    assert "1 to 100 keys" in found[PATH]


def test_keys_and_ways_to_authenticate_belong_together() -> None:
    """A key needs the method that uses it, and the method needs a key."""
    assert "is of no use" in after(("clients/travel/jwks", [P256]))[PATH]
    assert "is missing" in after(("clients/travel/authentication", "private_key_jwt"))[PATH]
    found = after(("clients/travel/assertion_audiences", ["endpoint"]))
    assert "is of no use" in found["clients.travel.assertion_audiences"]


def test_keys_of_an_issuer_go_with_its_algorithms() -> None:
    """A key that no accepted algorithm uses would verify nothing."""
    assert of_issuer(P521, rsa_key(), algorithms=["ES512", "PS384"]) == {}
    found = of_issuer(P521, rsa_key(), algorithms=["RS256"])
    assert found.keys() == {"trusted_issuers.corp.jwks[0]"}


@pytest.mark.parametrize("both", [True, False])
def test_an_issuer_has_keys_or_an_address_of_keys(both: bool) -> None:
    """With both nobody would know which of them counts."""
    change = ("trusted_issuers/corp/jwks", [P256]) if both else ("trusted_issuers/corp/jwks_uri", None)
    assert "exactly one of jwks and jwks_uri" in after(change)["trusted_issuers.corp"]
