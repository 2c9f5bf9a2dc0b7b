"""Names, headers and signatures of our own keys, against the RFCs' examples and another implementation."""

from __future__ import annotations

import jwt
import pytest

from api.algorithms import WrongKey
from api.jose import parse_compact
from api.jwk import jwk_from_dict
from api.key_members import thumbprint
from api.signing_keys import SigningKey
from api.verification_keys import verify
from domain.policy import SigningAlgorithm
from tests.attacks.forged_jws import CLAIMS, segment


def test_the_thumbprint_is_that_of_rfc_7638() -> None:
    """RFC 7638 §3.1: members that do not make the key what it is have no influence."""
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3okn"
        "jhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qM"
        "QvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJz"
        "KnqDKgw"
    )
    jwk = {"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}
    assert thumbprint(jwk) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert jwk_from_dict(jwk).kid == "2011-04-29"
    assert jwk_from_dict({name: value for name, value in jwk.items() if name != "kid"}).kid == thumbprint(jwk)


def test_the_signature_of_rfc_8037_verifies() -> None:
    """RFC 8037 appendix A: thumbprint and signature of its Ed25519 key."""
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    key = jwk_from_dict(jwk)
    assert (key.kid, key.alg) == ("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "EdDSA")
    key.check(
        bytes.fromhex(
            "860c98d2297f3060a33f42739672d61b53cf3adefed3d3c672f320dc021b411e"
            "9d59b8628dc351e248b88b29468e0e41855b0fb7d83bb15be902bfccb8cd0a02"
        ),
        b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
    )


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "RS256", "PS256"])
def test_another_implementation_verifies_what_we_sign(alg: SigningAlgorithm) -> None:
    """An access token over the prepared header, read by PyJWT with the published JWK; and its tokens by us."""
    key = SigningKey.generate(alg)
    header_and_claims = key.header_segment + b"." + segment(CLAIMS).encode()
    token = b".".join([header_and_claims, key.sign(header_and_claims)]).decode()
    published = jwt.PyJWK(key.public_jwk())
    assert jwt.decode(token, published, algorithms=[alg], options={"verify_aud": False}) == CLAIMS
    theirs = jwt.encode(CLAIMS, key.private_key, algorithm=alg, headers={"kid": key.kid})
    verify(parse_compact(theirs), key.verification_key())


def test_a_jwt_of_another_type_has_a_header_of_its_own() -> None:
    """RFC 8725 §3.11: the type is signed with the rest."""
    key = SigningKey.generate("ES256")
    jws = parse_compact(f"{key.header_segment_for('other+jwt').decode()}.e30.AAAA")
    assert jws.unverified_header == {"alg": "ES256", "typ": "other+jwt", "kid": key.kid}


def test_a_key_signs_with_no_algorithm_but_its_own() -> None:
    """One algorithm per key: a private key of another kind is refused when it is bound."""
    with pytest.raises(WrongKey):
        SigningKey(alg="RS256", private_key=SigningKey.generate("ES256").private_key)
    with pytest.raises(WrongKey):
        SigningKey(alg="ES256", private_key=SigningKey.generate("EdDSA").private_key)
