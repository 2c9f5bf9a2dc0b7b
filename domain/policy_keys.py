"""Keys in a policy: public only, strong enough, meant for signatures (RFC 7517 §4, RFC 8725 §3.2, §3.5)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Final

from domain.policy import Policy
from domain.policy_problems import KeyPath, Problems

SMALLEST_RSA: Final = 2048
_PRIVATE: Final = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_CURVES: Final = {"EC": ("P-256", "P-384", "P-521"), "OKP": ("Ed25519",)}


def check_keys(policy: Policy, problems: Problems) -> None:
    """Add a problem for every key that must not be used."""
    for name, client in policy.clients.items():
        _check(client.jwks, ("clients", name, "jwks"), problems)
    for issuer_name, issuer in policy.trusted_issuers.items():
        _check(issuer.jwks, ("trusted_issuers", issuer_name, "jwks"), problems)


def _check(keys: Sequence[Mapping[str, Any]], path: KeyPath, problems: Problems) -> None:
    seen: set[object] = set()
    for place, key in enumerate(keys):
        what = _weakness(key)
        if what is not None:
            problems.add((*path, place), what)
        kid = key.get("kid")
        if not isinstance(kid, str) or not 0 < len(kid) <= 200:
            problems.add((*path, place), "a key needs a kid")
        elif kid in seen:
            problems.add((*path, place), "two keys have the same kid")
        seen.add(kid)


def _weakness(key: Mapping[str, Any]) -> str | None:
    """What is wrong with a key; never any part of it."""
    if any(member in key for member in _PRIVATE):
        return "holds private members: give the public key only, and replace this one, for it has been shown"
    if key.get("use", "sig") != "sig" or "verify" not in key.get("key_ops", ["verify"]):
        return "is not for verifying signatures"
    if key.get("kty") == "RSA":
        return _rsa_weakness(key)
    if key.get("kty") not in _CURVES:
        return "must be an EC, OKP or RSA key"
    if key.get("crv") not in _CURVES[key["kty"]]:
        return f"must be on one of the curves {', '.join(_CURVES[key['kty']])}"
    return None


def _rsa_weakness(key: Mapping[str, Any]) -> str | None:
    modulus, exponent = _number(key.get("n")), _number(key.get("e"))
    if modulus is None or exponent is None:
        return "is no RSA key: n and e must be base64url"
    if modulus.bit_length() < SMALLEST_RSA:
        return f"is too weak: RSA keys have at least {SMALLEST_RSA} bits"
    if exponent < 65537 or exponent % 2 == 0:
        return "is too weak: its exponent must be 65537 or another odd number above"
    return None


def _number(value: object) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        return int.from_bytes(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
    except (ValueError, binascii.Error):
        return None
