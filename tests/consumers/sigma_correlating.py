"""What a Sigma correlation says of a sequence of records.

Sigma means any span of that length; the queries that pySigma makes for Splunk and ES|QL cut time into fixed pieces, and
miss what lies across an edge. Both can be asked here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import product
from typing import Any

from sigma.correlations import SigmaCorrelationConditionOperator, SigmaCorrelationRule, SigmaCorrelationType
from sigma.rule import SigmaRule

from tests.consumers.sigma_matching import matches, values_of
from tests.consumers.sigma_rules import Document

Seen = tuple[float, str, Document]
"""When (seconds), which rule matched, and the record."""
Windows = Callable[[Sequence[Seen], int], Iterator[Sequence[Seen]]]


def any_span(seen: Sequence[Seen], seconds: int) -> Iterator[Sequence[Seen]]:
    """From each record on, all that come within the span."""
    for start, _, _ in seen:
        yield [entry for entry in seen if start <= entry[0] < start + seconds]


def fixed_pieces(seen: Sequence[Seen], seconds: int) -> Iterator[Sequence[Seen]]:
    """As `bin _time` and `date_trunc` cut it."""
    pieces: dict[int, list[Seen]] = defaultdict(list)
    for entry in seen:
        pieces[int(entry[0] // seconds)].append(entry)
    yield from pieces.values()


def fires(rule: SigmaCorrelationRule, documents: Sequence[Document], windows: Windows = any_span) -> bool:
    """Whether the correlation finds something in these records."""
    return any(
        _enough(rule, window)
        for group in _grouped(rule, documents)
        for window in windows(group, rule.timespan.seconds)
    )


def _grouped(rule: SigmaCorrelationRule, documents: Sequence[Document]) -> Iterator[list[Seen]]:
    """The matching records by the values of `group-by`; without a value a record is in no group."""
    groups: dict[tuple[Any, ...], list[Seen]] = defaultdict(list)
    for document in sorted(documents, key=_when):
        for reference in rule.rules or ():
            counted = reference.rule
            assert isinstance(counted, SigmaRule)
            if matches(counted, document):
                for key in product(*(set(values_of(document, field)) for field in rule.group_by or ())):
                    groups[key].append((_when(document), reference.reference, document))
    yield from groups.values()


def _enough(rule: SigmaCorrelationRule, window: Sequence[Seen]) -> bool:
    match rule.type:
        case SigmaCorrelationType.TEMPORAL:
            return {name for _, name, _ in window} == {reference.reference for reference in rule.rules or ()}
        case SigmaCorrelationType.EVENT_COUNT:
            return len(window) >= _at_least(rule)
        case SigmaCorrelationType.VALUE_COUNT:
            field = str(getattr(rule.condition, "fieldref", None))
            return len({v for _, _, document in window for v in values_of(document, field)}) >= _at_least(
                rule
            )
        case _:
            raise NotImplementedError(rule.type)


def _at_least(rule: SigmaCorrelationRule) -> int:
    condition: Any = rule.condition
    assert condition.op is SigmaCorrelationConditionOperator.GTE
    return int(condition.count)


def _when(document: Document) -> float:
    return datetime.fromisoformat(document["time"]).timestamp()
