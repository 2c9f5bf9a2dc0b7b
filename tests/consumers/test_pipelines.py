"""The snippets of docs/pipelines.md are well formed, and name only what the programs that read them know."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from consumers.settings import StreamSettings
from eventstore.codec import EVENT_TYPES
from tests.consumers.record_fields import fields_of
from tests.source_tree import ROOT

PAGE: Final = (ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8")
SNIPPET: Final = re.compile(r"<!-- checked: ([^>]+) -->\n```(\w*)\n(.*?)```", re.DOTALL)
SNIPPETS: Final[dict[str, tuple[str, str]]] = {m[1]: (m[2], m[3]) for m in SNIPPET.finditer(PAGE)}
KNOWN: Final[dict[str, Any]] = json.loads((Path(__file__).parent / "known_properties.json").read_text())
CONNECT: Final = [name for name in SNIPPETS if name.startswith("connect ")]


def parsed(name: str) -> Any:
    """A snippet as its program reads it."""
    language, text = SNIPPETS[name]
    return json.loads(text) if language == "json" else yaml.safe_load(text)


def known(*groups: str) -> set[str]:
    """Names that were read from these programs' own sources."""
    return {name for group in groups for name in KNOWN[group]["names"]}


def test_every_snippet_is_checked() -> None:
    """No snippet stands on the page without its mark, and no two have the same."""
    assert PAGE.count("\n```json\n") + PAGE.count("\n```yaml\n") + PAGE.count("\n```\ninput") == len(SNIPPETS)
    for name in SNIPPETS:
        assert name.startswith("logstash") or parsed(name)


@pytest.mark.parametrize("name", CONNECT)
def test_connectors_are_told_only_what_they_know(name: str) -> None:
    """Each property is Kafka Connect's, the connector's, or that of a transform which is in the chain."""
    config = parsed(name)["config"]
    chain = [link for link in config.get("transforms", "").split(",") if link]
    of_chain = {key for key in config if key.startswith("transforms.")}
    assert set(config) - of_chain <= known("connect", config["connector.class"])
    assert {key.split(".")[1] for key in of_chain} == set(chain)
    assert config["value.converter.schemas.enable"] == "false"
    assert config["errors.tolerance"] == "none"


def test_what_must_not_be_lost_is_not_dropped() -> None:
    """Malformed documents stop the Elasticsearch connector; Splunk's waits for acknowledgements; Vector retries."""
    elasticsearch, splunk = (parsed(f"connect {sink}")["config"] for sink in ("elasticsearch", "splunk"))
    assert elasticsearch["behavior.on.malformed.documents"] == "fail"
    assert elasticsearch["key.ignore"] == "false"
    assert (splunk["splunk.hec.ack.enabled"], splunk["splunk.hec.max.retries"]) == ("true", "-1")
    sink = parsed("vector")["sinks"]["elasticsearch"]
    assert sink["acknowledgements"]["enabled"] is True
    assert sink["request_retry_partial"] is True


@pytest.mark.parametrize("name", ["vector", "vector splunk"])
def test_vector_is_told_only_what_it_knows(name: str) -> None:
    """Each option of a component is one of its own, and each input is there."""
    snippet = parsed(name)
    components = {key: body for part in snippet.values() for key, body in part.items()}
    for body in components.values():
        assert set(body) <= known("vector")
        assert set(body.get("inputs", ())) <= {"counterfoil", "audit"}


def test_redpanda_connect_is_told_only_what_it_knows() -> None:
    """Each field of an input or output is one of its own."""
    snippet = parsed("redpanda connect")
    ends = [snippet["input"], *snippet["output"]["fallback"]]
    for kind, body in ((kind, body) for end in ends for kind, body in end.items()):
        assert set(body) <= known(kind)


@pytest.mark.parametrize("name", [name for name in SNIPPETS if name != "template"])
def test_every_snippet_reads_our_topic_and_keeps_our_id(name: str) -> None:
    """The topic is the default of the settings, and the document's id is the event's."""
    text = SNIPPETS[name][1]
    topic = next(f.default for f in fields(StreamSettings) if f.name == "kafka_topic")
    assert str(topic) in text or name == "vector splunk"
    assert re.search(r"\.id\b|%\{id\}|\"id\"|\[id\]|ce_id", text)


def shapes(event_type: str) -> Iterator[tuple[str, str]]:
    """First names below `event`, and whether something stands below them."""
    for field in fields_of(event_type):
        parts = field.split(".")
        if len(parts) > 1:
            yield parts[1], "object" if len(parts) > 2 else "value"


def test_the_index_template_knows_every_field_that_changes_its_shape() -> None:
    """A value in one type and an object in another would be refused: the template indexes none of these."""
    seen: dict[str, set[str]] = {}
    for event_type in EVENT_TYPES:
        for name, shape in shapes(event_type):
            seen.setdefault(name, set()).add(shape)
    changing = {name for name, found in seen.items() if len(found) > 1}
    event: Mapping[str, Any] = parsed("template")["template"]["mappings"]["properties"]["event"]["properties"]
    assert set(event) == changing
    assert all(mapping == {"type": "object", "enabled": False} for mapping in event.values())
