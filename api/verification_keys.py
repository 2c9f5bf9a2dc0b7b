"""A public key with the one algorithm it is used with (RFC 8725 §3.1), and the check of a signature."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature

from api.algorithms import ALGORITHMS, PublicKey, Verify, WrongKey
from api.jose import UnverifiedJws


class BadSignature(Exception):
    """The signature was not made with this key and its algorithm. The message never says more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationKey:
    """Raises `WrongKey` when made of an unknown algorithm, or of a key of another type, curve or size than it wants."""

    kid: str
    alg: str
    public_key: PublicKey
    check: Verify = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.alg not in ALGORITHMS:
            raise WrongKey("unknown algorithm")
        object.__setattr__(self, "check", ALGORITHMS[self.alg].verifier(self.public_key))


def verify(jws: UnverifiedJws, key: VerificationKey) -> None:
    """RFC 7515 §5.2. Raises `BadSignature`, also when the header names another algorithm than the key's.

    An ECDSA signature has a twin (r, n-s) that verifies as well: a token is known by its `jti`, never by its signature.
    """
    if jws.unverified_header.get("alg") != key.alg:
        raise BadSignature("another algorithm than the key's")
    try:
        key.check(jws.signature, jws.signing_input)
    except InvalidSignature:
        raise BadSignature("the signature does not verify") from None
