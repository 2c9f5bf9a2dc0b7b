"""Reads of the shared store, page by page: the library's own fetches everything at once and refuses some queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eventsourcing.dcb.api import DCBEvent, DCBQuery, DCBQueryItem, DCBSequencedEvent

from domain.tags import FENCE
from eventstore.reads import Bindings, FetchRows, ReadResponse, Row, seek

THROUGH_TAG: Final = """
SELECT e.id, e.type, e.tags, e.data
FROM counterfoil.events_tt_tag AS t JOIN counterfoil.events_tt_main AS e ON e.id = t.main_id
WHERE t.tag = %(sought)s AND t.main_id > %(after)s AND t.main_id <= %(until)s
AND (cardinality(%(types)s::text[]) = 0 OR e.type = ANY (%(types)s::text[])) AND e.tags @> %(tags)s::text[]
ORDER BY t.main_id LIMIT %(limit)s
"""
ROW_BY_ROW: Final = """
SELECT e.id, e.type, e.tags, e.data FROM counterfoil.events_tt_main AS e
WHERE e.id > %(after)s AND e.id <= %(until)s
AND (cardinality(%(types)s::text[]) = 0 OR e.type = ANY (%(types)s::text[]))
ORDER BY e.id LIMIT %(limit)s
"""
_LAST: Final = "SELECT max(id) FROM counterfoil.events_tt_main"
FENCE_AFTER: Final = "SELECT * FROM counterfoil.fence_after($1)"
"""In asyncpg's spelling, for those who run in the event loop."""
_EVERYTHING: Final = DCBQueryItem()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One item between two positions: sought through one of its tags, or row by row where it has none."""

    item: DCBQueryItem
    after: int
    until: int

    @property
    def sql(self) -> str:
        """A page of matches."""
        return THROUGH_TAG if self.item.tags else ROW_BY_ROW

    def bindings(self, after: int, limit: int) -> Bindings:
        """The next `limit` matches after a position."""
        found = {"after": after, "until": self.until, "types": self.item.types, "limit": limit}
        if not self.item.tags:
            return found
        return {**found, "tags": self.item.tags, "sought": min(self.item.tags, key=_commonness)}


def read(fetch: FetchRows, query: DCBQuery | None, after: int | None, limit: int | None) -> ReadResponse:
    """The events that match the query, each once, in order; at most `limit`. Raises StoreError, here or while read."""
    last = fetch(_LAST, ())[0][0]
    items = (query.items if query else None) or [_EVERYTHING]
    sought = [[Stretch(item=item, after=after or 0, until=last or 0)] for item in items]
    return ReadResponse(seek(fetch, sought, limit), last, limit, sequenced)


def sequenced(row: Row) -> DCBSequencedEvent:
    """The event of a row."""
    position, event_type, tags, data = row
    return DCBSequencedEvent(DCBEvent(event_type, bytes(data), list(tags)), position)


def _commonness(tag: str) -> int:
    """A token has few events, a chain some; the fence, a client or a subject may have very many."""
    if tag == FENCE:
        return 3
    return {"token": 0, "chain": 1, "upstream": 0}.get(tag.partition(":")[0], 2)
