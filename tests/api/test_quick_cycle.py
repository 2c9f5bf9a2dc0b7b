"""Requests that the protocol answers by itself, on real sockets: order, limits and deadlines as through ASGI."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from api import http_protocol
from api.answers import Answer, answer_octets, error_answer
from api.forms import MAX_BODY
from api.oauth_errors import UNAVAILABLE
from tests.echo_server import LARGE, SLOW, echo_server, post, talk

QUICK, SLOWLY = "/quick", "/quick/slow"


@pytest.fixture
def port() -> Iterator[int]:
    """A server with our protocol."""
    with echo_server() as listening:
        yield listening


def said(answer: bytes) -> list[str]:
    """What the answers say, in order; those that came through ASGI say their path too."""
    bodies = [part.partition(b"\r\n\r\n")[2].decode() for part in answer.split(b"HTTP/1.1 200 OK")[1:]]
    return [json.loads(body)["quick"] if body.startswith("{") else body for body in bodies]


def test_an_answer_is_one_whole_response(port: int) -> None:
    """With all that an OAuth answer carries."""
    answer = talk(port, post("x", path=QUICK), until=b"}")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\ndate: ")
    assert b"\r\ncontent-type: application/json\r\ncontent-length: 13\r\n" in head
    assert head.endswith(b"\r\ncache-control: no-store\r\npragma: no-cache\r\nx-request-id: id")
    assert body == b'{"quick":"x"}'


def test_octets_and_asgi_messages_say_the_same() -> None:
    """Whatever is in the answer."""
    octets = answer_octets(error_answer(UNAVAILABLE), "id", [(b"date", b"now")], keep_alive=False)
    assert octets.startswith(b"HTTP/1.1 503 Service Unavailable\r\ndate: now\r\n")
    assert b"\r\nretry-after: 1\r\nconnection: close\r\n\r\n{" in octets
    assert b"content-length: 0\r\n" in answer_octets(Answer(), "id", [], keep_alive=True)


def test_a_request_in_pieces_is_answered_once_it_is_whole(port: int) -> None:
    """Cut anywhere, and the connection lives on."""
    whole = post("grant", path=QUICK)
    for cut in (1, 20, len(whole) - 5, len(whole) - 1):
        assert said(talk(port, whole[:cut], whole[cut:] + post("next", path=QUICK), until=b'next"}')) == [
            "grant",
            "next",
        ]


@pytest.mark.parametrize("paths", [[QUICK] * 4, [SLOWLY, QUICK, "/", QUICK], ["/", SLOWLY, "/slow", QUICK]])
def test_pipelined_requests_are_answered_in_order(port: int, paths: list[str]) -> None:
    """Quick ones and others, late ones and prompt ones, in one segment."""
    answer = talk(
        port, b"".join(post(str(n), path=path) for n, path in enumerate(paths)) + post("z"), until=b"z"
    )
    assert [text.split()[-1] for text in said(answer)] == ["0", "1", "2", "3", "z"]


def test_what_is_unusual_goes_through_asgi(port: int) -> None:
    """Another method, a query, chunks, an expectation, a body too large for any form, HTTP/1.0."""
    for request in (
        post("x", path=QUICK + "?a=b"),
        post("x", path=QUICK).replace(b"POST", b"PUT "),
        post("x", "Expect: 100-continue\r\n", QUICK),
        b"POST /quick HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        post("x" * (MAX_BODY + 1), path=QUICK),
    ):
        assert talk(port, request, until=b"x").endswith((b"/quick x", b"xxx"))
    old = post("x", path=QUICK).replace(b"HTTP/1.1", b"HTTP/1.0")
    assert b"connection: close\r\n" in talk(port, old)


def test_nothing_is_begun_behind_an_answer_that_closes(port: int) -> None:
    """RFC 9112 §9.6: what follows `Connection: close` would be done and never answered."""
    answer = talk(port, post("last", "Connection: close\r\n", QUICK) + post("more", path=QUICK))
    assert said(answer) == ["last"]
    assert b"connection: close\r\n" in answer


def test_a_bad_request_behind_a_good_one_does_not_take_its_answer(port: int) -> None:
    """First the answer that is owed, then the end."""
    assert said(talk(port, post("done", path=SLOWLY) + b"\x01\x02\r\n\r\n")) == ["done"]


def test_pipelining_is_bounded(port: int) -> None:
    """Those that are answered are answered in order."""
    answer = talk(
        port, b"".join(post(f"{number:03}", path=SLOWLY if number == 0 else QUICK) for number in range(500))
    )
    numbers = [int(text) for text in said(answer)]
    assert numbers == list(range(len(numbers)))
    assert 0 < len(numbers) < 100


@pytest.mark.parametrize("beginning", [post("body", path=QUICK)[:-2], post("one", path=QUICK) + b"POST / HT"])
def test_a_slow_sender_is_cut_off(port: int, beginning: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """H-06."""
    monkeypatch.setattr(http_protocol, "SLOWEST_REQUEST", 0.2)
    assert talk(port, beginning).count(b"HTTP/1.1") == beginning.count(b"one")


def test_an_answer_under_way_is_not_cut_off(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the next request is late."""
    monkeypatch.setattr(http_protocol, "SLOWEST_REQUEST", SLOW / 3)
    assert said(talk(port, post("one", path=SLOWLY) + b"POST / HT")) == ["one"]


def test_a_peer_that_takes_no_answers_is_cut_off(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no further request of it is worked on while its answers pile up."""
    monkeypatch.setattr(http_protocol, "SLOWEST_READER", 0.2)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(post("large", path=QUICK) * 5)
        time.sleep(1)
        taken = 0
        try:
            while received := connection.recv(1024 * 1024):
                taken += len(received)
        except ConnectionResetError:
            pass
        assert taken < LARGE


def test_a_peer_that_leaves_harms_nobody(port: int) -> None:
    """While its request is worked on, and with others behind it."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(post("one", path=SLOWLY) + post("two", path=QUICK))
    time.sleep(SLOW * 1.5)
    assert said(talk(port, post("alive", path=QUICK), until=b"}")) == ["alive"]


def test_a_fault_ends_the_connection_and_nothing_else(port: int) -> None:
    """An endpoint answers its faults itself; should it not, nobody waits for ever."""
    assert talk(port, post("break", path=QUICK)) == b""
    assert said(talk(port, post("yield", path=QUICK), until=b"}")) == ["yield"]


def test_what_has_begun_is_answered_before_the_end() -> None:
    """A graceful stop: the answer comes, and says that it is the last."""
    with echo_server() as port:
        answers: list[bytes] = []
        asking = threading.Thread(target=lambda: answers.append(talk(port, post("one", path=SLOWLY))))
        asking.start()
        time.sleep(SLOW / 2)
    asking.join()
    assert said(answers[0]) == ["one"]
    assert b"connection: close\r\n" in answers[0]
