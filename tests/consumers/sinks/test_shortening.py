"""A record too large for its receiver loses parts of its event, and nothing else."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from consumers.delivery import Delivery
from consumers.sinks.shortening import shortened
from tests.consumers.sinks.deliveries import delivery


def rendered(record: Delivery) -> bytes:
    return record.value


@pytest.mark.parametrize("limit", [2048, 4096, 8192])
def test_the_envelope_stays_and_the_event_is_cut(limit: int) -> None:
    """All but `event` is as it was; the line is whole, fits, and says that something is missing."""
    record = delivery(5, note="ä" * 9000, scopes=[f"scope-{number}" for number in range(900)])
    line = shortened(record, rendered, limit)
    assert line is not None
    assert len(line) <= limit
    before, after = record.document(), json.loads(line)
    assert after.pop("truncated") is True
    event = after.pop("event")
    whole = before.pop("event")
    assert after == before
    assert event["chain"] == whole["chain"]
    assert event["note"].endswith("…")
    assert whole["note"].startswith(event["note"][:-1])
    assert event["scopes"][-1] == "…"
    assert event["scopes"][:-1] == whole["scopes"][: len(event["scopes"]) - 1]


def test_the_whole_event_can_be_known_again() -> None:
    """Its SHA-256 and size are those of the bytes that the log has."""
    record = delivery(5, note="x" * 9000)
    stored = json.dumps(record.document()["event"], separators=(",", ":"), sort_keys=True).encode()
    line = shortened(record, rendered, 4096)
    assert line is not None
    event = json.loads(line)["event"]
    assert (event["sha256"], event["size"]) == (sha256(stored).hexdigest(), len(stored))


def test_where_no_cut_is_enough_only_the_digest_is_left() -> None:
    """An event of very many small fields."""
    fields: dict[str, Any] = dict.fromkeys((f"field_{number}" for number in range(900)), "x")
    record = delivery(5, **fields)
    line = shortened(record, rendered, 2048)
    assert line is not None
    assert set(json.loads(line)["event"]) == {"sha256", "size"}


def test_what_cannot_fit_is_not_pretended_to() -> None:
    """A mapping that adds more than the limit by itself."""
    assert shortened(delivery(5), lambda record: record.value + b"x" * 4096, 2048) is None
