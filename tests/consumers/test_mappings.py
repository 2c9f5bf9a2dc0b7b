"""The names of the mappings, and what a sink sends for each."""

from __future__ import annotations

import json

import pytest

from consumers.delivery import Delivery
from consumers.mappings import MAPPINGS, UnknownMapping, formatter, of_documents
from tests.consumers.golden_records import golden_records

RECORD = next(record for record in golden_records() if record.name == "token.exchanged")
DELIVERY = Delivery(
    id=RECORD.document["id"],
    seq=2,
    type="token.exchanged",
    outcome="success",
    key=b"token-1",
    value=RECORD.value,
)


def test_our_own_shape_is_the_bytes_that_were_published() -> None:
    """Not decoded and encoded again: a hash over them still fits."""
    assert formatter("native")(DELIVERY) is RECORD.value


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_shape_is_one_line_and_the_same_every_time(name: str) -> None:
    """A record that is delivered again is the same bytes."""
    sent = formatter(name)(DELIVERY)
    assert sent == formatter(name)(DELIVERY)
    assert b"\n" not in sent
    if name not in {"native", "cef"}:
        assert list(json.loads(sent)) == sorted(json.loads(sent))


@pytest.mark.parametrize("name", ["", "leef", "OCSF", "Native"])
def test_a_name_that_there_is_not_is_refused(name: str) -> None:
    """At start, with the names that there are."""
    with pytest.raises(UnknownMapping, match="there are native, ocsf, ecs, cef"):
        formatter(name)


def test_an_envelope_of_our_own_has_no_formatter_for_documents() -> None:
    """Whoever has bytes must send these."""
    with pytest.raises(UnknownMapping):
        of_documents("native")
