"""The symmetric signature of Standard Webhooks 1.0: `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Final

from consumers.delivery import SinkMisconfigured
from consumers.sinks.credential import Secret

PREFIX: Final = "whsec_"
SMALLEST: Final = 24
LARGEST: Final = 64
"""Bytes of a key, as the specification asks."""


def key_of(secret: Secret) -> bytes:
    """The key in `whsec_<base64>`. Raises SinkMisconfigured."""
    value = secret.read()
    try:
        key = base64.b64decode(value.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not value.startswith(PREFIX) or not SMALLEST <= len(key) <= LARGEST:
        raise SinkMisconfigured(
            f"a webhook's secret is {PREFIX} and base64 of {SMALLEST} to {LARGEST} bytes; "
            f"{secret.file or secret.env} holds something else"
        )
    return key


def signature(key: bytes, identity: str, timestamp: int, body: bytes) -> str:
    """One signature; several stand in the header with a space between them. `timestamp` in seconds."""
    signed = b"%s.%d.%s" % (identity.encode(), timestamp, body)
    return f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}"
