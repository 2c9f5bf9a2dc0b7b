"""Syslog, as a real rsyslog receives it over TLS and over TCP."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consumers.delivery import ACCEPTED, Delivery, Sink, SinkMisconfigured, SinkUnavailable
from consumers.sinks.syslog_sink import Options, open_sink
from tests.consumers.sinks.deliveries import deliveries, delivery
from tests.servers.certificate_authority import CertificateAuthority
from tests.servers.rsyslog import HOST, Rsyslog
from tests.servers.server_account import Unavailable

pytestmark = [pytest.mark.needs("rsyslogd"), pytest.mark.xdist_group("rsyslog")]


@pytest.fixture
def receiver() -> Iterator[Rsyslog]:
    """An rsyslog with nothing in it."""
    try:
        with Rsyslog() as running:
            yield running
    except Unavailable as missing:
        pytest.skip(str(missing))


def options(receiver: Rsyslog, *, tls: bool = True, **more: Any) -> Options:
    if tls:
        return Options(host=HOST, port=receiver.tls_port, ca_file=str(receiver.ca_file), **more)
    return Options(host=HOST, port=receiver.tcp_port, tls=False, **more)


def send(sink: Sink, first: int, last: int) -> None:
    """In batches; every record is accepted."""
    for start in range(first, last + 1, sink.largest_batch):
        batch = deliveries(start, min(start + sink.largest_batch - 1, last))
        assert sink.deliver(batch) == [ACCEPTED] * len(batch)


def messages(receiver: Rsyslog, count: int) -> list[str]:
    return [record["message"].removeprefix("\ufeff") for record in receiver.received(count)]


def positions(receiver: Rsyslog, count: int) -> list[int]:
    return [json.loads(message)["seq"] for message in messages(receiver, count)]


@pytest.mark.parametrize("tls", [True, False], ids=["tls", "tcp"])
def test_two_thousand_records_arrive_in_order_and_byte_for_byte(receiver: Rsyslog, tls: bool) -> None:
    """2,000 of 2,000, with the structured data in its place."""
    sink = open_sink(options(receiver, tls=tls))
    send(sink, 1, 2000)
    sink.close()
    assert messages(receiver, 2000) == [record.value.decode() for record in deliveries(1, 2000)]
    last = receiver.received(2000)[-1]
    assert (last["priority"], last["app"], last["kind"]) == ("110", "counterfoil", "token.exchanged")
    assert f'id="{delivery(2000).id}" seq="2000"' in last["data"]


@pytest.mark.parametrize("tls", [True, False], ids=["tls", "tcp"])
def test_hostile_text_arrives_as_it_was(receiver: Rsyslog, tls: bool) -> None:
    """Line breaks, quotes, brackets, other scripts, and what looks like the next frame: all is one message."""
    hostile = 'one\ntwo\r\n"quoted" [a b="c"] \\ ] 日本 Zoë \U0001f511 5 <1>1 -'
    records = [delivery(1, note=hostile), delivery(2)]
    for number, formatter in enumerate((lambda record: record.value, lambda _: hostile.encode()), start=1):
        sink = open_sink(options(receiver, tls=tls), formatter)
        assert sink.deliver(records) == [ACCEPTED, ACCEPTED]
        sink.close()
        receiver.received(2 * number)  # rsyslog keeps no order between connections
    native, plain, *others = messages(receiver, 4)
    assert json.loads(native)["event"]["note"] == hostile
    assert json.loads(plain)["seq"] == 2
    assert others == [hostile, hostile]


def test_a_record_too_large_for_a_message_arrives_cut(receiver: Rsyslog) -> None:
    """Its fields are cut, not its line: it is JSON, with its id."""
    sink = open_sink(options(receiver, largest_message=4096))
    assert sink.deliver([delivery(1, note="x" * 60_000), delivery(2)]) == [ACCEPTED, ACCEPTED]
    large, small = receiver.received(2)
    document = json.loads(large["message"].removeprefix("\ufeff"))
    assert len(large["raw"].encode()) <= 4096
    assert (document["id"], document["truncated"]) == (delivery(1).id, True)
    assert 'truncated="true"' in large["data"]
    assert json.loads(small["message"])["seq"] == 2
    sink.close()


@pytest.mark.parametrize("tls", [True, False], ids=["tls", "tcp"])
def test_a_receiver_that_was_restarted_gets_the_rest(receiver: Rsyslog, tls: bool) -> None:
    """The next batch notices, connects again, and brings the last records once more: nothing is missing."""
    sink = open_sink(options(receiver, tls=tls, resend=100))
    send(sink, 1, 1000)
    positions(receiver, 1000)
    receiver.stop()
    receiver.start()
    send(sink, 1001, 2000)
    sink.close()
    assert positions(receiver, 2100) == [*range(1, 1001), *range(901, 1001), *range(1001, 2001)]


def test_what_a_killed_receiver_had_not_kept_comes_again(receiver: Rsyslog) -> None:
    """With a window as large as what it may have had in memory, nothing is missing; while it is away, we are told."""
    sink = open_sink(options(receiver, resend=2000))
    send(sink, 1, 2000)
    receiver.kill()
    with pytest.raises(SinkUnavailable, match="syslog receiver localhost:"):
        sink.deliver(deliveries(2001, 2500))
    receiver.start()
    send(sink, 2001, 2500)
    sink.close()
    deadline = time.monotonic() + 30
    while (arrived := positions(receiver, 2500))[-1] != 2500:
        assert time.monotonic() < deadline, arrived[-1]
    assert set(arrived) == set(range(1, 2501))


def test_a_receiver_whose_certificate_another_authority_signed_gets_nothing(
    receiver: Rsyslog, tmp_path: Path
) -> None:
    """The line stops; nothing is sent to whoever answers."""
    (tmp_path / "ca.pem").write_bytes(CertificateAuthority().pem)
    sink = open_sink(Options(host=HOST, port=receiver.tls_port, ca_file=str(tmp_path / "ca.pem")))
    with pytest.raises(SinkMisconfigured, match="certificate is not accepted"):
        sink.deliver([delivery(1)])
    assert receiver.received() == []


def test_a_receiver_that_wants_a_client_certificate_gets_one(tmp_path: Path) -> None:
    """With it everything arrives; without it nothing does, and the line stops once that is known."""
    with Rsyslog(client_certificates=True) as receiver:
        key, certificate = receiver.authority.client("counterfoil")
        (tmp_path / "client.pem").write_bytes(certificate)
        (tmp_path / "client.key").touch(mode=0o600)
        (tmp_path / "client.key").write_bytes(key)
        files: dict[str, Any] = {
            "certificate_file": str(tmp_path / "client.pem"),
            "key_file": str(tmp_path / "client.key"),
        }
        known = open_sink(replace(options(receiver), **files))
        send(known, 1, 500)
        known.close()
        assert positions(receiver, 500) == [*range(1, 501)]
        unknown = open_sink(options(receiver))
        with pytest.raises((SinkMisconfigured, SinkUnavailable)):
            send(unknown, 501, 10_000)
        assert len(receiver.received()) == 500


def test_a_formatter_decides_what_is_in_the_message(receiver: Rsyslog) -> None:
    """The header stays; CEF, for one, comes after it."""

    def cef(record: Delivery) -> bytes:
        return f"CEF:0|Counterfoil|counterfoil|1|{record.type}|x|1|externalId={record.id}".encode()

    sink = open_sink(options(receiver), cef)
    sink.deliver([delivery(1)])
    sink.close()
    assert messages(receiver, 1) == [cef(delivery(1)).decode()]
