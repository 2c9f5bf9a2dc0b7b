"""Tokens that must not get past the guard (J-01 to J-19, J-23)."""

from __future__ import annotations

import hashlib
import hmac
import json
import traceback
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api.jose import FOREIGN_HEADER, MAX_LENGTH, OWN_HEADER, MalformedToken, UnverifiedJws, parse_compact
from api.signing_keys import SigningKey
from api.strict_json import MAX_DEPTH
from api.token_times import TimeFault, check_times
from api.verification_keys import BadSignature, VerificationKey, verify
from tests.attacks.forged_jws import CLAIMS, segment, signed, unsigned, why_malformed

KEY: Final = SigningKey.generate("ES256")
NOW: Final = 1_900_000_000


def test_a_genuine_token_is_parsed_and_verified() -> None:
    """What follows is refused for its own fault: the same token without it passes."""
    jws = parse_compact(signed(KEY))
    verify(jws, KEY.verification_key())
    assert (jws.unverified_claims, jws.alg, jws.kid, jws.media_type) == (CLAIMS, "ES256", KEY.kid, "at+jwt")


@pytest.mark.parametrize("alg", ["none", "NoNe", "", "es256", "ES256 ", 256, None, True, ["ES256"], {}])
def test_j01_an_algorithm_that_is_none_or_no_name_is_refused(alg: object) -> None:
    """J-01: there is no unsigned token, and names are compared exactly."""
    assert why_malformed(unsigned({"alg": alg, "kid": KEY.kid})) == "algorithm"


def test_j01_a_header_without_algorithm_or_that_is_no_object_is_refused() -> None:
    """J-01: `alg` has no default, and null is no header."""
    assert why_malformed(unsigned({"kid": KEY.kid})) == "algorithm"
    for header in ("null", "[]", '"ES256"', "1", ""):
        assert why_malformed(f"{segment(header) or 'AA'}.{segment(CLAIMS)}.AAAA") == "header_not_json"


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_j02_a_mac_made_with_the_public_key_is_refused(alg: str) -> None:
    """J-02: the guard knows no symmetric algorithm, and a key is bound to its own."""
    public = KEY.private_key.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": alg, "typ": "at+jwt", "kid": KEY.kid}
    signing_input = f"{segment(header)}.{segment(CLAIMS)}"
    for secret in (pem, pem.rstrip(), der, json.dumps(KEY.public_jwk()).encode()):
        mac = hmac.digest(secret, signing_input.encode(), hashlib.sha256)
        assert why_malformed(f"{signing_input}.{segment(mac)}") == "algorithm"
        forged = UnverifiedJws(
            unverified_header=header,
            unverified_claims=CLAIMS,
            signing_input=signing_input.encode(),
            signature=mac,
        )
        with pytest.raises(BadSignature):
            verify(forged, KEY.verification_key())


@pytest.mark.parametrize("alg", ["ES384", "RS256", "EdDSA", "PS256"])
def test_j03_a_header_that_names_another_algorithm_than_the_key_is_refused(alg: str) -> None:
    """J-03: even over a signature that the key did make, the key's own algorithm decides."""
    jws = parse_compact(signed(KEY, header={"alg": alg, "kid": KEY.kid}))
    with pytest.raises(BadSignature, match="another algorithm"):
        verify(jws, KEY.verification_key())


@pytest.mark.parametrize("crit", [["exp"], ["b64"], ["unknown"], [], ["exp", "exp"], "exp", None])
def test_j04_every_crit_is_refused(crit: object) -> None:
    """J-04: no extension is understood here, so none can be critical, and b64 is no exception."""
    header = {"alg": "ES256", "kid": KEY.kid, "crit": crit}
    for rules in (OWN_HEADER, FOREIGN_HEADER):
        assert why_malformed(signed(KEY, header=header), rules) == "header_member"
        assert why_malformed(signed(KEY, header={"alg": "ES256", "b64": False}), rules) == "header_member"


def test_j05_an_unencoded_payload_is_refused_before_it_is_decoded() -> None:
    """J-05: b64=false never applies, and a huge middle segment falls to the length alone."""
    header = segment({"alg": "ES256", "b64": False, "crit": ["b64"]})
    assert why_malformed(f"{header}.{'A' * 5_000_000}.AAAA") == "too_long"
    assert why_malformed(f'{header}.{{"sub":"x"}}.AAAA') == "not_compact"


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c", "x5t"])
def test_j06_a_key_inside_the_token_is_refused_or_ignored(member: str) -> None:
    """J-06: our own tokens carry no key; in others' it is there to be ignored: the configured key decides."""
    attacker = SigningKey.generate("ES256")
    value = attacker.public_jwk() if member == "jwk" else "http://127.0.0.1/keys"
    token = signed(attacker, header={"alg": "ES256", "kid": KEY.kid, member: value})
    assert why_malformed(token) == "header_member"
    with pytest.raises(BadSignature):
        verify(parse_compact(token, FOREIGN_HEADER), KEY.verification_key())


