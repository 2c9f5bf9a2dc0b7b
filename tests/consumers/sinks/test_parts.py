"""How a batch is cut into requests, and how the one record is found that no receiver will take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.delivery import ACCEPTED, SinkUnavailable
from consumers.sinks.parts import PartRefused, deliver_in_parts


@given(
    sizes=st.lists(st.integers(1, 50), max_size=40),
    poison=st.sets(st.integers(0, 39)),
    limit=st.integers(1, 200),
    blames=st.booleans(),
)
def test_exactly_the_bad_records_are_refused(sizes, poison, limit, blames) -> None:
    """Wherever they stand; every other one arrives, in order; only a single record may be over the limit."""
    arrived: list[int] = []

    def send(part):
        assert len(part) == 1 or sum(sizes[index] for index in part) <= limit
        bad = [index for index in part if index in poison]
        if bad:
            raise PartRefused("bad", at=bad[0] - part.start if blames else None)
        arrived.extend(part)
        return [ACCEPTED] * len(part)

    verdicts = deliver_in_parts(sizes, limit, send)
    assert [verdict.kind == "refused" for verdict in verdicts] == [
        index in poison for index in range(len(sizes))
    ]
    assert arrived == [index for index in range(len(sizes)) if index not in poison]


@pytest.mark.parametrize("at", [-1, 4, 99])
def test_a_receiver_that_blames_a_record_which_is_not_there_is_not_believed(at: int) -> None:
    """The part is halved instead, and it ends."""

    def send(part):
        raise PartRefused("bad", at)

    assert [verdict.kind for verdict in deliver_in_parts([1] * 4, 10, send)] == ["refused"] * 4


def test_what_comes_behind_an_outage_is_for_later() -> None:
    """What has arrived counts; where nothing has, the whole batch is for later."""

    def send(part):
        if part.start == failing:
            raise SinkUnavailable("down", after=9)
        return [ACCEPTED] * len(part)

    failing = 2
    verdicts = deliver_in_parts([5, 5, 5, 5], 10, send)
    assert [(verdict.kind, verdict.after) for verdict in verdicts] == [("accepted", 0)] * 2 + [
        ("later", 9)
    ] * 2
    failing = 0
    with pytest.raises(SinkUnavailable):
        deliver_in_parts([5, 5, 5, 5], 10, send)
