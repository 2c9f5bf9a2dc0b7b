"""Whatever the text, the guard answers with `MalformedToken` or with the one reading there is."""

from __future__ import annotations

import json
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from api import base64url
from api.jose import FOREIGN_HEADER, MalformedToken, UnverifiedJws, parse_compact
from api.jwk import UnusableKey, keys_from_jwk
from api.signing_keys import SigningKey
from api.strict_json import NotStrictJson, decode_object
from api.verification_keys import BadSignature, verify
from tests.attacks.forged_jws import segment, signed

KEY: Final = SigningKey.generate("ES256")
TOKEN: Final = signed(KEY)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
header_names = st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jwk", "x5c", "zip", "enc"]) | st.text()
header_values = json_values | st.sampled_from(["ES256", "none", "HS256", "JWT", "at+jwt", ["b64"]])
headers = st.dictionaries(header_names, header_values)
jwks = st.dictionaries(
    st.sampled_from(["kty", "crv", "x", "y", "n", "e", "d", "k", "alg", "kid", "use", "key_ops"]),
    json_values
    | st.sampled_from(["RSA", "EC", "OKP", "P-256", "Ed25519", "AQAB", "sig", KEY.public_jwk()["x"]]),
)


def parsed(token: str) -> UnverifiedJws | None:
    """The parts, or None for a token that is refused as it should be; any other exception fails the test."""
    try:
        return parse_compact(token, FOREIGN_HEADER)
    except MalformedToken:
        return None


@given(st.text() | st.from_regex(r"[A-Za-z0-9_=-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\n?", fullmatch=True))
def test_any_text_is_parsed_or_refused(token: str) -> None:
    """No text causes anything but a value or `MalformedToken`."""
    parsed(token)


@given(headers, json_values | headers, st.binary(max_size=100))
def test_what_is_parsed_is_what_was_sent(header: object, claims: object, signature: bytes) -> None:
    """A token that passes decodes to exactly its parts, and its parts give back its text."""
    token = f"{segment(header)}.{segment(claims)}.{segment(signature)}"
    jws = parsed(token)
    if jws is not None:
        assert (jws.unverified_header, jws.unverified_claims, jws.signature) == (header, claims, signature)
        assert f"{jws.signing_input.decode()}.{base64url.encode(jws.signature).decode()}" == token


@given(st.integers(0, len(TOKEN) - 1), st.characters())
def test_no_single_character_of_a_token_can_be_changed(index: int, character: str) -> None:
    """Every other spelling is malformed or unsigned."""
    other = TOKEN[:index] + character + TOKEN[index + 1 :]
    jws = parsed(other)
    if jws is not None and other != TOKEN:
        try:
            verify(jws, KEY.verification_key())
        except BadSignature:
            return
        raise AssertionError(other)


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_strict_json_agrees_with_the_standard_reader(octets: bytes) -> None:
    """What is not refused means what the standard library reads in it."""
    try:
        value = decode_object(octets)
    except NotStrictJson:
        return
    assert value == json.loads(octets)


@given(jwks | json_values)
def test_any_jwk_is_a_key_or_unusable(unverified_jwk: object) -> None:
    """No JWK causes anything but keys or `UnusableKey`."""
    try:
        assert keys_from_jwk(unverified_jwk, None)
    except UnusableKey:
        return
