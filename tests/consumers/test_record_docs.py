"""The page on the record lists all there is: fields, headers, findings, and of the mappings every type."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest

from consumers.audit_record import LARGEST_EVENT
from consumers.copied_records import Kind
from consumers.mappings import ecs, ocsf
from consumers.record_schema import FILE, published_schema
from consumers.stream_marks import MARKS
from eventstore.codec import EVENT_TYPES
from tests.consumers.golden_records import golden_records

PAGE = (Path(__file__).parents[2] / "docs" / "audit-record.md").read_text(encoding="utf-8")
OCSF = PAGE[PAGE.index("### OCSF") : PAGE.index("### ECS")]


def test_every_field_of_the_envelope_is_explained() -> None:
    """And the limit of an event's size, and the name of the schema's file."""
    fields = json.loads(published_schema())["properties"]
    assert {name for name in fields if f"`{name}`" not in PAGE} == set()
    assert f"{LARGEST_EVENT:,}".replace(",", " ") in PAGE
    assert FILE in PAGE


def test_every_header_is_explained() -> None:
    """Those of events and of marks."""
    headers = {name for golden in golden_records() for name in golden.beside["headers"]}
    assert {name for name in headers if f"`{name}`" not in PAGE} == set()


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_finding_is_explained(kind: str) -> None:
    """What `audit verify` may say of a copy."""
    assert f"`{kind}`" in PAGE


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES))
def test_every_type_stands_in_the_table_of_ocsf(event_type: str) -> None:
    """With the class it becomes; marks stand there together."""
    assert f"`{event_type}`" in OCSF


def test_marks_and_versions_are_named() -> None:
    """The versions that the mappings are checked against."""
    assert all(f"`{mark}`" in PAGE for mark in MARKS)
    assert f"### OCSF {ocsf.VERSION}" in PAGE
    assert f"### ECS {ecs.VERSION}" in PAGE
