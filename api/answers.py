"""HTTP answers on the raw ASGI interface or as octets, for the routes where a microsecond counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec
from starlette.types import Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from api.oauth_errors import OAuthError
from domain.values import made_quickly

_ENCODE: Final = msgspec.json.Encoder().encode
_JSON: Final = (b"content-type", b"application/json")
_NO_STORE: Final = ((b"cache-control", b"no-store"), (b"pragma", b"no-cache"))
"""RFC 6749 §5.1; on errors too."""
_ALWAYS: Final = (
    b"content-type: application/json\r\ncontent-length: %d\r\n"
    b"cache-control: no-store\r\npragma: no-cache\r\nx-request-id: %b\r\n"
)
"""The same for `answer_octets`."""


@made_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status and a JSON body; an empty body for RFC 7009 §2.2."""

    status: int = 200
    body: Mapping[str, Any] | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()


def error_answer(error: OAuthError) -> Answer:
    """RFC 6749 §5.2."""
    headers: list[tuple[bytes, bytes]] = []
    if error.challenge is not None:
        headers.append((b"www-authenticate", error.challenge.encode()))
    if error.retry_after is not None:
        headers.append((b"retry-after", str(error.retry_after).encode()))
    body = {"error": error.error, "error_description": error.description}
    return Answer(status=error.status, body=body, headers=tuple(headers))


def raw_answer(error: OAuthError, *lines: bytes) -> bytes:
    """A whole HTTP/1.1 answer to a request that has no id, with these header lines on top."""
    answer = error_answer(error)
    body = _ENCODE(answer.body)
    phrase = HTTPStatus(answer.status).phrase
    fields = [_JSON, (b"content-length", b"%d" % len(body)), *_NO_STORE, *answer.headers]
    head = [
        f"HTTP/1.1 {answer.status} {phrase}".encode(),
        *(b": ".join(field) for field in fields),
        *lines,
    ]
    return b"\r\n".join([*head, b"", body])


async def send_answer(send: Send, answer: Answer, request_id: str) -> None:
    """Send it, never to be cached, under the id that the events of this request carry."""
    body = b"" if answer.body is None else _ENCODE(answer.body)
    headers = [
        _JSON,
        (b"content-length", str(len(body)).encode()),
        *_NO_STORE,
        (b"x-request-id", request_id.encode()),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def answer_octets(
    answer: Answer, request_id: str, default_headers: list[tuple[bytes, bytes]], keep_alive: bool
) -> bytes:
    """The same, as the octets of an HTTP/1.1 response, so that one write sends them. Header values are all ours."""
    body = b"" if answer.body is None else _ENCODE(answer.body)
    head = [STATUS_LINE[answer.status]]
    for name, value in default_headers:
        head += name, b": ", value, b"\r\n"
    head.append(_ALWAYS % (len(body), request_id.encode()))
    for name, value in answer.headers:
        head += name, b": ", value, b"\r\n"
    head += (b"\r\n" if keep_alive else b"connection: close\r\n\r\n"), body
    return b"".join(head)


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of that lower-case name."""
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return None
