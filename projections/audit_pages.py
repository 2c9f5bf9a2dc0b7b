"""Pages of a search in small slices, and where in the log its times begin and end."""

from __future__ import annotations

from domain.identifiers import Position
from projections.audit_search import AuditFilter, AuditPage, AuditSource, RecordedEvent, query_of
from projections.named_moments import MOST_SKEWED, position_at
from projections.slices import Sliced, slices


def page_of(
    source: AuditSource, wanted: AuditFilter, after: Position, limit: int, end: Position
) -> Sliced[AuditPage]:
    """The first `limit` matches after a position, none beyond `end`; the next page starts after this one's position.

    Raises UnknownType, what the store raises, and what the codec raises on a damaged log.
    """
    found: list[RecordedEvent] = []
    first, last = _within(source, wanted, after, end)
    yield
    if first < last:
        for part in slices(source.read(query_of(wanted), after=first), last):
            for recorded in part:
                if not wanted.covers(recorded.event):
                    continue
                found.append(recorded)
                if len(found) == limit:
                    return AuditPage(events=tuple(found), position=recorded.position)
            yield
    return AuditPage(events=tuple(found), position=max(after, end))


def _within(
    source: AuditSource, wanted: AuditFilter, after: Position, end: Position
) -> tuple[Position, Position]:
    """Times are found by halving; clocks of nodes may differ a little, so each side is taken a little wider."""
    first, last = after, end
    if wanted.since is not None:
        first = max(first, position_at(source, wanted.since - MOST_SKEWED))
    if wanted.until is not None:
        last = min(last, position_at(source, wanted.until + MOST_SKEWED))
    return first, last