@pytest.mark.parametrize("kid", [7, ["a"], {}, None, True, "", "a\r\nSet-Cookie: x", "a\x1b[2J", "x" * 65])
def test_j07_a_kid_that_is_no_short_printable_string_is_refused(kid: object) -> None:
    """J-07: what goes on to look-ups and logs is bounded and holds no control characters."""
    assert why_malformed(signed(KEY, header={"alg": "ES256", "kid": kid})) == "key_id"


def test_j07_a_kid_that_looks_like_a_path_or_a_query_is_only_a_name() -> None:
    """J-07: it is looked up as it is; a foreign one may be longer, within bounds."""
    for kid in ("../../dev/null", "' OR 1=1 --", "*)(uid=*", "x" * 64):
        assert parse_compact(signed(KEY, header={"alg": "ES256", "kid": kid})).kid == kid
    assert why_malformed(signed(KEY, header={"alg": "ES256", "kid": "x" * 256}), FOREIGN_HEADER) is None
    assert why_malformed(signed(KEY, header={"alg": "ES256", "kid": "x" * 257}), FOREIGN_HEADER) == "key_id"


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(
    "addition", ["=", "==", " ", "\n", "\r\n", "\t", "+", "/", "%3D", ".", "\u2028", "é"]
)
def test_j11_padding_whitespace_and_other_characters_are_refused(addition: str, place: int) -> None:
    """J-11: a token has one spelling; nothing outside the base64url alphabet is skipped."""
    parts = signed(KEY).split(".")
    parts[place] += addition
    assert why_malformed(".".join(parts)) == "not_compact"
    assert why_malformed(addition + signed(KEY)) == "not_compact"


def test_j11_stray_bits_at_the_end_of_a_segment_are_refused() -> None:
    """J-11: decoders drop the unused low bits, so a changed last character would give a second spelling."""
    header, claims, signature = unsigned({"alg": "ES256"}, {"a": 1}).split(".")
    assert (len(claims) % 4, len(signature) % 4) == (3, 2)
    assert why_malformed(f"{header}.{claims}.{signature}") is None
    assert why_malformed(f"{header}.{claims}.{signature[:-1]}B") == "not_base64url"
    assert why_malformed(f"{header}.{claims[:-1]}1.{signature}") == "not_base64url"
    assert why_malformed(f"{header}.{claims}.{signature}AAA") == "not_base64url"


@pytest.mark.parametrize(
    "claims",
    [
        '{"sub":"alice","sub":"admin"}',
        '{"sub":"alice","s\\u0075b":"admin"}',
        '{"act":{"sub":"a","sub":"b"}}',
        '{"x":[{"y":{"z":1,"z":1}}]}',
    ],
)
def test_j12_a_claim_named_twice_is_refused_at_every_level(claims: str) -> None:
    """J-12: one reader would take the first, another the last."""
    assert why_malformed(signed(KEY, claims)) == "claims_not_json"


def test_j12_a_header_member_named_twice_is_refused() -> None:
    """J-12: no choice between `none` and a real algorithm."""
    for header in ('{"alg":"none","alg":"ES256"}', '{"alg":"ES256","alg":"none"}'):
        assert why_malformed(signed(KEY, header=header)) == "header_not_json"


@pytest.mark.parametrize(
    "claims",
    [
        json.dumps(CLAIMS).encode("utf-16"),
        json.dumps(CLAIMS).encode("utf-16-le"),
        json.dumps(CLAIMS).encode("utf-32"),
        b"\xef\xbb\xbf" + json.dumps(CLAIMS).encode(),
        b'{"sub":"\xff"}',
        b'{"sub":"\xed\xa0\x80"}',
        b'{"sub":"\xc0\x80"}',
        b'{"sub":"\\ud800"}',
        b'{"\\udfff":1}',
        b'{"x":[{"y":"\\udc00\\ud800"}]}',
        b'{"sub":"a\x00b"}',
        b'{"sub":"a\\u0000b"}',
        b'{"a\\u0000b":1}',
        b'{"sub":"a\nb"}',
    ],
)
def test_j13_claims_in_anything_but_clean_utf8_are_refused(claims: bytes) -> None:
    """J-13: no UTF-16, byte order mark, lone surrogate, overlong form, NUL or raw control character."""
    assert why_malformed(signed(KEY, claims)) == "claims_not_json"


