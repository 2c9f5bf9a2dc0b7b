"""Attacks on the parsers themselves: catalogue 1.4 and the parsing rows of 1.3, below the endpoints."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from api.client_credentials import BasicCredentials, UnusableCredentials, read_client_credentials
from api.forms import MAX_BODY, Form, MalformedForm, parse_form
from api.request_body import BodyTooLarge, ClientDisconnected, read_body
from tests.echo_server import UPGRADE, chunked, echo_server, post, talk

FORM = b"application/x-www-form-urlencoded"
BASIC = (b"authorization", b"Basic " + base64.b64encode(b"agent:s3cret"))


@pytest.fixture
def port() -> Iterator[int]:
    """A server with our protocol; it must be alive afterwards, whatever it was sent."""
    with echo_server() as listening:
        yield listening
        assert talk(listening, post("alive"), until=b"alive").endswith(b"/ alive")


@pytest.mark.parametrize("name", ["grant_type", "subject_token", "client_id", "unknown"])
def test_h_01_a_parameter_given_twice_is_refused(name: str) -> None:
    """RFC 6749 §3.2: neither the first nor the last is chosen."""
    with pytest.raises(MalformedForm):
        parse_form(f"{name}=a&x=1&{name}=b".encode(), FORM)


def test_h_02_a_multipart_body_is_refused() -> None:
    """A file part named grant_type never becomes a parameter."""
    body = b'--x\r\nContent-Disposition: form-data; name="grant_type"; filename="f"\r\n\r\nx\r\n--x--\r\n'
    for content_type in (b"multipart/form-data; boundary=x", FORM + b"; boundary=x"):
        with pytest.raises(MalformedForm):
            parse_form(body, content_type)


def test_h_03_another_or_no_content_type_is_refused() -> None:
    """JSON, nothing, another charset: never an empty form."""
    for content_type in (None, b"application/json", FORM + b"; charset=utf-16"):
        with pytest.raises(MalformedForm):
            parse_form(b"grant_type=x", content_type)


def test_h_03_a_content_type_of_any_length_is_looked_at_once() -> None:
    """A pattern that backtracks would stop the event loop for seconds; the test's time limit would end this one."""
    for filling in (b" ", b";", b"; ", b"=", b";charset=utf-8"):
        for _ in range(100):
            with pytest.raises(MalformedForm):
                parse_form(b"a=b", FORM + filling * (60_000 // len(filling)) + b"x")


@pytest.mark.parametrize("value", [b"\xff", b"%ff", b"\x00", b"%00", b"%ed%a0%80", b"%0a", b"%1B"])
def test_h_04_what_is_no_plain_utf_8_is_refused(value: bytes) -> None:
    """Also behind an escape; and no byte order mark before a key."""
    for body in (b"token=" + value, value + b"=x", b"\xef\xbb\xbftoken=x", b"%EF%BB%BFtoken=x"):
        with pytest.raises(MalformedForm):
            parse_form(body, FORM)


def test_h_05_too_many_fields_are_refused() -> None:
    """Five thousand."""
    with pytest.raises(MalformedForm):
        parse_form(b"&".join(b"p%d=x" % number for number in range(5000)), FORM)


def read(pieces: Iterable[bytes], *headers: tuple[bytes, bytes]) -> tuple[bytes, int]:
    """What `read_body` makes of a body in pieces, and how many of them it left unread; a disconnect follows them."""
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    if messages:
        messages[-1]["more_body"] = False
    messages.append({"type": "http.disconnect"})

    async def receive() -> Any:
        return messages.pop(0)

    body = asyncio.run(read_body({"type": "http", "headers": list(headers)}, receive))
    return body, len(messages) - 1


def test_h_05_a_body_is_read_up_to_its_limit_and_no_further() -> None:
    """Exactly 64 KiB is taken, in one piece or many."""
    assert read([b"x" * MAX_BODY]) == (b"x" * MAX_BODY, 0)
    assert read([b"x" * 1024] * 64) == (b"x" * MAX_BODY, 0)
    with pytest.raises(BodyTooLarge):
        read([b"x" * 1024] * 64 + [b"x"])


@pytest.mark.parametrize("length", [b"65537", b"20000000", b"9" * 5000])
def test_h_05_a_length_too_large_is_believed(length: bytes) -> None:
    """Nothing is read; here there would be nothing but a disconnect."""
    with pytest.raises(BodyTooLarge):
        read([], (b"content-length", length))


def test_h_05_zeros_before_a_length_are_nothing() -> None:
    """Thousands of digits are no number to Python, but a length to HTTP."""
    assert read([b"a=b"], (b"content-length", b"0" * 5000 + b"3")) == (b"a=b", 0)


def test_a_disconnect_is_no_body() -> None:
    """Half a form is never acted on."""
    with pytest.raises(ClientDisconnected):
        read([])


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na",
        b"POST / HTTP/1.1\r\nHost: x\r\nX: a\r\n Content-Length: 1\r\n\r\na",
        b"POST / HTTP/1.1\nHost: x\nContent-Length: 1\n\na",
        chunked("ZZ\r\n"),
        chunked("3\nabc\n0\n\n"),
        chunked("3\r\nabcd\r\n0\r\n\r\n"),
        chunked("FFFFFFFFFFFFFFFFF\r\nabc"),
        b"NONSENSE\r\n\r\n",
    ],
)
def test_h_06_what_does_not_add_up_is_refused_and_closed(port: int, request_bytes: bytes) -> None:
    """Two lengths, bad chunks, bare line feeds: one 400, and the connection ends, so that nothing can be smuggled."""
    answer = talk(port, request_bytes)
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("length", [66_000, 1_000_000])
@pytest.mark.parametrize("offer", ["", UPGRADE])
@pytest.mark.parametrize("end", ["", "\r\n\r\n"])
def test_h_06_a_head_is_bounded_however_it_arrives(port: int, length: int, offer: str, end: str) -> None:
    """Never ending or whole in one segment, with an offer or without."""
    head = f"POST / HTTP/1.1\r\nHost: x\r\n{offer}X: " + "a" * length + end
    answer = talk(port, head.encode())
    assert answer[:12] in (b"HTTP/1.1 400", b"")


