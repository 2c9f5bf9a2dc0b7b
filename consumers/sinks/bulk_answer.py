"""What `_bulk` answers: 200 says only that the request was read, and every item has a status of its own."""

from __future__ import annotations

from typing import Final

import msgspec

from consumers.delivery import ACCEPTED, DUPLICATE, SinkMisconfigured, SinkUnavailable, Verdict
from consumers.sinks.http_receiver import Answer

THERE_ALREADY: Final = "version_conflict_engine_exception"
ABOUT_US: Final = frozenset(
    {
        "validation_exception",
        "invalid_index_name_exception",
        "index_closed_exception",
        "security_exception",
    }
)
"""Errors with a 400 that are about the cluster (such as no more shards) and would be those of every record."""
_LONGEST: Final = 300


class _Error(msgspec.Struct, frozen=True):
    type: str = ""
    reason: str | None = ""


class _Item(msgspec.Struct, frozen=True):
    status: int
    error: _Error | None = None


class _Bulk(msgspec.Struct, frozen=True):
    items: list[dict[str, _Item]]


def verdicts_of(answer: Answer, count: int) -> list[Verdict]:
    """One for each of `count` items, in order. Raises SinkUnavailable, SinkMisconfigured."""
    if answer.status != 200:
        raise SinkMisconfigured(f"_bulk answered {answer.said}")
    try:
        items = msgspec.json.decode(answer.body, type=_Bulk).items
    except msgspec.DecodeError:
        raise SinkMisconfigured("what answers is neither Elasticsearch nor OpenSearch") from None
    if len(items) != count:
        raise SinkUnavailable(f"_bulk answered for {len(items)} of {count} items")
    return [_verdict(item) for each in items for item in each.values()]


def _verdict(item: _Item) -> Verdict:
    error = item.error or _Error()
    said = f"{item.status} {error.type}: {error.reason}"[:_LONGEST]
    if 200 <= item.status < 300:
        return ACCEPTED
    if item.status == 409 and error.type == THERE_ALREADY:
        return DUPLICATE
    if item.status == 429 or item.status >= 500:
        return Verdict("later", said)
    if item.status in {400, 413} and error.type not in ABOUT_US:
        return Verdict("refused", said)
    raise SinkMisconfigured(f"_bulk refused an item with {said}")
