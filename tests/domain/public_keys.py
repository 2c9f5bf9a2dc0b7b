"""Public JWKs for policies: good ones from RFCs, and an RSA key of any size that nobody has the other half of."""

from __future__ import annotations

import base64
from typing import Any, Final

ED25519: Final = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "kid": "ed",
}
"""RFC 8037 §A.2."""
P256: Final = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "kid": "ec",
}
"""RFC 7515 §A.3."""
P521: Final = {
    "kty": "EC",
    "crv": "P-521",
    "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
    "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
    "kid": "ec5",
}
"""RFC 7515 §A.4."""


def base64url(number: int) -> str:
    """An integer as a JWK has it (RFC 7518 §2)."""
    octets = number.to_bytes((number.bit_length() + 7) // 8 or 1)
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def rsa_key(bits: int = 2048, exponent: int = 65537) -> dict[str, Any]:
    """A modulus of exactly so many bits; odd, and otherwise of no use."""
    return {"kty": "RSA", "n": base64url((1 << (bits - 1)) + 1), "e": base64url(exponent), "kid": "rsa"}
