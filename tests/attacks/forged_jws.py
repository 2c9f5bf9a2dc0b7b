"""Tokens written by hand, with anything in any of their segments."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any, Final

from api.jose import OWN_HEADER, HeaderRules, MalformedToken, parse_compact
from api.signing_keys import SigningKey

CLAIMS: Final[dict[str, Any]] = {"iss": "https://sts.example", "sub": "corp:alice", "exp": 2_000_000_000}


def segment(content: object) -> str:
    """Base64url of the octets or text as they are, or of anything else as JSON."""
    text = content if isinstance(content, bytes | str) else json.dumps(content)
    return urlsafe_b64encode(text if isinstance(text, bytes) else text.encode()).rstrip(b"=").decode()


def unsigned(header: object, claims: object = CLAIMS, signature: bytes = bytes(64)) -> str:
    """A token of these parts whose signature is whatever is given."""
    return f"{segment(header)}.{segment(claims)}.{segment(signature)}"


def signed(key: SigningKey, claims: object = CLAIMS, header: object = None) -> str:
    """A token with a true signature of `key`, under its own header or any other."""
    signing_input = (
        f"{segment(header) if header is not None else key.header_segment.decode()}.{segment(claims)}"
    )
    return f"{signing_input}.{key.sign(signing_input.encode()).decode()}"


def why_malformed(token: str, rules: HeaderRules = OWN_HEADER) -> str | None:
    """The reason for which the guard refuses the token, or None."""
    try:
        parse_compact(token, rules)
    except MalformedToken as malformed:
        return malformed.reason
    return None
