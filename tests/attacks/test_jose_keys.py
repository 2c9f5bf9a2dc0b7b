"""Signatures and keys that must not be taken (J-02, J-03, J-09, J-10, J-20 to J-22, J-24)."""

from __future__ import annotations

import traceback
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from api.algorithms import ALGORITHMS, WrongKey
from api.jose import UnverifiedJws, parse_compact
from api.jwk import PRIVATE_MEMBERS, UnusableKey, jwk_from_dict, keys_from_jwk
from api.jwk_set import MAX_KEYS, UnusableKeySet, jwk_set
from api.key_members import public_members
from api.signing_keys import SigningKey
from api.verification_keys import BadSignature, VerificationKey, verify
from tests.attacks.forged_jws import CLAIMS, segment, signed

KEY: Final = SigningKey.generate("ES256")
RSA: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
RSA_JWK: Final[dict[str, Any]] = public_members(RSA.public_key()) | {"kid": "r"}
P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def with_signature(signature: bytes) -> UnverifiedJws:
    """A genuine token under another signature."""
    return parse_compact(f"{signed(KEY).rpartition('.')[0]}.{segment(signature)}")


def why_unusable(unverified_jwk: object, algorithms: list[str] | None = None) -> str | None:
    """The reason for which a JWK is refused, or None."""
    try:
        keys_from_jwk(unverified_jwk, algorithms)
    except UnusableKey as unusable:
        return unusable.reason
    return None


@pytest.mark.parametrize("alg", ["HS256", "none", "es256", "RSA-OAEP", ""])
def test_j02_j24_no_key_is_made_for_an_unknown_or_symmetric_algorithm(alg: str) -> None:
    """J-02, J-24: what is not supported fails closed, when the key is made."""
    with pytest.raises(WrongKey):
        VerificationKey(kid="k", alg=alg, public_key=KEY.verification_key().public_key)
    assert why_unusable(KEY.public_jwk() | {"alg": alg}) == "algorithm"


@pytest.mark.parametrize("alg", sorted(ALGORITHMS))
def test_j03_a_key_is_made_only_for_an_algorithm_of_its_own_kind(alg: str) -> None:
    """J-03: type and curve must go with the algorithm, for the key itself and for a JWK that says otherwise."""
    fits = ALGORITHMS[alg].kind == "P-256"
    assert (why_unusable(KEY.public_jwk() | {"alg": alg}) is None) == fits
    if not fits:
        with pytest.raises(WrongKey):
            VerificationKey(kid="k", alg=alg, public_key=KEY.verification_key().public_key)


@pytest.mark.parametrize(
    "signature",
    [
        bytes(64),
        bytes(32) + b"\x01" * 32,
        P256_ORDER.to_bytes(32) * 2,
        b"\xff" * 64,
        b"\0",
        bytes(63),
        bytes(65),
        bytes(96),
    ],
)
def test_j09_signatures_out_of_range_or_of_another_size_are_refused(signature: bytes) -> None:
    """J-09: zero, the group order and wrong lengths verify nothing (the psychic signature)."""
    with pytest.raises(BadSignature):
        verify(with_signature(signature), KEY.verification_key())


def test_j09_a_der_signature_is_refused() -> None:
    """J-09: RFC 7518 §3.4 wants r and s raw; the same signature in DER is another spelling of the token."""
    r, s = halves(parse_compact(signed(KEY)).signature)
    with pytest.raises(BadSignature):
        verify(with_signature(encode_dss_signature(r, s)), KEY.verification_key())


def test_j09_a_key_of_another_curve_is_refused() -> None:
    """J-09: ES256 is P-256 and no other curve."""
    with pytest.raises(WrongKey):
        VerificationKey(kid="k", alg="ES256", public_key=ec.generate_private_key(ec.SECP384R1()).public_key())
    with pytest.raises(WrongKey):
        SigningKey(alg="ES256", private_key=ec.generate_private_key(ec.SECP256K1()))


def test_j10_the_twin_of_a_signature_is_the_same_token() -> None:
    """J-10: (r, n-s) verifies too; signing input and `jti` are what a token is known by, and they are the same."""
    original = parse_compact(signed(KEY, CLAIMS | {"jti": "one"}))
    r, s = halves(original.signature)
    twin = UnverifiedJws(
        unverified_header=original.unverified_header,
        unverified_claims=original.unverified_claims,
        signing_input=original.signing_input,
        signature=r.to_bytes(32) + (P256_ORDER - s).to_bytes(32),
    )
    verify(twin, KEY.verification_key())
    assert twin.signature != original.signature
    assert twin.signing_input == original.signing_input


