"""Public keys in a policy: public only, strong enough, meant for signatures (RFC 7517 §4, RFC 8725 §3.2, §3.5).

Nothing of a key ever stands in a message: a private one may have been pasted by mistake.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from domain.policy_curves import CURVES, is_on_curve
from domain.policy_jwk_members import big_number, octets
from domain.policy_problems import KeyPath, Problems, listed
from domain.policy_table import Table
from domain.policy_values import Unreadable, kind

MOST_KEYS: Final = 100
SMALLEST_RSA: Final = 2048
LARGEST_RSA: Final = 8192
"""Bits of a modulus; the upper bound is on the work of one verification."""
LONGEST_KID: Final = 256
PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
ED25519: Final = "Ed25519"
KIND_OF_ALGORITHM: Final[Mapping[str, str]] = {
    "ES256": "P-256",
    "ES384": "P-384",
    "ES512": "P-521",
    "EdDSA": ED25519,
    "Ed25519": ED25519,
    "RS256": "RSA",
    "RS384": "RSA",
    "RS512": "RSA",
    "PS256": "RSA",
    "PS384": "RSA",
    "PS512": "RSA",
}
"""Every algorithm that may verify here, with the kind of key it binds to. None is symmetric."""
ASSERTION_ALGORITHMS: Final = ("ES256", "EdDSA", "PS256", "RS256", "ES384")
"""Those that client assertions may be signed with."""

Jwk = Mapping[str, Any]


def read_jwks(table: Table) -> tuple[Jwk, ...]:
    """The keys below `jwks`, checked one by one; which algorithms they go with is asked later."""
    value = table.raw("jwks")
    if "jwks" not in table:
        return ()
    if not isinstance(value, list) or not 0 < len(value) <= MOST_KEYS:
        table.problem(
            ("jwks",), f"must be an array of 1 to {MOST_KEYS} keys", "Write jwks = [{ kty = ... }]."
        )
        return ()
    for index, item in enumerate(value):
        try:
            _check(item)
        except Unreadable as unfit:
            table.problem(("jwks", index, *unfit.below), unfit.what, unfit.mend)
    return tuple(dict(item) if isinstance(item, Mapping) else {} for item in value)


def check_algorithms(
    keys: Collection[Jwk], algorithms: Collection[str], path: KeyPath, problems: Problems
) -> None:
    """Each key must go with one of the algorithms, or nothing could ever be verified with it; no `kid` stands twice."""
    kids: set[str] = set()
    for index, key in enumerate(keys):
        place = (*path, index)
        if problems.within(place):
            continue
        if key["kid"] in kids:
            problems.add((*place, "kid"), "is the kid of an earlier key", "Give every key a kid of its own.")
        kids.add(key["kid"])
        fitting = [alg for alg in algorithms if KIND_OF_ALGORITHM.get(alg) == _kind(key)]
        if key.get("alg", next(iter(fitting), None)) not in fitting:
            mend = f"Use a key for one of {listed(algorithms)}."
            problems.add(place, "goes with no algorithm that is taken here", mend)


def _check(unverified: object) -> None:
    """Raises Unreadable."""
    if not isinstance(unverified, Mapping):
        raise Unreadable(f"must be a table, not {kind(unverified)}", "Write the members of the public JWK.")
    if not PRIVATE_MEMBERS.isdisjoint(unverified):
        raise Unreadable(
            "holds private members", "Give the public key alone, and replace this one: it has been shown."
        )
    for member, value in unverified.items():
        _check_member(member, value)
    if unverified.get("use", "sig") != "sig":
        raise Unreadable("is not for signatures", 'Use a key whose use is "sig".', "use")
    if "verify" not in unverified.get("key_ops", ["verify"]):
        raise Unreadable("does not allow to verify", 'Use a key whose key_ops have "verify".', "key_ops")
    kid = unverified.get("kid")
    if (
        not isinstance(kid, str)
        or not 0 < len(kid) <= LONGEST_KID
        or not (kid.isascii() and kid.isprintable())
    ):
        raise Unreadable(
            f"needs a kid of 1 to {LONGEST_KID} printable ASCII characters",
            "Give the key a kid; events name the key that proved a client by it.",
        )
    _check_value(unverified)


def _check_member(member: str, value: object) -> None:
    """What other JSON types a member may have is nobody's business here, and not every TOML value has a JSON type."""
    if isinstance(value, (str, bool)) and member != "key_ops":
        return
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Unreadable(
            "has a type that no public key has there", "Copy the key as it was published.", member
        )


def _kind(key: Jwk) -> str | None:
    match key.get("kty"), key.get("crv"):
        case "RSA", None:
            return "RSA"
        case ("OKP", "Ed25519") | ("EC", "P-256" | "P-384" | "P-521"):
            return str(key["crv"])
        case _:
            return None


def _check_value(key: Jwk) -> None:
    match _kind(key):
        case "RSA":
            _check_rsa(key)
        case "Ed25519":
            if len(octets(key, "x")) != 32:
                raise Unreadable(
                    "has another length than an Ed25519 key", "Copy it as it was published.", "x"
                )
        case str(curve):
            _check_point(key, curve)
        case None:
            raise Unreadable(
                "is of no kind that is taken here",
                "Use RSA, EC on P-256, P-384 or P-521, or OKP on Ed25519.",
            )


def _check_rsa(key: Jwk) -> None:
    modulus, exponent = big_number(key, "n"), big_number(key, "e")
    if not SMALLEST_RSA <= modulus.bit_length() <= LARGEST_RSA:
        bits = f"has {modulus.bit_length()} bits"
        raise Unreadable(bits, f"Use an RSA key of {SMALLEST_RSA} to {LARGEST_RSA} bits.", "n")
    if modulus % 2 == 0:
        raise Unreadable("is no RSA modulus", "Copy the key as it was published.", "n")
    if exponent % 2 == 0 or not 65537 <= exponent < 2**64:
        raise Unreadable("is too weak an exponent", "Use an RSA key whose exponent is 65537.", "e")


def _check_point(key: Jwk, curve: str) -> None:
    size = CURVES[curve].size
    for name in ("x", "y"):
        if len(octets(key, name)) != size:  # RFC 7518 §6.2.1.2
            raise Unreadable(f"must be {size} octets on {curve}", "Copy the key as it was published.", name)
    if not is_on_curve(CURVES[curve], big_number(key, "x"), big_number(key, "y")):
        raise Unreadable(f"is no point on {curve}", "Copy the key as it was published.")
