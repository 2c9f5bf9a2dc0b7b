"""The members of a JWK that make a key what it is (RFC 7518 §6, RFC 8037 §2), and the name made of them (RFC 7638)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, Literal, cast

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from api import base64url
from api.algorithms import KeyKind, PublicKey

MAX_MEMBER_LENGTH: Final = 2048
"""Characters of one value; a modulus of 8192 bits needs 1366."""
REQUIRED_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "RSA": ("e", "kty", "n"),
}
"""RFC 7638 §3.2. There is no `oct`: a shared secret verifies nothing here."""

EcKind = Literal["P-256", "P-384", "P-521"]
CURVES: Final[Mapping[EcKind, tuple[type[ec.EllipticCurve], int]]] = {
    "P-256": (ec.SECP256R1, 32),
    "P-384": (ec.SECP384R1, 48),
    "P-521": (ec.SECP521R1, 66),
}
"""Curve and octets of a coordinate."""


def kind_of(unverified_jwk: Mapping[str, Any]) -> KeyKind | None:
    """Which of the kinds known here the JWK says it is."""
    match unverified_jwk.get("kty"), unverified_jwk.get("crv"):
        case "RSA", None:
            return "RSA"
        case "OKP", "Ed25519":
            return "Ed25519"
        case "EC", ("P-256" | "P-384" | "P-521") as curve:
            return cast(EcKind, curve)
        case _:
            return None


def public_key_of(unverified_jwk: Mapping[str, Any], kind: KeyKind) -> PublicKey:
    """Raises ValueError for a value that is missing, malformed or off the curve; the value is not in the message."""
    match kind:
        case "RSA":
            e, n = (int.from_bytes(_octets(unverified_jwk, name)) for name in ("e", "n"))
            return RSAPublicNumbers(e, n).public_key()
        case "Ed25519":
            return Ed25519PublicKey.from_public_bytes(_octets(unverified_jwk, "x"))
        case _:
            curve, size = CURVES[kind]
            x, y = (_coordinate(unverified_jwk, name, size) for name in ("x", "y"))
            return ec.EllipticCurvePublicNumbers(x, y, curve()).public_key()


def public_members(public_key: PublicKey) -> dict[str, str]:
    """The way back from `public_key_of`, in canonical form."""
    match public_key:
        case RSAPublicKey():
            rsa = public_key.public_numbers()
            return {"kty": "RSA", "n": _minimal(rsa.n), "e": _minimal(rsa.e)}
        case Ed25519PublicKey():
            return {"kty": "OKP", "crv": "Ed25519", "x": _text(public_key.public_bytes_raw())}
        case _:
            point = public_key.public_numbers()
            crv, size = next(
                (crv, size) for crv, (curve, size) in CURVES.items() if isinstance(point.curve, curve)
            )
            return {
                "kty": "EC",
                "crv": crv,
                "x": _text(point.x.to_bytes(size)),
                "y": _text(point.y.to_bytes(size)),
            }


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638 §3 with SHA-256, in base64url. The JWK must be well formed."""
    members = {name: jwk[name] for name in REQUIRED_MEMBERS[jwk["kty"]]}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True)
    return _text(hashlib.sha256(canonical.encode()).digest())


def _octets(unverified_jwk: Mapping[str, Any], name: str) -> bytes:
    text = unverified_jwk.get(name)
    if not isinstance(text, str) or not 0 < len(text) <= MAX_MEMBER_LENGTH:
        raise ValueError("a key value is missing, no text or too long")
    if not text.isascii():
        raise ValueError("a key value is not base64url")
    return base64url.decode(text.encode())


def _coordinate(unverified_jwk: Mapping[str, Any], name: str, size: int) -> int:
    octets = _octets(unverified_jwk, name)
    if len(octets) != size:  # RFC 7518 §6.2.1.2
        raise ValueError("a coordinate of another size")
    return int.from_bytes(octets)


def _minimal(number: int) -> str:
    return _text(number.to_bytes((number.bit_length() + 7) // 8))


def _text(octets: bytes) -> str:
    return base64url.encode(octets).decode()
