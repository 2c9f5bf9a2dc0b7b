"""What a Sigma rule says of one record: its condition tree, as pySigma parses it, over a JSON document.

Strings match without regard to case and with `*` and `?`, a list matches if one of its elements does, a field that is
missing or null matches nothing: Sigma specification 2.0, and what Splunk and Lucene do with the converted query. A part
that the rules do not use raises, so that nothing is silently taken for a match.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any, Final

from sigma.conditions import ConditionAND, ConditionFieldEqualsValueExpression, ConditionNOT, ConditionOR
from sigma.rule import SigmaRule
from sigma.types import CompareOperators, SigmaCompareExpression, SigmaNumber, SigmaString, SpecialChars

from tests.consumers.sigma_rules import Document, pipeline

_COMPARE: Final[dict[CompareOperators, Callable[[Any, Any], bool]]] = {
    CompareOperators.LT: operator.lt,
    CompareOperators.LTE: operator.le,
    CompareOperators.GT: operator.gt,
    CompareOperators.GTE: operator.ge,
}
_WILDCARDS: Final = {SpecialChars.WILDCARD_MULTI: ".*", SpecialChars.WILDCARD_SINGLE: "."}


def matches(rule: SigmaRule, document: Document) -> bool:
    """Whether one of the rule's conditions holds for this record."""
    return any(_holds(condition.parsed, document) for condition in rule.detection.parsed_condition)


def with_placeholders(rule: SigmaRule) -> SigmaRule:
    """The rule with the lists of the Elastic pipeline in it, which leaves field names as they are."""
    pipeline("elastic").apply(rule)
    return rule


def values_of(document: Document, field: str) -> list[Any]:
    """What a dotted field name leads to, lists unfolded; nothing where there is nothing."""
    found: list[Any] = [document]
    for name in field.split("."):
        found = [value[name] for value in _unfolded(found) if isinstance(value, dict) and name in value]
    return [value for value in _unfolded(found) if value is not None]


def _unfolded(values: list[Any]) -> list[Any]:
    return [inner for value in values for inner in (value if isinstance(value, list) else [value])]


def _holds(condition: object, document: Document) -> bool:
    match condition:
        case ConditionAND():
            return all(_holds(part, document) for part in condition.args)
        case ConditionOR():
            return any(_holds(part, document) for part in condition.args)
        case ConditionNOT():
            return not _holds(condition.args[0], document)
        case ConditionFieldEqualsValueExpression():
            return any(_fits(condition.value, value) for value in values_of(document, condition.field))
        case _:
            raise NotImplementedError(condition)


def _fits(wanted: object, value: Any) -> bool:
    match wanted:
        case SigmaString():
            return (
                isinstance(value, str)
                and re.fullmatch(_pattern(wanted), value, re.IGNORECASE | re.DOTALL) is not None
            )
        case SigmaNumber():
            return bool(value == wanted.number)
        case SigmaCompareExpression():
            return isinstance(value, int) and _COMPARE[wanted.op](value, wanted.number.number)
        case _:
            raise NotImplementedError(wanted)


def _pattern(wanted: SigmaString) -> str:
    return "".join(re.escape(part) if isinstance(part, str) else _WILDCARDS[part] for part in wanted.s)  # type: ignore[index]