def halves(signature: bytes) -> tuple[int, int]:
    """r and s."""
    return int.from_bytes(signature[:32]), int.from_bytes(signature[32:])


@pytest.mark.parametrize(("bits", "exponent"), [(1024, 65537), (2048, 3)])
def test_j20_a_weak_rsa_key_is_refused_at_registration_and_at_use(bits: int, exponent: int) -> None:
    """J-20: 2048 bits and 65537 at the least, however the key comes in."""
    weak = rsa.generate_private_key(public_exponent=exponent, key_size=bits)
    assert why_unusable(public_members(weak.public_key())) == "key_strength"
    with pytest.raises(WrongKey):
        VerificationKey(kid="k", alg="PS256", public_key=weak.public_key())
    with pytest.raises(WrongKey):
        SigningKey(alg="RS256", private_key=weak)


@pytest.mark.parametrize(
    ("exponent", "reason"),
    [
        (1, "key_value"),
        (2, "key_value"),
        (17, "key_strength"),
        (65536, "key_value"),
        (65539, None),
        (2**64 - 1, None),
        (2**64 + 1, "key_strength"),
    ],
)
def test_j20_an_exponent_is_odd_and_neither_small_nor_huge(exponent: int, reason: str | None) -> None:
    """J-20: small ones are weak, huge ones make each verification expensive."""
    e = segment(exponent.to_bytes(9).lstrip(b"\0"))
    assert why_unusable(RSA_JWK | {"e": e}) == reason


def test_j20_a_modulus_that_makes_verification_expensive_is_refused() -> None:
    """J-20: longer than 8192 bits is refused, and far longer ones are not even decoded."""
    assert why_unusable(RSA_JWK | {"n": segment(b"\xff" * 1025)}) == "key_strength"
    assert why_unusable(RSA_JWK | {"n": segment(b"\xff" * 100_000)}) == "key_value"


@pytest.mark.parametrize(
    "purpose",
    [
        {"use": "enc"},
        {"use": None},
        {"use": ["sig"]},
        {"key_ops": ["sign"]},
        {"key_ops": []},
        {"key_ops": "verify"},
        {"use": "enc", "key_ops": ["verify"]},
        {"use": "sig", "key_ops": ["encrypt"]},
    ],
)
def test_j21_a_key_for_another_purpose_is_refused(purpose: dict[str, object]) -> None:
    """J-21: `use` must be `sig` and `key_ops` hold `verify`, where they are present."""
    assert why_unusable(RSA_JWK | purpose) == "not_for_signatures"
    assert why_unusable(RSA_JWK | {"use": "sig", "key_ops": ["verify"]}) is None


@pytest.mark.parametrize("member", sorted(PRIVATE_MEMBERS))
def test_j22_a_private_member_is_refused_and_not_echoed(member: str) -> None:
    """J-22: a private key registered by mistake is neither taken nor repeated."""
    secret = "c4n4ry"
    for value in (secret, "", None):
        with pytest.raises(UnusableKey) as caught:
            jwk_from_dict(RSA_JWK | {member: value})
        assert caught.value.reason == "private_member"
        assert secret not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("kty", ["oct", "AKP", "ec", "", None, 1, ["RSA"], {}])
def test_j22_a_symmetric_or_unknown_key_type_is_refused(kty: object) -> None:
    """J-22: a shared secret has no place among public keys."""
    assert why_unusable({"kty": kty, "x": "AA"}) == "key_type"
    assert why_unusable({"kty": "oct", "k": "AA"}) == "private_member"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"crv": "P-384"}, "algorithm"),
        ({"crv": "secp256k1"}, "key_type"),
        ({"crv": ["P-256"]}, "key_type"),
        ({"x": "AA"}, "key_value"),
        ({"x": None}, "key_value"),
        ({"x": segment(bytes(32))}, "key_value"),
        ({"y": KEY.public_jwk()["y"] + "="}, "key_value"),
        ({"y": "\u00e9" * 43}, "key_value"),
        ({"alg": None}, "algorithm"),
        ({"alg": ["ES256"]}, "algorithm"),
        ({"kid": 7}, "key_id"),
        ({"kid": None}, "key_id"),
        ({"kid": "a\nb"}, "key_id"),
        ({"kid": "x" * 257}, "key_id"),
    ],
)
def test_a_jwk_with_a_wrong_value_is_refused(changed: dict[str, object], reason: str) -> None:
    """Whatever stands in a JWK, there is a closed reason for it and no crash."""
    assert why_unusable(KEY.public_jwk() | changed) == reason


