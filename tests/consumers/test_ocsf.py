"""The OCSF mapping: total, valid by the published schema, and as its golden files have it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from consumers.mappings.ocsf import ACTIVITIES, VERSION, map_record
from consumers.stream_marks import MARKS
from domain.events import Event
from eventstore.codec import EVENT_TYPES
from tests.consumers.golden_mappings import golden_mapping
from tests.consumers.mapped_samples import mapped_samples
from tests.consumers.published_ocsf import SCHEMA, problems
from tests.consumers.times_of_today import any_publishable_event, envelope

SAMPLES = mapped_samples()


@pytest.mark.parametrize("name", SAMPLES)
def test_what_comes_out_is_valid(name: str) -> None:
    """Required and known attributes, types, enumerations with their captions, constraints, profiles."""
    assert problems(map_record(SAMPLES[name])) == []


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(any_publishable_event())
def test_any_event_is_valid(event: Event) -> None:
    """Whatever its fields hold: an empty name or an address that is none must not cost the record."""
    assert problems(map_record(envelope(event))) == []


@pytest.mark.parametrize("name", SAMPLES)
def test_it_is_as_it_was(name: str) -> None:
    """A changed mapping is seen in review, file by file; `golden_mappings.py` writes them anew."""
    assert map_record(SAMPLES[name]) == golden_mapping("ocsf", name)


def test_every_type_has_its_class() -> None:
    """None falls through to the event without a class."""
    assert set(ACTIVITIES) == {*EVENT_TYPES, *MARKS}
    assert SCHEMA["version"] == VERSION


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_is_lost(name: str) -> None:
    """The whole envelope goes along."""
    assert map_record(SAMPLES[name])["unmapped"] == {"counterfoil": SAMPLES[name]}


def test_a_chain_is_one_session() -> None:
    """Birth, refusal and revocation can be joined by the session, and tokens told apart by their credential."""
    born, revoked = map_record(SAMPLES["token.exchanged"]), map_record(SAMPLES["token.revoked"])
    assert born["session"]["uid"] == revoked["session"]["uid"] == "token-1"
    assert born["session"]["credential_uid"] == revoked["session"]["credential_uid"] == "token-2"
    assert map_record(SAMPLES["token.exchange_denied"])["session"]["uid"] == "token-1"


def test_a_refusal_is_a_denied_action() -> None:
    """Status, reason and disposition; an alert where what is dead comes back."""
    denied = map_record(SAMPLES["token.exchange_denied"])
    assert (denied["status_id"], denied["status_code"], denied["action_id"], denied["disposition_id"]) == (
        2,
        "target_not_granted",
        2,
        2,
    )
    assert denied["is_alert"] is False
    assert map_record(SAMPLES["token.exchange_denied"] | {"severity": 4})["is_alert"] is True


def test_impersonation_is_an_account_switch() -> None:
    """Delegation is a logon with an actor; impersonation takes the subject's place."""
    assert map_record(SAMPLES["token.exchanged-impersonation"])["type_uid"] == 300207
    assert map_record(SAMPLES["token.exchanged"])["type_uid"] == 300201


def _event(**changes: Any) -> dict[str, Any]:
    return map_record(SAMPLES["token.exchange_denied"]) | changes


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (_event(surprise=1), "surprise is no attribute"),
        (_event(severity_id=7), "severity_id: 7 is not in the enumeration"),
        (_event(activity_id=2), "type_uid is not class_uid * 100 + activity_id"),
        (_event(time="now"), "time is no timestamp_t"),
        (_event(user={}), "user.: at_least_one of ['account', 'name', 'uid']"),
        (_event(src_endpoint={"ip": "nowhere"}), "src_endpoint.ip is no ip_t"),
        (_event(status="Fine"), "status is not the caption of 2"),
        (_event(metadata={"version": "1.8.0", "product": {"name": "x"}}), "action_id is no attribute"),
        ({k: v for k, v in _event().items() if k != "user"}, "user is required"),
        (
            {k: v for k, v in _event().items() if k != "service"},
            "event: at_least_one of ['service', 'dst_endpoint']",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_checker_finds_what_is_wrong(event: dict[str, Any], problem: str) -> None:
    """A check that finds nothing must be able to find something."""
    assert problem in problems(event)
