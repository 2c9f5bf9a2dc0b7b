"""The conditions of a search as query parameters."""

from __future__ import annotations

from typing import Final

from api.audit.parameters import Parameters
from api.oauth_errors import malformed
from consumers.severities import FAILURES
from eventstore.codec import EVENT_TYPES
from projections.audit_search import AuditFilter, types_called

CONDITIONS: Final = frozenset({"type", "token", "chain", "subject", "client", "outcome", "since", "until"})


def conditions_of(asked: Parameters) -> dict[str, str]:
    """What a cursor is bound to."""
    return {name: value for name, value in asked.given.items() if name in CONDITIONS}


def filter_of(asked: Parameters) -> AuditFilter:
    """Every condition must hold; `type` may be several, separated by commas. Raises OAuthError, UnknownType."""
    return AuditFilter(
        token=asked.text("token"),
        chain=asked.text("chain"),
        subject=asked.text("subject"),
        client=asked.text("client"),
        types=_types(asked),
        since=asked.time("since"),
        until=asked.time("until"),
    )


def _types(asked: Parameters) -> tuple[str, ...]:
    named = asked.text("type")
    types = () if named is None else tuple(known for name in named.split(",") for known in types_called(name))
    outcome = asked.text("outcome")
    if outcome is None:
        return types
    if outcome not in ("success", "failure"):
        raise malformed("outcome must be success or failure.")
    fitting = tuple(name for name in types or EVENT_TYPES if (name in FAILURES) == (outcome == "failure"))
    if not fitting:
        raise malformed("No event of these types has that outcome.")
    return fitting