def test_an_rsa_key_without_algorithm_serves_those_that_the_caller_allows() -> None:
    """One JWK becomes one key for each algorithm; without a restriction it is RS256."""
    assert jwk_from_dict(RSA_JWK).alg == "RS256"
    assert [key.alg for key in keys_from_jwk(RSA_JWK, ["PS256", "RS256", "ES256"])] == ["PS256", "RS256"]
    assert [key.alg for key in keys_from_jwk(RSA_JWK | {"alg": "PS256"}, ["PS256", "RS256"])] == ["PS256"]
    assert why_unusable(RSA_JWK | {"alg": "RS512"}, ["RS256"]) == "algorithm"
    assert why_unusable(RSA_JWK, ["ES256"]) == "algorithm"


def test_a_set_refuses_two_keys_of_one_kid_and_too_many_keys() -> None:
    """No key can hide behind another's name, and nobody chooses how much we parse."""
    jwk = KEY.public_jwk()
    twice: list[object] = [[jwk, jwk], [jwk, RSA_JWK | {"kid": KEY.kid}], [jwk] * (MAX_KEYS + 1)]
    for keys in (*twice, None, {}, "keys", 1):
        with pytest.raises(UnusableKeySet):
            jwk_set(keys)


def test_a_set_leaves_out_unusable_keys_only_where_told() -> None:
    """A foreign set may hold keys for other purposes; in our own configuration one is a mistake."""
    keys = [KEY.public_jwk(), RSA_JWK | {"use": "enc", "kid": KEY.kid}, None, {"kty": "oct", "k": "AA"}, 1]
    assert [key.kid for key in jwk_set(keys, skip_unusable=True).keys] == [KEY.kid]
    with pytest.raises(UnusableKey):
        jwk_set(keys)


def test_a_token_without_kid_finds_a_key_only_where_there_is_one_choice() -> None:
    """RFC 7515 §4.1.4 makes `kid` optional; guessing among several keys is not."""
    other = SigningKey.generate("ES256").public_jwk()
    single, pair = jwk_set([KEY.public_jwk(), RSA_JWK]), jwk_set([KEY.public_jwk(), other])
    assert single.find(None, "ES256") == KEY.verification_key()
    assert pair.find(None, "ES256") is None
    assert pair.find(KEY.kid, "ES256") == KEY.verification_key()
    assert pair.find(KEY.kid, "RS256") is None


def test_every_algorithm_verifies_what_it_signed_and_nothing_else() -> None:
    """A true signature passes; one changed bit of signature or input does not, nor does a wrong length."""
    private_keys = {
        "RSA": RSA,
        "P-256": KEY.private_key,
        "P-384": ec.generate_private_key(ec.SECP384R1()),
        "P-521": ec.generate_private_key(ec.SECP521R1()),
        "Ed25519": SigningKey.generate("EdDSA").private_key,
    }
    for alg, algorithm in ALGORITHMS.items():
        private_key = private_keys[algorithm.kind]
        signature = algorithm.signer(private_key)(b"input")
        key = VerificationKey(kid="k", alg=alg, public_key=private_key.public_key())
        verify(jws(alg, b"input", signature), key)
        flipped = signature[:-1] + bytes([signature[-1] ^ 1])
        for signing_input, forged in [
            (b"input", flipped),
            (b"inpuu", signature),
            (b"input", signature[:-1]),
            (b"input", b""),
        ]:
            with pytest.raises(BadSignature):
                verify(jws(alg, signing_input, forged), key)


def jws(alg: str, signing_input: bytes, signature: bytes) -> UnverifiedJws:
    """Parts put together past the guard."""
    return UnverifiedJws(
        unverified_header={"alg": alg}, unverified_claims={}, signing_input=signing_input, signature=signature
    )
