"""The ECS mapping: total, only fields that are published, each of its type, and as its golden files have it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from consumers.mappings.ecs import SHAPES, VERSION, map_record
from consumers.stream_marks import MARKS
from domain.events import Event
from eventstore.codec import EVENT_TYPES
from tests.consumers.golden_mappings import golden_mapping
from tests.consumers.mapped_samples import mapped_samples
from tests.consumers.published_ecs import SCHEMA, problems
from tests.consumers.times_of_today import any_publishable_event, envelope

SAMPLES = mapped_samples()


@pytest.mark.parametrize("name", SAMPLES)
def test_what_comes_out_is_valid(name: str) -> None:
    """Every field is published, has its type, is a list or not, has an allowed value; categories go with types."""
    assert problems(map_record(SAMPLES[name])) == []


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(any_publishable_event())
def test_any_event_is_valid(event: Event) -> None:
    """Whatever its fields hold: Elasticsearch refuses a whole document for one field that is no IP address."""
    assert problems(map_record(envelope(event))) == []


@pytest.mark.parametrize("name", SAMPLES)
def test_it_is_as_it_was(name: str) -> None:
    """A changed mapping is seen in review, file by file; `golden_mappings.py` writes them anew."""
    assert map_record(SAMPLES[name]) == golden_mapping("ecs", name)


def test_every_type_has_its_shape() -> None:
    """None falls through."""
    assert set(SHAPES) == {*EVENT_TYPES, *MARKS}
    assert SCHEMA["version"] == VERSION


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_is_lost(name: str) -> None:
    """The whole envelope goes along."""
    assert map_record(SAMPLES[name])["counterfoil"] == SAMPLES[name]


def test_who_did_it_and_whom_it_struck_are_two() -> None:
    """An administrator is not the subject whose tokens he kills; a search for either finds the record."""
    document = map_record(SAMPLES["subject.revoked"])
    assert document["user"] == {"id": "security", "target": {"id": "corp:alice"}}
    assert set(document["related"]["user"]) == {"security", "corp:alice"}


@pytest.mark.parametrize("address", ["", "unix", "fe80::1%eth0", "10.0.0.300", None, 7])
def test_what_is_no_address_is_left_out(address: Any) -> None:
    """It is still in the envelope."""
    sample = SAMPLES["token.issued"]
    event = sample["event"] | {"origin": {"node": "n", "request": "r", "address": address}}
    document = map_record(sample | {"event": event})
    assert "source" not in document
    assert problems(document) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"surprise": "x"}, "surprise is no field"),
        ({"source": {"ip": ["192.0.2.7"]}}, "source.ip is a list"),
        ({"user": {"id": 7}}, "user.id is no keyword"),
        (
            {"event": {"kind": "party", "category": ["iam"], "type": ["user"]}},
            "event.kind: 'party' is not allowed",
        ),
        (
            {"event": {"category": ["iam"], "type": ["start"]}},
            "event.category iam goes with none of ['start']",
        ),
        (
            {"event": {"category": ["iam"], "type": ["start", "user"]}},
            "event.type ['start', 'user'] goes with none of ['iam']",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_checker_finds_what_is_wrong(changes: dict[str, Any], problem: str) -> None:
    """A check that finds nothing must be able to find something."""
    assert problem in problems(map_record(SAMPLES["token.issued"]) | changes)
