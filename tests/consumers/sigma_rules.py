"""The detections of docs/detections, read by pySigma, and their sample records."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule
from sigma.processing.pipeline import ProcessingPipeline
from sigma.rule import SigmaRule

from tests.source_tree import ROOT

RULES: Final = ROOT / "docs" / "detections"
SAMPLES: Final = Path(__file__).parent / "detections"
SigmaAny = SigmaRule | SigmaCorrelationRule
Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """One file: rules that alert, and rules that are only counted by those."""

    path: Path
    rules: tuple[SigmaAny, ...]

    @property
    def counted(self) -> frozenset[str]:
        """Names of the rules that only a correlation speaks for."""
        return frozenset(
            reference.reference
            for rule in self.rules
            if isinstance(rule, SigmaCorrelationRule)
            for reference in rule.rules or ()
        )

    @property
    def alerting(self) -> tuple[SigmaAny, ...]:
        """The rules that somebody is called for."""
        return tuple(rule for rule in self.rules if rule.name not in self.counted)


def collection(path: Path) -> SigmaCollection:
    """A fresh one each time: a conversion changes what it converts."""
    read = SigmaCollection.from_yaml(path.read_text(encoding="utf-8"))
    read.resolve_rule_references()
    return read


def pipeline(name: str) -> ProcessingPipeline:
    """`splunk` or `elastic`, of docs/detections/pipelines."""
    return ProcessingPipeline.from_yaml((RULES / "pipelines" / f"{name}.yml").read_text(encoding="utf-8"))


@cache
def detections() -> tuple[Detection, ...]:
    """All of them, by number."""
    return tuple(
        Detection(path=path, rules=tuple(collection(path).rules)) for path in sorted(RULES.glob("*.yml"))
    )


def alerting_rules() -> dict[str, SigmaAny]:
    """Rule by name, of those that alert."""
    return {str(rule.name): rule for detection in detections() for rule in detection.alerting}


def samples(name: str) -> list[Document]:
    """The records of a sample file, in order."""
    text = (SAMPLES / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]