def test_j13_escapes_that_mean_something_are_read() -> None:
    """J-13: a surrogate pair is a character, and a backslash before u0000 is text."""
    jws = parse_compact(signed(KEY, r'{"sub":"\ud83d\ude00 \u00e9 \\u0000"}'))
    assert jws.unverified_claims == {"sub": "\N{GRINNING FACE} é \\u0000"}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("9" * 5000, id="5000 digits"),
        pytest.param("-" + "9" * 33, id="33 digits"),
        pytest.param("0." + "1" * 5000, id="5000 decimals"),
        pytest.param("[" * 5000 + "]" * 5000, id="5000 lists"),
        pytest.param('{"a":' * 2000 + "1" + "}" * 2000, id="2000 objects"),
        pytest.param("[" * 6000, id="6000 lists left open"),
        pytest.param("[" * MAX_DEPTH + "]" * MAX_DEPTH, id="one list too many"),
        *("1e999", "-1e999", "NaN", "Infinity", "-Infinity"),
    ],
)
def test_j14_bombs_of_nesting_and_numbers_are_refused(value: str) -> None:
    """J-14: what would exhaust a stack or a converter, or is no JSON number, is a malformed token like any other."""
    assert why_malformed(signed(KEY, f'{{"exp":{value}}}')) == "claims_not_json"
    assert why_malformed(signed(KEY, header=f'{{"alg":"ES256","kid":{value}}}')) == "header_not_json"


