"""What is told by its octets alone is what the parser would have read: one whole request, kept alive."""

from __future__ import annotations

from typing import Any

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.plain_requests import PlainRequests

PLAIN = PlainRequests([b"/oauth/token", b"/oauth/introspect"])
FIELDS = b"Host: sts.example\r\nAuthorization: Basic YTpi\r\n"
BODY = b"grant_type=client_credentials"


def request(fields: bytes = FIELDS, body: bytes = BODY, length: bytes | None = None) -> bytes:
    """A POST to the token endpoint."""
    declared = b"Content-Length: %d\r\n" % len(body) if length is None else length
    return b"POST /oauth/token HTTP/1.1\r\n" + fields + declared + b"\r\n" + body


class _Read:
    """What the server's parser makes of some octets."""

    def __init__(self, data: bytes) -> None:
        self.targets: list[bytes] = []
        self.body = b""
        self.whole = 0
        self.kept_alive = False
        self._parser: Any = httptools.HttpRequestParser(self)
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        """The target of the request that begins."""
        self.targets.append(url)

    def on_body(self, body: bytes) -> None:
        """A part of it."""
        self.body += body

    def on_message_complete(self) -> None:
        """One more is whole."""
        self.whole += 1
        self.kept_alive = self._parser.should_keep_alive()


@pytest.mark.parametrize(
    "data",
    [
        request(),
        request(fields=b""),
        request(body=b"", length=b"content-length: 0\r\n"),
        request(fields=FIELDS + b"Connection: keep-alive\r\n"),
        request(fields=FIELDS + b"connection: Keep-Alive\r\nX-Trace: 1\r\n"),
        request().replace(b"/oauth/token", b"/oauth/introspect"),
    ],
)
def test_a_usual_request_is_told(data: bytes) -> None:
    """Wherever the length stands, however names are written."""
    assert PLAIN.target(data) == data.split(b" ")[1]


@pytest.mark.parametrize(
    "data",
    [
        request() + b"POST",
        request()[:-1],
        request()[:40],
        request().replace(b"POST", b"PUT"),
        request().replace(b"POST", b"post"),
        request().replace(b"/oauth/token", b"/oauth/token?x"),
        request().replace(b"/oauth/token", b"/oauth/revoke"),
        request().replace(b"HTTP/1.1", b"HTTP/1.0"),
        request(length=b"Content-Length: +29\r\n"),
        request(length=b"Content-Length: 029 \r\n"),
        request(length=b"Content-Length:29\r\nContent-Length: 29\r\n"),
        request(length=b"Content-Length: 29\r\nContent-Length: 29\r\n"),
        request(length=b"Content-Length : 29\r\n"),
        request(length=b"Content-Length: 29\n"),
        request(length=b""),
        request(fields=FIELDS + b"Transfer-Encoding: chunked\r\n"),
        request(fields=FIELDS + b"transfer-encoding:\tchunked\r\n"),
        request(fields=FIELDS + b"Expect: 100-continue\r\n"),
        request(fields=FIELDS + b"Connection: close\r\n"),
        request(fields=FIELDS + b"Connection: keep-alive, close\r\n"),
        request(fields=FIELDS + b"Connection: Upgrade\r\nUpgrade: h2c\r\n"),
        request(fields=FIELDS + b"X: a\r\n folded\r\n"),
        request(fields=FIELDS + b"X: a\nContent-Length: 1\r\n"),
        request(fields=FIELDS + b"X: a\rContent-Length: 1\r\n"),
        request(fields=FIELDS + b"X: a\0\r\n"),
        request(fields=FIELDS + b"X y: a\r\n"),
        request(fields=FIELDS + b": a\r\n"),
        request(fields=b" " + FIELDS),
    ],
)
def test_anything_else_is_left_to_the_parser(data: bytes) -> None:
    """Other framing, other senders' wishes, other methods, and everything that parsers disagree on."""
    assert PLAIN.target(data) is None


pieces = st.sampled_from(
    [
        *(b"POST /oauth/token HTTP/1.1\r\n", b"Host: a\r\n", b"Content-Length: ", b"content-length: 3\r\n"),
        *(b"0", b"3", b"12", b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"abc", b"\r\n\r\n", b"\0", b"\xff"),
        *(
            b"Transfer-Encoding: chunked\r\n",
            b"Connection: keep-alive\r\n",
            b"Connection: close\r\n",
            b"X: y\r\n",
        ),
        *(b"Expect: 100-continue\r\n", b"Upgrade: h2c\r\n", b"POST /oauth/introspect HTTP/1.1\r\n"),
    ]
)


@given(
    st.lists(pieces, max_size=12).map(b"".join)
    | st.lists(pieces, max_size=9).map(
        lambda middle: b"POST /oauth/token HTTP/1.1\r\n" + b"".join(middle) + b"content-length: 3\r\n\r\nabc"
    )
)
def test_what_is_told_is_what_the_parser_reads(data: bytes) -> None:
    """Never laxer: one request, of that target, with that body, on a connection that stays, and nothing left over."""
    target = PLAIN.target(data)
    if target is not None:
        read = _Read(data)
        assert (read.targets, read.whole, read.kept_alive) == ([target], 1, True)
        assert data.endswith(b"\r\n\r\n" + read.body)
