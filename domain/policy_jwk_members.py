"""Members of a JWK as octets and numbers (RFC 7518 §2, §6): canonical base64url only."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final

from domain.policy_values import Unreadable

LONGEST_MEMBER: Final = 2048
"""Characters; a modulus of 8192 bits needs 1366."""


def octets(key: Mapping[str, Any], member: str) -> bytes:
    """Raises Unreadable, without the value."""
    value = key.get(member)
    if isinstance(value, str) and value.isascii() and 0 < len(value) <= LONGEST_MEMBER:
        decoded = _decoded(value)
        if urlsafe_b64encode(decoded).rstrip(b"=").decode() == value:
            return decoded
    raise Unreadable("is missing or no base64url", "Copy the key as it was published.", member)


def big_number(key: Mapping[str, Any], member: str) -> int:
    """An unsigned big-endian integer. Raises Unreadable."""
    return int.from_bytes(octets(key, member))


def _decoded(value: str) -> bytes:
    try:
        return urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except ValueError:
        return b""
