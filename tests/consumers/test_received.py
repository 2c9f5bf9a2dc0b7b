"""From a record of the topic to a delivery, with its headers and without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from consumers.received import ForeignRecord, delivery_of, foreign_delivery
from tests.consumers.streaming.published import event


@dataclass
class Record:
    """As kafka-python gives it."""

    value: bytes | None
    headers: Any = ()
    key: bytes | None = b"chain-1"
    partition: int = 3
    offset: int = 77
    timestamp: int = 1


def test_headers_and_value_say_the_same() -> None:
    """A pipeline that drops headers changes nothing but the speed."""
    record = event(42, kind="token.exchanged")
    by_headers = delivery_of(Record(record.value, record.headers))
    by_value = delivery_of(Record(record.value))
    assert (by_headers.id, by_headers.seq, by_headers.type) == (record.id, 42, "token.exchanged")
    assert (by_headers.outcome, by_headers.partition, by_headers.offset) == ("success", 3, 77)
    for name in ("id", "seq", "type", "outcome", "key", "value"):
        assert getattr(by_headers, name) == getattr(by_value, name)


@pytest.mark.parametrize(
    "value", [None, b"", b"text", b"[]", b'{"id":1}', b"\xff", event(1).value.replace(b"/1", b"/9")]
)
def test_what_is_no_envelope_is_foreign(value: bytes | None) -> None:
    """An unknown schema too: what this version does not know it does not pass on as if it did."""
    with pytest.raises(ForeignRecord):
        delivery_of(Record(value, key=None))
    assert foreign_delivery(Record(value, key=None)).id == "foreign-3-77"
