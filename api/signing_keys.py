"""A private key of ours, with its algorithm, its name and the header it signs under."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Final, assert_never

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from api import base64url
from api.algorithms import ALGORITHMS, PrivateKey, Sign
from api.key_members import public_members, thumbprint
from api.verification_keys import VerificationKey
from domain.identifiers import Kid
from domain.policy import SigningAlgorithm
from domain.signing_input import header_segment

RSA_BITS: Final = 3072


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """Raises `WrongKey` when the private key does not go with `alg`."""

    alg: SigningAlgorithm
    private_key: PrivateKey = field(repr=False, compare=False)
    kid: Kid = field(init=False)
    """The RFC 7638 thumbprint of the public half."""
    header_segment: bytes = field(init=False, repr=False)
    """The protected header of an access token, encoded once."""
    make_signature: Sign = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "make_signature", ALGORITHMS[self.alg].signer(self.private_key))
        object.__setattr__(self, "kid", Kid(thumbprint(public_members(self.private_key.public_key()))))
        object.__setattr__(self, "header_segment", header_segment(self.kid, self.alg))

    @classmethod
    def generate(cls, alg: SigningAlgorithm) -> SigningKey:
        """A new key; RSA keys have `RSA_BITS`."""
        return cls(alg=alg, private_key=_generate(alg))

    @classmethod
    def from_pem(cls, pem: bytes) -> SigningKey:
        """Read what `to_pem` wrote. Raises ValueError, which never quotes the text."""
        named = _ALGORITHM_LINE.match(pem)
        if named is None:
            raise ValueError("the first line does not name the key's algorithm")
        try:
            private_key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ValueError("not an unencrypted PKCS#8 private key") from None
        return cls(alg=named[1].decode(), private_key=private_key)  # type: ignore[arg-type]  # checked by the constructor

    def to_pem(self) -> bytes:
        """PKCS#8, not encrypted. A line before it names the algorithm (RFC 7468 §2 allows it): an RSA key fits two."""
        pkcs8 = self.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return b"Algorithm: " + self.alg.encode() + b"\n" + pkcs8

    def header_segment_for(self, typ: str) -> bytes:
        """The encoded protected header of a JWT of another type (RFC 8725 §3.11)."""
        header = {"alg": self.alg, "typ": typ, "kid": self.kid}
        return base64url.encode(json.dumps(header, separators=(",", ":")).encode())

    def sign(self, signing_input: bytes) -> bytes:
        """The signature in base64url (RFC 7515 §5.1), ready to follow the second dot."""
        return base64url.encode(self.make_signature(signing_input))

    def public_jwk(self) -> dict[str, str]:
        """RFC 7517 §4, as it stands in the JWKS and in the log."""
        return public_members(self.private_key.public_key()) | {
            "kid": self.kid,
            "alg": self.alg,
            "use": "sig",
        }

    def verification_key(self) -> VerificationKey:
        return VerificationKey(kid=self.kid, alg=self.alg, public_key=self.private_key.public_key())


_ALGORITHM_LINE: Final = re.compile(rb"Algorithm: (ES256|EdDSA|RS256|PS256)\n")


def _generate(alg: SigningAlgorithm) -> PrivateKey:
    match alg:
        case "ES256":
            return ec.generate_private_key(ec.SECP256R1())
        case "EdDSA":
            return Ed25519PrivateKey.generate()
        case "RS256" | "PS256":
            return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
        case _:
            assert_never(alg)
