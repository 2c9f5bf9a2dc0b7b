"""Which records a sink wants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.delivery import Filter
from consumers.stream_marks import CHECKPOINT, HEARTBEAT, MARKS
from eventstore.codec import EVENT_TYPES

TYPES = st.sampled_from(sorted({*EVENT_TYPES, *MARKS}))
OUTCOMES = st.sampled_from(["success", "failure"])
PATTERNS = st.lists(
    TYPES | st.sampled_from(["token.*", "key.*", "audit.stream.*", "client.*"]), max_size=3
).map(tuple)


@given(TYPES, OUTCOMES)
def test_a_filter_that_says_nothing_wants_everything(event_type: str, outcome: str) -> None:
    """Nothing is left out unless somebody said so."""
    assert Filter().wants(event_type, outcome)


@given(TYPES, OUTCOMES, PATTERNS, PATTERNS)
def test_what_is_left_out_by_name_never_passes(
    event_type: str, outcome: str, types: tuple[str, ...], without: tuple[str, ...]
) -> None:
    """`without_types` wins over `types`, and only it stops a mark."""
    wants = Filter(types=types, without_types=without).wants(event_type, outcome)
    left_out = event_type in without or event_type.partition(".")[0] + ".*" in without
    left_out = left_out or (event_type in MARKS and "audit.stream.*" in without)
    if left_out:
        assert not wants
    elif event_type in MARKS or not types:
        assert wants


@pytest.mark.parametrize("outcome", ["success", "failure"])
def test_only_the_outcomes_that_were_asked_for(outcome: str) -> None:
    """Refusals alone, or successes alone."""
    wanted = Filter(outcomes=(outcome,))
    assert wanted.wants("token.exchanged", "success") == (outcome == "success")
    assert wanted.wants("token.exchange_denied", "failure") == (outcome == "failure")


@pytest.mark.parametrize("mark", [CHECKPOINT, HEARTBEAT])
def test_marks_pass_whatever_is_asked_for(mark: str) -> None:
    """Silence can only be noticed by whoever hears the heartbeat."""
    assert Filter(types=("token.*",), outcomes=("failure",)).wants(mark, "success")
    assert not Filter(without_types=(mark,)).wants(mark, "success")


def test_a_prefix_is_a_whole_word() -> None:
    """`token.*` is every type of the group `token`, and no other; without a star a pattern is one type."""
    assert Filter(types=("token.*",)).wants("token.exchange_denied", "failure")
    assert not Filter(types=("token.*",)).wants("tokens.counted", "success")
    assert not Filter(types=("token",)).wants("token.issued", "success")
    assert not Filter(types=("token.exchange",)).wants("token.exchanged", "success")
