"""Each detection becomes the query that was looked at and found good, in Splunk and in Elasticsearch."""

from __future__ import annotations

import pytest
import yaml

from eventstore.codec import EVENT_TYPES
from tests.consumers.record_fields import fields_of
from tests.consumers.sigma_conversion import CONVERTED, LANGUAGES, converted
from tests.consumers.sigma_rules import RULES, alerting_rules


@pytest.mark.parametrize("language", LANGUAGES)
def test_detections_convert_to_the_queries_on_file(language: str) -> None:
    """A rule or a backend that changes a query shows the change; none is without one."""
    assert converted(language) + "\n" == (CONVERTED / f"{language}.txt").read_text(encoding="utf-8")


def test_every_detection_has_a_query_in_both_tools() -> None:
    """Splunk has them all; in Elasticsearch each is either Lucene's or ES|QL's."""
    names = {
        language: {line[2:] for line in converted(language).splitlines() if line.startswith("# ")}
        for language in LANGUAGES
    }
    assert names["splunk"] == set(alerting_rules())
    assert names["lucene"] | names["esql"] == set(alerting_rules())
    assert not names["lucene"] & names["esql"]


def test_splunk_names_every_list_as_splunk_does() -> None:
    """Splunk calls what stands in a JSON array `name{}`: the pipeline has all such fields of the rules."""
    text = (RULES / "pipelines" / "splunk.yml").read_text(encoding="utf-8")
    mapped = {k: v for t in yaml.safe_load(text)["transformations"] for k, v in t.get("mapping", {}).items()}
    in_lists = {f for kind in EVENT_TYPES for f, in_array in fields_of(kind).items() if in_array}
    rules = "\n".join(path.read_text(encoding="utf-8") for path in RULES.glob("*.yml"))
    used = {
        field
        for field in in_lists
        if f"{field}:" in rules or f"- {field}\n" in rules or f": {field}\n" in rules
    }
    assert used
    assert mapped == {field: f"{field}{{}}" for field in used}
