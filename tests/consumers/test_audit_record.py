"""The record: everything in the value, what a router needs in the headers, and nothing that must stay secret."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from eventsourcing.dcb.api import DCBEvent, DCBSequencedEvent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.audit_record import CE_TYPE, LARGEST_EVENT, AuditRecord, record_of, rfc3339
from domain.events import Event
from eventstore.codec import UnknownEventType, UnreadableEvent, encode
from tests.consumers.times_of_today import TIMES, any_publishable_event
from tests.eventstore.one_of_each import ONE_OF_EACH

ANY = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
EACH = pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: event.TYPE)


def record(event: Event, position: int = 7) -> AuditRecord:
    """As it is published from that position."""
    return record_of(DCBSequencedEvent(encode(event), position), position - 1 or None, "store-1")


@ANY
@given(any_publishable_event(), st.integers(1, 2**62))
def test_the_value_holds_what_the_log_holds(event: Event, position: int) -> None:
    """The stored bytes stand in the value as they are, and the envelope repeats them nowhere else than it says."""
    stored = encode(event)
    made = record_of(DCBSequencedEvent(stored, position), None, "store-1")
    assert b'"event":' + stored.data + b"," in made.value
    document = json.loads(made.value)
    assert (document["seq"], document["id"], document["type"]) == (position, event.id, event.TYPE)
    assert list(document) == sorted(document)
    assert b"\n" not in made.value


@ANY
@given(any_publishable_event())
def test_publishing_again_changes_nothing(event: Event) -> None:
    """No clock, no random number and no order of a dictionary gets into a record."""
    assert record(event) == record(event)


@EACH
def test_the_headers_are_a_cloud_event(event: Event) -> None:
    """CloudEvents 1.0 in binary mode: `ce_` and the attribute's name, UTF-8, and the content type without a prefix."""
    made = record(event)
    headers = dict(made.headers)
    assert len(headers) == len(made.headers), "no header twice"
    assert headers["content-type"] == b"application/json"
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_id"] == event.id.encode()
    assert headers["ce_source"] == b"/counterfoil/store-1"
    assert headers["ce_type"].decode() == CE_TYPE + event.TYPE
    assert headers["ce_time"].decode() == rfc3339(event.at)
    assert all(name == name.lower() for name in headers)
    chain = json.loads(made.value)["chain"]
    assert headers.get("ce_subject") == (None if chain is None else chain.encode()), (
        "an empty attribute is none"
    )


@EACH
def test_the_headers_say_what_the_value_says(event: Event) -> None:
    """A router that does not parse decides as one that does."""
    made = record(event)
    headers, document = dict(made.headers), json.loads(made.value)
    assert headers["counterfoil_seq"] == str(document["seq"]).encode()
    assert headers["counterfoil_prev"] == str(document["prev_seq"]).encode()
    assert headers["counterfoil_outcome"] == document["outcome"].encode()


def test_the_first_record_has_nothing_before_it() -> None:
    """`prev_seq` is null in the value and empty in the header."""
    made = record(ONE_OF_EACH[0], position=1)
    assert json.loads(made.value)["prev_seq"] is None
    assert dict(made.headers)["counterfoil_prev"] == b""


@pytest.mark.parametrize(
    ("event_type", "key"),
    [
        ("token.issued", b"token-1"),
        ("token.exchanged", b"token-1"),
        ("token.exchange_denied", b"token-1"),
        ("token.revoked", b"token-1"),
        ("chain.revoked", b"token-1"),
        ("subject.revoked", b"subject:corp:alice"),
        ("subject.disabled", b"subject:corp:alice"),
        ("client.revoked", b"client:agent"),
        ("client.credential_added", b"client:agent"),
        ("denials.counted", b"client:agent"),
        ("token.forged", b"client:agent"),
        ("key.compromised", b"key:key-1"),
        ("policy.applied", b"policy"),
    ],
)
def test_what_belongs_together_has_one_key(event_type: str, key: bytes) -> None:
    """What has a key stays in order: a chain, from its birth to its revocation; else a client, a subject, a key."""
    event = next(event for event in ONE_OF_EACH if event_type == event.TYPE)
    assert record(event).key == key


def test_an_event_too_large_for_the_stream_is_known_by_its_hash() -> None:
    """One byte more than the limit, and the stub stands for it; at the limit it is whole."""
    room = LARGEST_EVENT - len(encode(denied("")).data)
    whole, stub = record(denied("x" * room)), record(denied("x" * (room + 1)))
    assert "truncated" not in json.loads(whole.value)
    document = json.loads(stub.value)
    data = encode(denied("x" * (room + 1))).data
    assert document["truncated"] is True
    assert document["event"] == {"sha256": hashlib.sha256(data).hexdigest(), "size": LARGEST_EVENT + 1}
    assert (document["chain"], document["outcome"]) == ("token-1", "failure")
    assert len(stub.value) < 2000


def denied(client: str) -> Event:
    """A refusal whose client has that name."""
    event = next(event for event in ONE_OF_EACH if event.TYPE == "token.revoke_denied")
    return replace(event, client=client)  # type: ignore[call-arg]


def test_an_unknown_type_is_not_published_as_if_it_were_known() -> None:
    """It may be a revocation: the publisher stops, naming the position."""
    with pytest.raises(UnknownEventType, match=r"position 7 has the type 'token.reissued'"):
        record_of(DCBSequencedEvent(DCBEvent("token.reissued", b"{}", []), 7), 6, "store-1")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b'{"id":"1"}',
        b'{"id":1,"at":1}',
        b'{"id":"1","at":-1}',
        b'{"id":"1","at":253402300800000}',
    ],
)
def test_a_damaged_event_is_not_published(data: bytes) -> None:
    """What has no id or no possible time stops the publisher, naming the position."""
    with pytest.raises(UnreadableEvent, match="position 7"):
        record_of(DCBSequencedEvent(DCBEvent("token.issued", data, []), 7), 6, "store-1")


@ANY
@given(TIMES)
def test_a_time_is_written_as_rfc_3339_has_it(milliseconds: int) -> None:
    """Four digits of a year, three of a fraction, and it reads back to the millisecond."""
    text = rfc3339(milliseconds)
    assert len(text) == len("2026-11-25T22:31:04.123Z")
    moment = datetime.fromisoformat(text)
    assert (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) == milliseconds


def test_no_event_has_room_for_a_secret() -> None:
    """No field of any record is called like what must never be published."""
    names: set[str] = set()
    for event in ONE_OF_EACH:
        collect(json.loads(record(event).value), names)
    forbidden = {
        "token",
        "access_token",
        "assertion",
        "secret",
        "client_secret",
        "password",
        "d",
        "authorization",
        "proof",
    }
    assert names & forbidden == set()


def collect(value: object, names: set[str]) -> None:
    """The names of all members, at any depth."""
    if isinstance(value, dict):
        names.update(value)
        for inner in value.values():
            collect(inner, names)
    elif isinstance(value, list):
        for inner in value:
            collect(inner, names)
