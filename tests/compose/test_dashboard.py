"""The SIEM of compose.yaml: what its dashboard asks for is there, and is in the index."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from consumers.audit_record import _Envelope
from consumers.stream_marks import Checkpoint, Heartbeat
from eventstore.codec import EVENT_TYPES
from tests.source_tree import ROOT

FOLDER = ROOT / "docs" / "compose" / "siem"
OBJECTS: list[dict[str, Any]] = [
    json.loads(line) for line in (FOLDER / "dashboard.ndjson").read_text(encoding="utf-8").splitlines()
]
TEMPLATE = json.loads((FOLDER / "index-template.json").read_text(encoding="utf-8"))


def indexed(properties: dict[str, Any], path: str = "") -> Iterator[str]:
    """Every field that can be searched."""
    for name, field in properties.items():
        if "properties" in field:
            yield from indexed(field["properties"], f"{path}{name}.")
        elif field.get("enabled", True):
            yield f"{path}{name}"


FIELDS = set(indexed(TEMPLATE["template"]["mappings"]["properties"]))


def asked_for(saved: dict[str, Any]) -> set[str]:
    """The fields of a saved search or visualization: columns, aggregations, and its query."""
    attributes = saved["attributes"]
    query = json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"]["query"]
    found = {*attributes.get("columns", []), *re.findall(r"([@\w.]+)(?=:| >=)", query)}
    if "visState" in attributes:
        aggregations = json.loads(attributes["visState"])["aggs"]
        found |= {each["params"]["field"] for each in aggregations if "field" in each["params"]}
    return found


@pytest.mark.parametrize(
    "saved",
    [each for each in OBJECTS if each["type"] in {"search", "visualization"}],
    ids=lambda each: each["id"],
)
def test_a_panel_asks_for_fields_of_the_index(saved: dict[str, Any]) -> None:
    """A field that is not indexed would leave it empty, without an error."""
    assert asked_for(saved)
    assert asked_for(saved) <= FIELDS


def test_every_field_of_the_index_is_one_of_the_record() -> None:
    """Of the envelope, of an event, or of a mark; `@timestamp` is the sink's."""
    events = {name for kind in EVENT_TYPES.values() for name in kind.__dataclass_fields__}
    marks = {*Checkpoint.__struct_fields__, *Heartbeat.__struct_fields__}
    known = {"@timestamp", *_Envelope.__struct_fields__, *(f"event.{name}" for name in events | marks)}
    assert {field for field in FIELDS if ".".join(field.split(".")[:2]) not in known} == set()


def test_the_dashboard_has_its_panels() -> None:
    """Everything that an object refers to is in the same file, and every panel is on the dashboard."""
    by_id = {(each["type"], each["id"]): each for each in OBJECTS}
    assert len(by_id) == len(OBJECTS)
    for each in OBJECTS:
        assert {(reference["type"], reference["id"]) for reference in each["references"]} <= set(by_id)
    (dashboard,) = [each for each in OBJECTS if each["type"] == "dashboard"]
    panels = json.loads(dashboard["attributes"]["panelsJSON"])
    assert [panel["panelRefName"] for panel in panels] == [each["name"] for each in dashboard["references"]]
    assert len(panels) == sum(each["type"] in {"search", "visualization"} for each in OBJECTS)


def test_pattern_template_and_sink_mean_the_same_indexes() -> None:
    """What the sink writes to gets the template, and the dashboard reads it."""
    (pattern,) = [each for each in OBJECTS if each["type"] == "index-pattern"]
    assert TEMPLATE["index_patterns"] == [pattern["attributes"]["title"]] == ["counterfoil-audit-*"]
    assert 'index = "counterfoil-audit"\n' in (FOLDER.parent / "sinks.toml").read_text(encoding="utf-8")
