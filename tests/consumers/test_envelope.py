"""Envelopes that come back are read with care: they may be anybody's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.envelope import FIELDS, NotARecord, envelope_of, read_envelope
from consumers.mappings import of_documents
from tests.consumers.golden_records import Golden, golden_records

RECORDS = golden_records()
RECORD = RECORDS[0]


@pytest.mark.parametrize("golden", RECORDS, ids=lambda golden: golden.name)
def test_what_was_published_is_read(golden: Golden) -> None:
    """Whole, from the bytes and from each shape that carries it."""
    assert read_envelope(golden.value) == golden.document
    assert set(golden.document) <= FIELDS
    for shape in ("ecs", "ocsf"):
        assert envelope_of(json.loads(of_documents(shape)(golden.document))) == golden.document
    assert envelope_of(golden.document | {"@timestamp": "x"}) == golden.document


@given(
    st.binary(max_size=50)
    | st.recursive(st.none() | st.integers() | st.text(max_size=3), st.lists).map(json.dumps)
)
def test_anything_else_is_refused(value: Any) -> None:
    """With one kind of error, whatever it is."""
    with pytest.raises(NotARecord):
        read_envelope(value if isinstance(value, bytes) else value.encode())


@pytest.mark.parametrize("name", sorted(FIELDS - {"truncated"}))
def test_every_record_has_every_field(name: str) -> None:
    """One that lacks a field, or has another thing there, is no record."""
    for broken in ({k: v for k, v in RECORD.document.items() if k != name}, RECORD.document | {name: [1]}):
        with pytest.raises(NotARecord):
            read_envelope(json.dumps(broken).encode())


def test_a_document_without_an_envelope_is_refused() -> None:
    """Nothing is guessed."""
    others: list[dict[str, Any]] = [
        {},
        {"counterfoil": 7},
        {"unmapped": {"counterfoil": {}}},
        {"unmapped": None},
    ]
    for document in others:
        with pytest.raises(NotARecord):
            envelope_of(document)


def test_deep_nesting_is_refused() -> None:
    """A document made to exhaust the reader ends like any other that is none."""
    with pytest.raises(NotARecord):
        read_envelope(b'{"event":' + b"[" * 100_000)