def test_j14_brackets_in_strings_and_wide_claims_are_no_bomb() -> None:
    """J-14: depth counts, not the number of brackets."""
    deepest = {"x": json.loads("[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1))}
    harmless: list[dict[str, Any]] = [deepest, {"x": "[" * 1000}, {"x": [[]] * 1000}]
    for claims in harmless:
        assert parse_compact(signed(KEY, claims)).unverified_claims == claims


@pytest.mark.parametrize("length", [MAX_LENGTH + 1, 1_000_000, 50_000_000])
def test_j15_an_oversized_token_is_refused_unread(length: int) -> None:
    """J-15: the length is looked at first, whichever segment is large."""
    assert why_malformed("A" * length) == "too_long"
    assert why_malformed(signed(KEY) + "A" * length) == "too_long"


def test_j15_the_longest_token_is_read() -> None:
    """J-15: the limit itself is allowed."""
    room = MAX_LENGTH - len(signed(KEY, {"x": ""}))
    token = signed(KEY, {"x": "y" * (room * 3 // 4)})
    assert MAX_LENGTH - 4 <= len(token) <= MAX_LENGTH
    assert why_malformed(token) is None


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize(
    "value", ["1900000100", 1.9e9, 1_900_000_100.5, True, None, 0, -1, 2**53, 10**30, [NOW], {}]
)
def test_j16_a_time_that_is_no_sensible_integer_is_refused(claim: str, value: object) -> None:
    """J-16: a NumericDate is a positive integer below 2**53 and neither text, float nor boolean."""
    assert check_times({"exp": NOW + 100, "iat": NOW} | {claim: value}, NOW, 10) == f"{claim}_malformed"


@pytest.mark.parametrize(
    ("claims", "fault"),
    [
        ({"exp": NOW + 1, "iat": NOW}, None),
        ({"exp": NOW - 9, "iat": NOW - 100}, None),
        ({"exp": NOW - 10, "iat": NOW - 100}, "expired"),
        ({"exp": NOW + 60, "iat": NOW + 10, "nbf": NOW + 10}, None),
        ({"exp": NOW + 60, "iat": NOW + 11}, "issued_in_the_future"),
        ({"exp": NOW + 60, "iat": NOW, "nbf": NOW + 11}, "not_yet_valid"),
        ({"exp": NOW + 60, "iat": NOW - 310}, None),
        ({"exp": NOW + 60, "iat": NOW - 311}, "too_old"),
        ({"exp": NOW + 610, "iat": NOW}, None),
        ({"exp": NOW + 611, "iat": NOW}, "lives_too_long"),
        ({"exp": 2**53 - 1, "iat": NOW}, "lives_too_long"),
        ({"iat": NOW}, "exp_missing"),
        ({"exp": NOW + 60}, "iat_missing"),
    ],
)
def test_j16_times_are_kept_to_the_second(claims: dict[str, int], fault: TimeFault | None) -> None:
    """J-16: each bound holds with the leeway, and not a second beyond."""
    assert check_times(claims, NOW, 10, max_age=300, max_lifetime=600) == fault


def test_j16_without_leeway_a_token_dies_at_its_exp() -> None:
    """J-16: RFC 7519 §4.1.4 says on or after; a missing `iat` is a fault only where it is required."""
    assert check_times({"exp": NOW}, NOW, 0, iat_required=False) == "expired"
    assert check_times({"exp": NOW + 1}, NOW, 0, iat_required=False) is None
    assert check_times({"exp": NOW + 1, "iat": "x"}, NOW, 0, iat_required=False) == "iat_malformed"


@pytest.mark.parametrize(
    ("typ", "media_type"),
    [
        ("at+jwt", "at+jwt"),
        ("AT+JWT", "at+jwt"),
        ("application/at+jwt", "at+jwt"),
        ("Application/AT+jwt", "at+jwt"),
        ("JWT", "jwt"),
        ("text/at+jwt", "text/at+jwt"),
        ("application/application/at+jwt", "application/at+jwt"),
    ],
)
def test_j18_types_are_compared_as_media_types(typ: str, media_type: str) -> None:
    """J-18: case and the `application/` prefix make no other type, and everything else does."""
    assert parse_compact(signed(KEY, header={"alg": "ES256", "typ": typ})).media_type == media_type


@pytest.mark.parametrize(
    "typ", [None, 1, "", " at+jwt", "at+jwt\n", "at+jwt; v=1", "\u212at+jwt", "x" * 65, ["at+jwt"]]
)
def test_j18_a_type_that_is_no_media_type_is_refused(typ: object) -> None:
    """J-18: no parameters, whitespace or characters that fold into ASCII; and a missing type equals none."""
    assert why_malformed(signed(KEY, header={"alg": "ES256", "typ": typ})) == "type"
    assert parse_compact(signed(KEY, header={"alg": "ES256"})).media_type is None


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (
            json.dumps(
                {"payload": segment(CLAIMS), "protected": segment({"alg": "ES256"}), "signature": "AA"}
            ),
            "not_compact",
        ),
        (".".join([segment({"alg": "RSA1_5", "enc": "A128GCM"}), "AA", "AA", "AA", "AA"]), "not_compact"),
        (unsigned({"alg": "RSA-OAEP"}), "algorithm"),
        (unsigned({"alg": "PBES2-HS256+A128KW", "p2c": 2**31, "p2s": "AA"}), "header_member"),
        (unsigned({"alg": "ES256", "zip": "DEF"}), "header_member"),
        (unsigned({"alg": "ES256", "cty": "JWT"}), "header_member"),
        (unsigned({"alg": "ES256"}, unsigned({"alg": "ES256"})), "claims_not_json"),
        (unsigned({"alg": "ES256"}, "[]"), "claims_not_json"),
        ("..", "not_compact"),
        ("", "not_compact"),
    ],
)
def test_j19_other_serializations_and_encryption_are_refused(token: str, reason: str) -> None:
    """J-19: a compact JWS with an object inside and nothing else; no JSON form, JWE, nesting or compression."""
    assert why_malformed(token) == reason


def test_j23_a_token_cut_short_or_run_on_is_refused() -> None:
    """J-23: the whole value counts; no prefix and no extension of a token is as good as the token."""
    token, key = signed(KEY), KEY.verification_key()
    for other in (*(token[:-cut] for cut in range(1, 90)), *(token + "A" * more for more in range(1, 9))):
        assert not passes(other, key), other


def test_a_refusal_holds_no_part_of_the_token() -> None:
    """Law 5: neither the message nor anything a traceback prints quotes what was refused."""
    secret = "c4n4ry" * 4
    for token in (
        f"{secret}.{secret}",
        unsigned({"alg": secret}),
        unsigned(secret),
        unsigned({"alg": "ES256"}, secret),
    ):
        with pytest.raises(MalformedToken) as caught:
            parse_compact(token)
        assert str(caught.value) == caught.value.reason
        printed = "".join(traceback.format_exception(caught.value))
        assert secret not in printed
        assert token not in printed


def passes(token: str, key: VerificationKey) -> bool:
    """Whether the token gets past the guard and the key."""
    try:
        verify(parse_compact(token), key)
    except (MalformedToken, BadSignature):
        return False
    return True