def test_h_06_a_head_of_the_usual_size_with_a_large_body_is_taken(port: int) -> None:
    """The bound is for heads; a body that comes in the same segment does not count."""
    body = "x" * MAX_BODY
    assert talk(port, post(body), until=b"xxx").startswith(b"HTTP/1.1 200")


def test_h_06_trailers_are_no_headers(port: int) -> None:
    """RFC 9110 §6.5.1: a proxy that strips `X-Forwarded-For` from heads may let it pass behind a body."""
    answer = talk(
        port,
        chunked("3\r\nabc\r\n0\r\nAuthorization: Basic eDp5\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"),
        until=b"abc",
    )
    assert b"x-saw: host transfer-encoding\r\n" in answer


@pytest.mark.parametrize("line", ["a:b\r\n", "a" * 1000, "a: " + "b" * 1000])
def test_h_06_trailers_are_bounded(port: int, line: str) -> None:
    """Without an end in sight the connection ends, long before memory does."""
    answer = talk(port, chunked("0\r\n" + line * (300_000 // len(line))))
    assert b"200 OK" not in answer


def test_h_06_an_offer_behind_an_unread_body_hangs_nothing(port: int) -> None:
    """The rest of a body that was answered early, and a head with an offer, in one segment."""
    early = post("a" * 2000, path="/early")
    answer = talk(port, early[:-1000], early[-1000:] + post("next", UPGRADE), until=b"next")
    assert answer.count(b"200 OK") == 2


def test_h_06_no_part_of_a_head_is_read_as_a_request(port: int) -> None:
    """A field that looks like a request, cut off from its head where a segment ends, behind another request."""
    inner = f"POST /admin/revoke HTTP/1.1\r\nHost: x\r\n{UPGRADE}Content-Length: 3\r\n\r\nabc"
    answer = talk(port, post("one") + b"POST / HTTP/1.1\r\nHost: x\r\nX: ", inner.encode(), until=b"abc")
    assert answer.endswith(b"/ abc")
    assert b"/admin" not in answer


@pytest.mark.parametrize("behind", [b"\x01\x02\r\n\r\n", chunked("ZZ\r\n"), b"CONNECT x:1 HTTP/1.1\r\n\r\n"])
def test_h_06_a_bad_request_never_answers_for_a_good_one(port: int, behind: bytes) -> None:
    """Pipelined nonsense: the answer that is owed comes first, for what it says has been done."""
    answer = talk(port, post("done") + behind, until=b"done")
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"/ done")


@pytest.mark.parametrize("offer", ["", UPGRADE])
def test_h_06_pipelining_is_bounded(port: int, offer: str) -> None:
    """The connection ends behind the last answer that is given, and those are all in order."""
    answer = talk(port, b"".join(post(f"{number:03}", offer) for number in range(500)))
    numbers = [
        int(line[2:5]) for line in answer.replace(b"HTTP", b"\r\nHTTP").split(b"\r\n") if line[:2] == b"/ "
    ]
    assert numbers == list(range(len(numbers)))
    assert 0 < len(numbers) < 100


@pytest.mark.parametrize(
    "second",
    [
        {"client_secret": "s3cret"},
        {"client_assertion": "a.b.c"},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
    ],
)
def test_ca_01_a_second_method_is_an_invalid_request(second: dict[str, str]) -> None:
    """RFC 6749 §2.3: the weaker of two methods never decides."""
    found = read_client_credentials([BASIC], Form({name: (value,) for name, value in second.items()}))
    assert isinstance(found, UnusableCredentials)
    assert found.error == "invalid_request"


def test_ca_03_a_client_id_that_differs_is_refused() -> None:
    """RFC 7521 §4.2."""
    found = read_client_credentials([BASIC], Form({"client_id": ("other",)}))
    assert isinstance(found, UnusableCredentials)
    assert found.error == "invalid_client"


@pytest.mark.parametrize(
    "pair", [b"my-agent:a_b-c.d", b"my%2Dagent:a%5Fb%2Dc%2Ed", b"%6d%79%2dagent:a_b-c%2ed"]
)
def test_ca_10_encoded_and_raw_basic_credentials_are_the_same(pair: bytes) -> None:
    """RFC 6749 §2.3.1 as real clients read it."""
    header = (b"authorization", b"Basic " + base64.b64encode(pair))
    assert read_client_credentials([header], Form({})) == BasicCredentials("my-agent", "a_b-c.d")


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ([BASIC, BASIC], "invalid_request"),
        ([(b"authorization", b"Basic " + base64.b64encode(b"agent"))], "invalid_client"),
        ([(b"authorization", b"Basic " + base64.b64encode(b"agent:"))], "invalid_client"),
        ([(b"authorization", b"Basic " + base64.b64encode(b":s3cret"))], "invalid_client"),
        ([(b"authorization", b"Basic " + base64.b64encode("agent:gehe\u00efm".encode()))], "invalid_client"),
        ([(b"authorization", b"Basic YWdlbnQ6eA")], "invalid_client"),
        ([(b"authorization", b"Digest agent")], "invalid_client"),
    ],
)
def test_ca_11_unreadable_credentials_fail_closed(headers: list[tuple[bytes, bytes]], error: str) -> None:
    """Never mistaken for no credentials at all."""
    found = read_client_credentials(headers, Form({}))
    assert isinstance(found, UnusableCredentials)
    assert found.error == error
