"""What every sink over HTTP has from `HttpReceiver`, tried with a real server on loopback."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from consumers.delivery import SinkMisconfigured, SinkUnavailable
from consumers.sinks.http_receiver import Answer, HttpOptions, HttpReceiver
from consumers.sinks.retry_after import LONGEST, seconds_to_wait
from tests.consumers.receivers.scripted import Reply, ScriptedReceiver, served
from tests.servers.certificate_authority import CertificateAuthority

CREDENTIAL = "hush-3f1c9a"
HEADERS = {"Authorization": f"Splunk {CREDENTIAL}"}


def post(receiver: ScriptedReceiver, **options: Any) -> Answer:
    """One request through a client of its own."""
    client = HttpReceiver(HttpOptions(**{"url": receiver.url, "plain_http": True, **options}))
    try:
        return client.post(f"{client.base}/x?key={CREDENTIAL}", b"body", HEADERS)
    finally:
        client.close()


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_busy_receiver_is_waited_for_as_long_as_it_says(status: int) -> None:
    """It is an outage, with the seconds of Retry-After."""
    with served(ScriptedReceiver()) as receiver:
        receiver.faults.append(Reply(status=status, headers={"retry-after": "7"}))
        with pytest.raises(SinkUnavailable) as told:
            post(receiver)
    assert told.value.after == 7


@pytest.mark.parametrize("status", [301, 302, 307, 401, 403, 404, 405, 407, 410])
def test_what_somebody_has_to_put_right_stops_the_line(status: int) -> None:
    """No such answer is about a record, and a redirect is not followed."""
    with served(ScriptedReceiver()) as receiver:
        receiver.faults.append(Reply(status=status, headers={"location": "/elsewhere"}))
        with pytest.raises(SinkMisconfigured):
            post(receiver)
        assert len(receiver.seen) == 1


@pytest.mark.parametrize("status", [401, 500])
def test_no_message_holds_a_credential_that_the_receiver_repeats(status: int) -> None:
    """Neither the header's nor the query's."""
    with served(ScriptedReceiver()) as receiver:
        receiver.faults.append(Reply(status=status, body=f"bad token {CREDENTIAL}\r\nnext".encode()))
        with pytest.raises((SinkMisconfigured, SinkUnavailable)) as told:
            post(receiver)
    assert CREDENTIAL not in str(told.value)
    assert "bad token ***  next" in str(told.value)
    assert told.value.__cause__ is None


def test_a_receiver_that_is_not_there_or_gives_up_in_the_middle_is_an_outage() -> None:
    """Nothing is known to have arrived: refused connections, cut answers and slow ones."""
    with served(ScriptedReceiver()) as receiver:
        receiver.faults += [Reply(body=b"half", cut=True), Reply(delay=1.0)]
        with pytest.raises(SinkUnavailable, match="RemoteProtocolError"):
            post(receiver)
        with pytest.raises(SinkUnavailable, match="ReadTimeout"):
            post(receiver, timeout=0.3)
    with pytest.raises(SinkUnavailable, match="ConnectError"):
        post(receiver)


def test_tls_is_spoken_with_the_certificate_of_the_right_authority_only(tmp_path) -> None:
    """With another authority, and with the system's, the line stops; the message says why."""
    right, wrong = CertificateAuthority(), CertificateAuthority()
    (tmp_path / "server.pem").write_bytes(b"".join(right.loopback_server()))
    for name, authority in (("right", right), ("wrong", wrong)):
        (tmp_path / name).write_bytes(authority.pem)
    with served(ScriptedReceiver(), tmp_path / "server.pem") as receiver:
        assert post(receiver, plain_http=False, ca_file=str(tmp_path / "right")).status == 200
        for ca_file in (str(tmp_path / "wrong"), ""):
            with pytest.raises(SinkMisconfigured, match=r"no TLS with 127\.0\.0\.1"):
                post(receiver, ca_file=ca_file)


def test_plain_http_where_tls_is_meant_stops_the_line() -> None:
    """A server without TLS is no outage."""
    with served(ScriptedReceiver()) as receiver:
        receiver.url = receiver.url.replace("http:", "https:")
        with pytest.raises(SinkMisconfigured, match="no TLS"):
            post(receiver)


def test_a_host_that_does_not_exist_stops_the_line() -> None:
    """A misspelt name does not come right by waiting."""
    client = HttpReceiver(HttpOptions(url="https://receiver.invalid", timeout=5))
    with pytest.raises((SinkMisconfigured, SinkUnavailable), match=r"receiver\.invalid"):
        client.post(client.base, b"", {})
    client.close()


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://siem.example", "plain_http"),
        ("siem.example", "https://host/path"),
        ("file:///etc/passwd", "https://host/path"),
        ("https://", "https://host/path"),
        (f"https://me:{CREDENTIAL}@siem.example", "no user, password"),
        ("https://siem.example/#part", "no user, password or fragment"),
        ("https://[::1", "no address"),
        ("https://siem.example:99999", "no address"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused_at_start(url: str, complaint: str) -> None:
    """The message names the option, and never repeats what may hold a password."""
    with pytest.raises(SinkMisconfigured, match=f"url .*{complaint}") as told:
        HttpReceiver(HttpOptions(url=url))
    assert CREDENTIAL not in str(told.value)


def test_variables_of_the_environment_do_not_choose_the_way(monkeypatch) -> None:
    """A proxy is an option of the sink, not an accident of its surroundings."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with served(ScriptedReceiver()) as receiver:
        assert post(receiver).status == 200
        assert post(receiver, proxy=receiver.url).status == 200
        assert next(seen.path for seen in receiver.seen) == "/x"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, 0), ("", 0), ("12", 12), (" 3 ", 3), ("-4", 0), ("soon", 0), ("9" * 40, LONGEST), ("1.5", 0)],
)
def test_retry_after_in_seconds(header: str | None, seconds: float) -> None:
    """RFC 9110 §10.2.3; what cannot be understood says nothing, and an hour is the most."""
    assert seconds_to_wait(header) == seconds


def test_retry_after_as_a_date() -> None:
    """A date ahead is waited for, one behind is not."""
    now = datetime(2026, 11, 25, 12, tzinfo=UTC)
    for seconds, waited in ((30, 30), (-30, 0), (999_999, LONGEST)):
        header = format_datetime(now + timedelta(seconds=seconds), usegmt=True)
        assert seconds_to_wait(header, now) == waited
