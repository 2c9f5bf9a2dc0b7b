"""The published JSON Schema says what the events say, no more and no less, and refuses what is no record."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import pytest
from eventsourcing.dcb.api import DCBSequencedEvent
from hypothesis import HealthCheck, given, settings

from consumers.audit_record import record_of
from consumers.record_schema import published_schema
from domain.events import Event
from eventstore.codec import encode
from tests.consumers.golden_records import golden_records
from tests.consumers.schema_from_events import text
from tests.consumers.times_of_today import any_publishable_event

SCHEMA = json.loads(published_schema())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
EXCHANGED = next(golden.document for golden in golden_records() if golden.name == "token.exchanged")


def changed(*path: str, to: Any) -> dict[str, Any]:
    """The exchange, one field changed, or taken away with `...`."""
    document = copy.deepcopy(EXCHANGED)
    inner = document
    for name in path[:-1]:
        inner = inner[name]
    if to is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return document


def test_the_schema_is_a_schema() -> None:
    """Of draft 2020-12, by its own meta-schema."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_file_says_what_the_events_say() -> None:
    """A field or type that is added without a new schema file is found; the generator says what to do."""
    assert published_schema() == text()


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(any_publishable_event())
def test_every_record_is_valid(event: Event) -> None:
    """Whatever the fields of an event hold, and wherever it stands."""
    record = record_of(DCBSequencedEvent(encode(event), 7), 6, "store-1")
    VALIDATOR.validate(json.loads(record.value))


@pytest.mark.parametrize(
    "document",
    [
        changed("id", to=...),
        changed("schema", to="counterfoil.audit/2"),
        changed("seq", to="7"),
        changed("prev_seq", to=0),
        changed("time", to="2027-01-15 08:00:02"),
        changed("outcome", to="unknown"),
        changed("severity", to=6),
        changed("event", to="an event"),
        changed("event", "jti", to=...),
        changed("event", "origin", "node", to=7),
        changed("event", "lineage", to=[{"jti": "token-1"}]),
        changed("event", to={"sha256": "0" * 64, "size": 1}),
    ],
    ids=[
        "id",
        "schema",
        "seq",
        "prev_seq",
        "time",
        "outcome",
        "severity",
        "event",
        "jti",
        "node",
        "lineage",
        "stub",
    ],
)
def test_what_is_no_record_is_refused(document: dict[str, Any]) -> None:
    """A missing or wrong field is found, in the envelope and deep in the event."""
    assert not VALIDATOR.is_valid(document)


def test_a_type_and_a_code_of_tomorrow_are_valid() -> None:
    """Types and reason codes are only ever added, so an older schema must not refuse them."""
    VALIDATOR.validate(changed("type", to="token.reissued"))
    VALIDATOR.validate(changed("event", "would_deny", to=["moon_phase"]))
