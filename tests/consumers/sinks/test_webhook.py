"""The webhook sink against a receiver that checks signatures as the specification says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

import pytest

from consumers.delivery import SinkMisconfigured, SinkUnavailable
from consumers.sinks.credential import Secret
from consumers.sinks.webhook import Options, WebhookSink, open_sink
from consumers.sinks.webhook_signature import key_of, signature
from tests.consumers.receivers.sample_records import sample_records
from tests.consumers.receivers.scripted import Reply, ScriptedReceiver, Seen, served

OLD, NEW = b"o" * 32, b"n" * 24


def whsec(key: bytes) -> str:
    """A secret as it is written down."""
    return f"whsec_{base64.b64encode(key).decode()}"


def genuine(seen: Seen, key: bytes) -> bool:
    """What a receiver does: any of the signatures has to be right."""
    signed = f"{seen.headers['webhook-id']}.{seen.headers['webhook-timestamp']}.".encode() + seen.body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return expected in seen.headers["webhook-signature"].split(" ")


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both secrets, in variables."""
    monkeypatch.setenv("OLD", whsec(OLD))
    monkeypatch.setenv("NEW", whsec(NEW))


def sink(receiver: ScriptedReceiver, names: Sequence[str] = ("OLD",), **options: Any) -> WebhookSink:
    """The sink."""
    chosen = {"url": f"{receiver.url}/hooks/1?tenant=x", "plain_http": True, "secret_envs": tuple(names)}
    opened = open_sink(Options(**{**chosen, **options}))
    assert isinstance(opened, WebhookSink)
    receiver.sinks.append(opened)
    return opened


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of Standard Webhooks 1.0, with its secret, id, time and body."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    said = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert said == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_gets_the_records_in_order_and_can_trust_them() -> None:
    """One request with `type`, `timestamp` and `data`, signed over the exact bytes."""
    records = sample_records(25)
    with served(ScriptedReceiver()) as receiver:
        verdicts = sink(receiver).deliver(records)
    (seen,) = receiver.seen
    assert [verdict.kind for verdict in verdicts] == ["accepted"] * 25
    assert genuine(seen, OLD)
    assert not genuine(seen, NEW)
    body = json.loads(seen.body)
    assert body["data"] == [record.document() for record in records]
    assert body["timestamp"] == records[-1].document()["time"]
    assert (seen.path, seen.query) == ("/hooks/1", "tenant=x")


def test_while_secrets_change_both_sign() -> None:
    """So that the receiver may change its own at any time in between."""
    with served(ScriptedReceiver()) as receiver:
        sink(receiver, ["NEW", "OLD"]).deliver(sample_records(1))
    assert genuine(receiver.seen[0], OLD)
    assert genuine(receiver.seen[0], NEW)


def test_the_id_and_the_body_are_the_same_when_a_batch_comes_again() -> None:
    """Over retries and over restarts; other records have another id."""
    with served(ScriptedReceiver()) as receiver:
        receiver.faults.append(Reply(status=503, headers={"retry-after": "2"}))
        with pytest.raises(SinkUnavailable) as told:
            sink(receiver).deliver(sample_records(3))
        sink(receiver).deliver(sample_records(3))
        sink(receiver).deliver(sample_records(4))
    first, again, other = receiver.seen
    assert told.value.after == 2
    assert first.headers["webhook-id"] == again.headers["webhook-id"] != other.headers["webhook-id"]
    assert first.body == again.body


@pytest.mark.parametrize("status", [302, 400, 401, 404, 410, 422])
def test_a_receiver_that_does_not_want_it_stops_the_line(status: int) -> None:
    """410 is how a receiver signs off; a redirect leads nowhere."""
    with served(ScriptedReceiver()) as receiver:
        receiver.faults.append(Reply(status=status, headers={"location": receiver.url}))
        with pytest.raises(SinkMisconfigured):
            sink(receiver).deliver(sample_records(1))
        assert len(receiver.seen) == 1


def test_a_413_is_cut() -> None:
    """Each part has an id of its own."""
    with served(ScriptedReceiver()) as receiver:
        receiver.faults.append(Reply(status=413))
        verdicts = sink(receiver).deliver(sample_records(4))
    assert [verdict.kind for verdict in verdicts] == ["accepted"] * 4
    assert [len(json.loads(seen.body)["data"]) for seen in receiver.seen] == [4, 2, 2]
    assert len({seen.headers["webhook-id"] for seen in receiver.seen}) == 3


@pytest.mark.parametrize(
    "url", ["http://10.0.0.5/hook", "http://169.254.169.254/latest", "http://siem.example/x"]
)
def test_without_tls_only_this_machine_is_spoken_to(url: str) -> None:
    """Even with `plain_http`: a service that answers by its address alone cannot be reached."""
    with pytest.raises(SinkMisconfigured, match="loopback"):
        open_sink(Options(url=url, plain_http=True, secret_envs=("OLD",)))


NO_SECRETS = ["", "aGlkZGVu", whsec(b"short"), whsec(b"x" * 65), "whsec_%%%", base64.b64encode(OLD).decode()]


@pytest.mark.parametrize("value", NO_SECRETS)
def test_a_secret_that_is_none_is_noticed_and_not_shown(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """24 to 64 bytes in base64 behind `whsec_`."""
    monkeypatch.setenv("OLD", value)
    with pytest.raises(SinkMisconfigured) as told:
        open_sink(Options(url="https://siem.example/x", secret_envs=("OLD",)))
    assert not value or value not in str(told.value)


def test_a_webhook_without_any_secret_is_refused() -> None:
    """Nobody could tell who sent it."""
    with pytest.raises(SinkMisconfigured, match="secret_files"):
        open_sink(Options(url="https://siem.example/x"))


def test_a_key_is_what_stands_behind_the_prefix() -> None:
    """Of any allowed length."""
    assert key_of(Secret(option="secret", env="NEW")) == NEW
