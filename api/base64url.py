"""Base64url without padding (RFC 7515 §2), one text per octet string and one octet string per text."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode


def encode(octets: bytes) -> bytes:
    return urlsafe_b64encode(octets).rstrip(b"=")


def decode(segment: bytes) -> bytes:
    """Takes only what `encode` could have written: no padding, no stray bits. Raises ValueError, without the text."""
    octets = urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    if encode(octets) != segment:
        raise ValueError("not canonical base64url")
    return octets
