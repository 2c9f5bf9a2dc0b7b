"""The detections as queries of Splunk and Elasticsearch; run as a module, it writes those on file anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from sigma.backends.elasticsearch.elasticsearch_esql import ESQLBackend
from sigma.backends.elasticsearch.elasticsearch_lucene import LuceneBackend
from sigma.backends.splunk.splunk import SplunkBackend
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule

from tests.consumers.sigma_rules import Detection, collection, detections, pipeline

CONVERTED: Final = Path(__file__).parent / "detections" / "converted"
LANGUAGES: Final = ("esql", "lucene", "splunk")


def converted(language: str) -> str:
    """Every detection in this language, each under its name.

    Lucene has no correlations, and ES|QL compares no lists: base rules are for the one, correlations for the other.
    """
    return "\n\n".join(
        f"# {name}\n{query}"
        for detection in detections()
        for name, query in zip(_names(detection, language), _queries(detection, language), strict=True)
    )


def _names(detection: Detection, language: str) -> list[str]:
    return [str(rule.name) for rule in detection.alerting if _is_for(rule, language)]


def _queries(detection: Detection, language: str) -> list[str]:
    rules = collection(detection.path)
    if language == "splunk":
        backend: Any = SplunkBackend(pipeline("splunk"))
    elif language == "esql":
        backend = ESQLBackend(pipeline("elastic"))
        counted = [rule for rule in rules.rules if rule.name in detection.counted]
        rules = SigmaCollection([*counted, *(rule for rule in rules.rules if _is_for(rule, language))])
    else:
        backend = LuceneBackend(pipeline("elastic"))
        alerting = {rule.name for rule in detection.alerting}
        rules = SigmaCollection(
            [rule for rule in rules.rules if rule.name in alerting and _is_for(rule, language)]
        )
    return [str(query) for query in backend.convert(rules)]


def _is_for(rule: object, language: str) -> bool:
    return language == "splunk" or isinstance(rule, SigmaCorrelationRule) is (language == "esql")


if __name__ == "__main__":
    for each in LANGUAGES:
        (CONVERTED / f"{each}.txt").write_text(converted(each) + "\n", encoding="utf-8")
