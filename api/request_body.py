"""The body of a request, read from raw ASGI, never more than fits a form."""

from __future__ import annotations

from typing import Final

from starlette.types import Receive, Scope

from api.forms import MAX_BODY

_MOST_DIGITS: Final = len(str(MAX_BODY))


class BodyTooLarge(Exception):
    """More bytes than any request of ours has."""


class ClientDisconnected(Exception):
    """Nobody waits for the answer any more."""


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """The whole body. Raises BodyTooLarge or ClientDisconnected."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and _is_too_large(value.lstrip(b"0")):
            raise BodyTooLarge
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise BodyTooLarge
        if not message.get("more_body", False):
            return bytes(body)


def _is_too_large(digits: bytes) -> bool:
    """Counted first: `int` raises for thousands of digits."""
    return len(digits) > _MOST_DIGITS or int(digits or b"0") > MAX_BODY
