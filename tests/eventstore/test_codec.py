"""Events survive their rows, and rows written long ago can still be read."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import pytest
from eventsourcing.dcb.api import DCBEvent, DCBSequencedEvent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.events import Event
from domain.tags import tags_of
from eventstore.codec import EVENT_TYPES, UnknownEventType, UnreadableEvent, canonical_json, decode, encode
from tests.eventstore.any_event import any_event
from tests.eventstore.one_of_each import ONE_OF_EACH

GOLDEN = Path(__file__).parent / "golden"
EACH = pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: event.TYPE)


def stored(event_type: str, data: bytes, position: int = 7) -> DCBSequencedEvent:
    """A row as a store hands it out."""
    return DCBSequencedEvent(DCBEvent(event_type, data, []), position)


def golden(event: Event) -> dict[str, Any]:
    """The payload that was written when the type was made."""
    payload: dict[str, Any] = json.loads((GOLDEN / f"{event.TYPE}.json").read_text())
    return payload


def as_json(payload: object) -> bytes:
    return json.dumps(payload).encode()


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(any_event())
def test_every_event_comes_back_as_it_was(event: Event) -> None:
    """Whatever its fields hold."""
    row = encode(event)
    assert decode(stored(row.type, row.data)) == event


def test_no_event_type_is_forgotten() -> None:
    """Every type has an example and a golden file, and there is no golden file of a type that is gone."""
    assert [event.TYPE for event in ONE_OF_EACH] == list(EVENT_TYPES)
    assert sorted(path.stem for path in GOLDEN.glob("*.json")) == sorted(EVENT_TYPES)


@EACH
def test_what_was_written_once_is_still_understood(event: Event) -> None:
    """The golden files are never rewritten: a log is kept for years."""
    payload = golden(event)
    added: dict[str, Any] = {
        field.name: field.default for field in fields(event) if field.name not in payload
    }
    assert MISSING not in added.values()
    assert decode(stored(event.TYPE, as_json(payload))) == replace(event, **added)


@EACH
def test_no_field_is_renamed_or_dropped(event: Event) -> None:
    """What the golden file names is what is written today, member by member; there may be more."""
    assert missing(golden(event), json.loads(encode(event).data)) == []


def missing(old: Any, new: Any, at: str = "") -> list[str]:
    """The members of the older document that the newer one lacks or says differently."""
    if isinstance(old, dict) and isinstance(new, dict):
        inner = (missing(old[name], new.get(name), f"{at}.{name}") for name in old)
        return [path for paths in inner for path in paths]
    return [] if old == new else [at]


@EACH
def test_the_example_sets_every_field_to_something(event: Event) -> None:
    """A field left at its default would prove nothing about how it is stored."""
    assert [f.name for f in fields(event) if getattr(event, f.name) == f.default] == []


@EACH
def test_a_field_with_a_default_may_be_missing_and_no_other(event: Event) -> None:
    """Rows from before a field was added decode to its default; a row without what it needs is unreadable."""
    for field in fields(event):
        payload = golden(event)
        payload.pop(field.name, None)
        row = stored(event.TYPE, as_json(payload))
        if field.default is MISSING:
            with pytest.raises(UnreadableEvent, match="position 7"):
                decode(row)
        else:
            assert getattr(decode(row), field.name) == field.default


@EACH
def test_a_row_has_the_events_own_name_and_tags(event: Event) -> None:
    """The name is never an import path."""
    row = encode(event)
    assert (row.type, row.tags) == (event.TYPE, tags_of(event))
    assert "." in row.type
    assert not row.type.startswith("domain")


@pytest.mark.parametrize(
    "name", ["", "Token.Issued", "token.issued ", "domain.events.TokenIssued", "key.hidden"]
)
def test_an_unknown_type_stops_the_reader(name: str) -> None:
    """It may be a revocation; the message says where it is and what to do, and nothing is imported by name."""
    with pytest.raises(UnknownEventType, match=r"position 7 .* newer") as caught:
        decode(stored(name, b"{}"))
    assert repr(name) in str(caught.value)


@EACH
@pytest.mark.parametrize("data", [b"", b"{", b"null", b"[]", b'"x"', b"{}", b"\xff\xfe"])
def test_a_damaged_payload_stops_the_reader(event: Event, data: bytes) -> None:
    """Cut, emptied or of another shape."""
    with pytest.raises(UnreadableEvent, match="position 7"):
        decode(stored(event.TYPE, data))


@EACH
def test_a_payload_with_a_field_of_another_type_stops_the_reader(event: Event) -> None:
    """A position as text, an `at` with a fraction: edited by hand, and not guessed at."""
    for wrong in ("1800000000000", 1.5, None, True):
        with pytest.raises(UnreadableEvent):
            decode(stored(event.TYPE, as_json(golden(event) | {"at": wrong})))


@pytest.mark.parametrize("cut", [1, 10, 100])
def test_a_truncated_payload_stops_the_reader(cut: int) -> None:
    """The tail of the row is gone."""
    for event in ONE_OF_EACH:
        with pytest.raises(UnreadableEvent):
            decode(stored(event.TYPE, encode(event).data[:-cut]))


def test_a_reason_that_this_version_does_not_know_stops_the_reader() -> None:
    """Codes are only ever added: a newer version wrote it."""
    payload = golden(next(event for event in ONE_OF_EACH if event.TYPE == "token.exchange_denied"))
    with pytest.raises(UnreadableEvent):
        decode(stored("token.exchange_denied", as_json(payload | {"reason": "bad_hair_day"})))


@given(st.dictionaries(st.text(max_size=3), st.integers(), max_size=5))
def test_canonical_json_does_not_depend_on_the_order_of_members(document: dict[str, int]) -> None:
    """A hash over it names the document."""
    backwards = dict(reversed(document.items()))
    assert canonical_json(document) == canonical_json(backwards)
