"""How severe an event is: enough to wake somebody for what must wake somebody, and for nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.severities import FAILURES, severity
from domain.refusals import Reason
from eventstore.codec import EVENT_TYPES


@given(
    st.sampled_from(sorted(EVENT_TYPES)), st.none() | st.sampled_from(sorted(Reason)) | st.text(max_size=5)
)
def test_every_event_has_a_severity(event_type: str, reason: str | None) -> None:
    """1 to 5, for every type and reason, known or not."""
    assert 1 <= severity(event_type, reason) <= 5


def test_failures_are_types_that_there_are() -> None:
    """And they are those which tell of something refused."""
    assert set(EVENT_TYPES) >= FAILURES
    assert {name for name in EVENT_TYPES if name.endswith("_denied")} < FAILURES


@pytest.mark.parametrize("event_type", ["token.forged", "key.compromised"])
def test_a_leaked_key_is_the_worst(event_type: str) -> None:
    """Nothing is above it, and nothing else beside it."""
    assert severity(event_type, None) == 5
    assert [name for name in EVENT_TYPES if severity(name, None) == 5] == ["token.forged", "key.compromised"]


@pytest.mark.parametrize("reason", [Reason.TOKEN_REVOKED, Reason.ANCESTOR_REVOKED, Reason.TOKEN_REPLAYED])
def test_what_is_dead_and_comes_back_is_worse_than_another_refusal(reason: Reason) -> None:
    """A revoked or replayed token in use is a thief or a bug; a missing grant is a daily mistake."""
    assert severity("token.exchange_denied", reason) > severity(
        "token.exchange_denied", Reason.TARGET_NOT_GRANTED
    )


def test_daily_business_is_the_lowest() -> None:
    """What happens a thousand times a second."""
    assert severity("token.exchanged", None) == severity("token.issued", None) == 1
