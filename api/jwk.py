"""One public JWK (RFC 7517 §4): from the outside to a verification key."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, Literal

from api.algorithms import ALGORITHM_OF_KIND, ALGORITHMS, KeyKind, PublicKey, WrongKey
from api.key_members import kind_of, public_key_of, public_members, thumbprint
from api.verification_keys import VerificationKey

UnusableReason = Literal[
    "not_an_object",
    "key_type",
    "private_member",
    "not_for_signatures",
    "key_id",
    "algorithm",
    "key_value",
    "key_strength",
]

MAX_KEY_ID_LENGTH: Final = 256
PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class UnusableKey(ValueError):
    """This JWK verifies nothing here. The message is the closed reason: a private key sent by mistake is not echoed."""

    def __init__(self, reason: UnusableReason) -> None:
        super().__init__(reason)
        self.reason: Final = reason


def jwk_from_dict(unverified_jwk: Mapping[str, Any]) -> VerificationKey:
    """The key with its own `alg` or, without one, the usual one of its kind. Raises `UnusableKey`."""
    (key,) = keys_from_jwk(unverified_jwk, None)
    return key


def keys_from_jwk(unverified_jwk: object, algorithms: Collection[str] | None) -> tuple[VerificationKey, ...]:
    """One verification key for every one of `algorithms` that the JWK may be used with; at least one.

    None means no restriction: then it is the JWK's `alg` or, without one, the usual one of its kind. A JWK without
    `kid` goes by its RFC 7638 thumbprint. Raises `UnusableKey`.
    """
    if not isinstance(unverified_jwk, Mapping):
        raise UnusableKey("not_an_object")
    kind = _kind(unverified_jwk)
    wanted = _algorithms(unverified_jwk, kind, algorithms)
    public_key = _public_key(unverified_jwk, kind)
    kid = _key_id(unverified_jwk) or thumbprint(public_members(public_key))
    try:
        return tuple(VerificationKey(kid=kid, alg=alg, public_key=public_key) for alg in wanted)
    except WrongKey:
        raise UnusableKey("key_strength") from None


def _kind(unverified_jwk: Mapping[str, Any]) -> KeyKind:
    if not PRIVATE_MEMBERS.isdisjoint(unverified_jwk):
        raise UnusableKey("private_member")
    if unverified_jwk.get("use", "sig") != "sig":
        raise UnusableKey("not_for_signatures")
    operations = unverified_jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise UnusableKey("not_for_signatures")
    kind = kind_of(unverified_jwk)
    if kind is None:
        raise UnusableKey("key_type")
    return kind


def _algorithms(
    unverified_jwk: Mapping[str, Any], kind: KeyKind, algorithms: Collection[str] | None
) -> tuple[str, ...]:
    fitting = {alg for alg, algorithm in ALGORITHMS.items() if algorithm.kind == kind}
    if "alg" in unverified_jwk:
        fitting = {alg for alg in fitting if alg == unverified_jwk["alg"]}
    elif algorithms is None:
        fitting = {ALGORITHM_OF_KIND[kind]}
    wanted = tuple(sorted(fitting if algorithms is None else fitting.intersection(algorithms)))
    if not wanted:
        raise UnusableKey("algorithm")
    return wanted


def _public_key(unverified_jwk: Mapping[str, Any], kind: KeyKind) -> PublicKey:
    try:
        return public_key_of(unverified_jwk, kind)
    except ValueError:
        raise UnusableKey("key_value") from None


def _key_id(unverified_jwk: Mapping[str, Any]) -> str | None:
    if "kid" not in unverified_jwk:
        return None
    kid = unverified_jwk["kid"]
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KEY_ID_LENGTH or not kid.isprintable():
        raise UnusableKey("key_id")
    return kid
