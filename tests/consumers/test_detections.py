"""The detections find what they are for, leave alone what looks like it, and name only what a record can hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import click
import pytest
from eventsourcing.dcb.api import DCBEvent, DCBSequencedEvent
from sigma.correlations import SigmaCorrelationRule
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaRule

from api.cli import main
from consumers.audit_record import record_of
from consumers.stream_marks import MARKS
from domain.refusals import Reason
from eventstore.codec import EVENT_TYPES, decode
from tests.consumers.record_fields import fields_of
from tests.consumers.sigma_correlating import any_span, fires, fixed_pieces
from tests.consumers.sigma_matching import matches, with_placeholders
from tests.consumers.sigma_rules import RULES, SAMPLES, SigmaAny, alerting_rules, detections, samples

ALERTING = sorted(alerting_rules())
BASE_RULES = {str(rule.name): rule for d in detections() for rule in d.rules if isinstance(rule, SigmaRule)}


def speaks(rule: SigmaAny, name: str) -> bool:
    """Whether the rule alerts on the records of a sample file, whichever way time is cut."""
    records = samples(name)
    if isinstance(rule, SigmaCorrelationRule):
        verdicts = {fires(rule, records, windows) for windows in (any_span, fixed_pieces)}
        assert len(verdicts) == 1, "the sample lies across an edge"
        return verdicts.pop()
    return any(matches(with_placeholders(rule), record) for record in records)


@pytest.mark.parametrize("name", ALERTING)
def test_a_detection_finds_what_it_is_for(name: str) -> None:
    """The positive sample sets the rule off."""
    assert speaks(alerting_rules()[name], f"{name}.fires")


@pytest.mark.parametrize("name", ALERTING)
def test_a_detection_leaves_alone_what_looks_like_it(name: str) -> None:
    """The negative sample does not: the same kind of record, harmless, or one too few."""
    assert not speaks(alerting_rules()[name], f"{name}.silent")


def test_every_sample_belongs_to_a_detection() -> None:
    """No sample is left over from a rule that went."""
    expected = {f"{name}.{end}.jsonl" for name in ALERTING for end in ("fires", "silent")}
    assert {path.name for path in SAMPLES.glob("*.jsonl")} == expected


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.jsonl")), ids=lambda path: path.stem)
def test_samples_are_records_as_the_publisher_makes_them(path: Any) -> None:
    """The stored event in each sample decodes, and gives that very record, byte for byte."""
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if record["type"] in MARKS:
            continue
        data = line[
            line.index('"event":') + len('"event":') : line.index(f',"id":"{record["id"]}","outcome"')
        ]
        stored = DCBSequencedEvent(
            event=DCBEvent(type=record["type"], data=data.encode(), tags=[]), position=record["seq"]
        )
        decode(stored)
        assert set(record["event"]) <= {
            name.split(".")[1] for name in fields_of(record["type"]) if "." in name
        }
        assert record_of(stored, record["prev_seq"], record["store"]).value == line.encode()


def items(part: SigmaDetection) -> Iterator[SigmaDetectionItem]:
    """Every field with its values, however deep."""
    for item in part.detection_items:
        if isinstance(item, SigmaDetection):
            yield from items(item)
        else:
            yield item


def named(rule: SigmaRule) -> list[tuple[str, list[str]]]:
    """Field names and values, as text."""
    parts = rule.detection.detections.values()
    return [
        (str(item.field), [str(v) for v in item.original_value or ()])
        for part in parts
        for item in items(part)
    ]


@pytest.mark.parametrize("name", sorted(BASE_RULES))
def test_rules_name_only_what_is_there(name: str) -> None:
    """Types, reason codes and fields of a rule exist: the fields in a type that the rule names, or in every type."""
    pairs = named(BASE_RULES[name])
    kinds = {value for field, values in pairs if field == "type" for value in values}
    assert kinds <= set(EVENT_TYPES) | MARKS
    for field, values in pairs:
        assert any(field in fields_of(kind) for kind in kinds or EVENT_TYPES), field
        if field in {"event.reason", "event.would_deny"}:
            assert set(values) <= set(Reason)


@pytest.mark.parametrize("name", [name for name in ALERTING if name not in BASE_RULES])
def test_correlations_count_only_what_is_there(name: str) -> None:
    """What is grouped by, and what is counted, is a field of every type that is counted."""
    rule = alerting_rules()[name]
    assert isinstance(rule, SigmaCorrelationRule)
    condition: Any = rule.condition
    wanted = {*(rule.group_by or ()), *([condition.fieldref] if condition and condition.fieldref else [])}
    for reference in rule.rules or ():
        kinds = {v for f, values in named(BASE_RULES[reference.reference]) if f == "type" for v in values}
        for kind in kinds or EVENT_TYPES:
            assert wanted <= set(fields_of(kind)), kind


def test_there_are_fourteen_and_each_is_complete() -> None:
    """Ids are unique; who is called learns what to do, how bad it is, what else it may be, and the technique."""
    assert {path.name[:2] for path in RULES.glob("*.yml")} == {f"{number:02}" for number in range(1, 15)}
    rules = [rule for detection in detections() for rule in detection.rules]
    assert len({rule.id for rule in rules} - {None}) == len(rules)
    assert len({rule.name for rule in rules}) == len(rules)
    for rule in alerting_rules().values():
        assert rule.level is not None
        assert rule.description is not None
        assert rule.falsepositives, rule.name
        assert any(tag.namespace == "attack" for tag in rule.tags), rule.name


@pytest.mark.parametrize("name", ALERTING)
def test_descriptions_name_commands_that_exist(name: str) -> None:
    """`counterfoil audit log` in a description is a command; who is called at night can type it."""
    for words in re.findall(r"counterfoil ((?:[a-z]+ ?)+)", str(alerting_rules()[name].description)):
        command: click.Command = main
        for word in words.split():
            if not isinstance(command, click.Group):
                break
            found = command.get_command(click.Context(command), word)
            assert found is not None, words
            command = found


def test_the_page_lists_every_detection_with_its_number_and_level() -> None:
    """docs/detections.md says of each rule under which number it stands, and how bad it is."""
    page = (RULES.parent / "detections.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")] for line in page.splitlines() if line.startswith("| ")]
    listed = {(row[1], row[2].strip("`"), row[4]) for row in rows if row[1].isdigit() and len(row) > 6}
    expected = {
        (str(int(detection.path.name[:2])), str(rule.name), str(rule.level).lower())
        for detection in detections()
        for rule in detection.alerting
    }
    assert listed == expected
