"""The signature algorithms taken here (RFC 7518 §3.3-3.5, RFC 8037, RFC 9864). None of them is symmetric.

An algorithm is bound to a key once, with every check of type and size, and then only called.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

PublicKey = RSAPublicKey | ec.EllipticCurvePublicKey | Ed25519PublicKey
PrivateKey = RSAPrivateKey | ec.EllipticCurvePrivateKey | Ed25519PrivateKey
Verify = Callable[[bytes, bytes], None]
"""(signature, signing input); raises `InvalidSignature`."""
Sign = Callable[[bytes], bytes]
"""Signing input to raw signature octets as RFC 7518 wants them."""
KeyKind = Literal["RSA", "P-256", "P-384", "P-521", "Ed25519"]

MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
"""Bounds the work of one verification."""
MIN_RSA_EXPONENT: Final = 65537
MAX_RSA_EXPONENT: Final = 2**64 - 1


class WrongKey(ValueError):
    """The key's type, curve or size does not go with the algorithm."""


class Algorithm(Protocol):
    """One `alg` value; `kind` is the only kind of key that it binds to."""

    @property
    def kind(self) -> KeyKind: ...

    def verifier(self, key: PublicKey) -> Verify:
        """Raises `WrongKey`."""

    def signer(self, key: PrivateKey) -> Sign:
        """Raises `WrongKey`."""


@dataclass(frozen=True, slots=True)
class Ecdsa:
    """RFC 7518 §3.4: r and s as fixed-size big-endian integers, never DER.

    Hashed before, for `cryptography` asks of a hash algorithm in every call whether it is one.
    """

    kind: KeyKind
    curve: type[ec.EllipticCurve]
    digest: SHA256 | SHA384 | SHA512
    size: int
    """Octets of r, and of s."""

    def verifier(self, key: PublicKey) -> Verify:
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, self.curve):
            raise WrongKey("another type or curve")
        size, scheme, check = self.size, ec.ECDSA(Prehashed(self.digest)), key.verify
        hashed = getattr(hashlib, self.digest.name)

        def verify(signature: bytes, signing_input: bytes) -> None:
            if len(signature) != 2 * size:
                raise InvalidSignature
            r, s = int.from_bytes(signature[:size]), int.from_bytes(signature[size:])
            check(encode_dss_signature(r, s), hashed(signing_input).digest(), scheme)

        return verify

    def signer(self, key: PrivateKey) -> Sign:
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, self.curve):
            raise WrongKey("another type or curve")
        size, scheme, make = self.size, ec.ECDSA(Prehashed(self.digest)), key.sign
        hashed = getattr(hashlib, self.digest.name)

        def sign(signing_input: bytes) -> bytes:
            r, s = decode_dss_signature(make(hashed(signing_input).digest(), scheme))
            return r.to_bytes(size) + s.to_bytes(size)

        return sign


@dataclass(frozen=True, slots=True)
class Rsa:
    """RFC 7518 §3.3 and §3.5; a PSS salt is as long as the digest."""

    digest: SHA256 | SHA384 | SHA512
    scheme: padding.PKCS1v15 | padding.PSS
    kind: KeyKind = "RSA"

    def verifier(self, key: PublicKey) -> Verify:
        if not isinstance(key, RSAPublicKey):
            raise WrongKey("another type")
        _check_rsa(key)
        check, scheme, digest = key.verify, self.scheme, self.digest
        return lambda signature, signing_input: check(signature, signing_input, scheme, digest)

    def signer(self, key: PrivateKey) -> Sign:
        if not isinstance(key, RSAPrivateKey):
            raise WrongKey("another type")
        _check_rsa(key.public_key())
        make, scheme, digest = key.sign, self.scheme, self.digest
        return lambda signing_input: make(signing_input, scheme, digest)


@dataclass(frozen=True, slots=True)
class EdDsa:
    """RFC 8037 §3.1, with Ed25519 alone."""

    kind: KeyKind = "Ed25519"

    def verifier(self, key: PublicKey) -> Verify:
        if not isinstance(key, Ed25519PublicKey):
            raise WrongKey("another type")
        return key.verify

    def signer(self, key: PrivateKey) -> Sign:
        if not isinstance(key, Ed25519PrivateKey):
            raise WrongKey("another type")
        return key.sign


def _check_rsa(key: RSAPublicKey) -> None:
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise WrongKey("the RSA modulus is too short or too long")
    exponent = key.public_numbers().e
    if exponent % 2 == 0 or not MIN_RSA_EXPONENT <= exponent <= MAX_RSA_EXPONENT:
        raise WrongKey("the RSA exponent is out of range")


def _pss(digest: SHA256 | SHA384 | SHA512) -> Rsa:
    return Rsa(digest, padding.PSS(padding.MGF1(digest), digest.digest_size))


ALGORITHMS: Final[Mapping[str, Algorithm]] = MappingProxyType(
    {
        "ES256": Ecdsa("P-256", ec.SECP256R1, SHA256(), 32),
        "ES384": Ecdsa("P-384", ec.SECP384R1, SHA384(), 48),
        "ES512": Ecdsa("P-521", ec.SECP521R1, SHA512(), 66),
        "EdDSA": EdDsa(),
        "Ed25519": EdDsa(),
        "RS256": Rsa(SHA256(), padding.PKCS1v15()),
        "RS384": Rsa(SHA384(), padding.PKCS1v15()),
        "RS512": Rsa(SHA512(), padding.PKCS1v15()),
        "PS256": _pss(SHA256()),
        "PS384": _pss(SHA384()),
        "PS512": _pss(SHA512()),
    }
)
"""Names are compared exactly (RFC 7515 §4.1.1): `es256` is no algorithm."""

ALGORITHM_OF_KIND: Final[Mapping[KeyKind, str]] = MappingProxyType(
    {"RSA": "RS256", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}
)
"""What a key whose JWK names no `alg` is for."""
