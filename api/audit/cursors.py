"""Cursors of a search: where the next page starts, bound to the conditions that the page before had.

A cursor is no secret and gives no right: whoever may search may search from anywhere. The checksum keeps a cursor from
being used with other conditions, or after a typing error, where it would leave a gap that nobody notices.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Final

from api.oauth_errors import malformed
from domain.identifiers import Position, sha256_hex
from eventstore.codec import canonical_json

_VERSION: Final = "1"
_DIGITS: Final = 16


def cursor_at(position: Position, conditions: Mapping[str, str]) -> str:
    """The cursor after that position; opaque, safe in a URL."""
    text = f"{_VERSION}.{position}.{_checksum(position, conditions)}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def position_of(unverified_cursor: str, conditions: Mapping[str, str]) -> Position:
    """Where it goes on. Raises OAuthError `invalid_request` for a cursor that is not one of these conditions."""
    try:
        padded = unverified_cursor + "=" * (-len(unverified_cursor) % 4)
        version, number, checksum = (
            base64.urlsafe_b64decode(padded.encode("ascii")).decode("ascii").split(".")
        )
        position = Position(int(number))
    except (ValueError, binascii.Error):
        raise _NO_CURSOR from None
    if version != _VERSION or not hmac.compare_digest(checksum, _checksum(position, conditions)):
        raise _NO_CURSOR
    if cursor_at(position, conditions) != unverified_cursor:
        raise _NO_CURSOR
    return position


_NO_CURSOR: Final = malformed("The cursor is not one of a search with these conditions. Start anew.")


def _checksum(position: Position, conditions: Mapping[str, str]) -> str:
    return sha256_hex(canonical_json([position, dict(conditions)]))[:_DIGITS]
