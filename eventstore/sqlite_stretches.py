"""How one query item is looked up: the stretches of the log in which it is sought, and the statement for each.

An item is found through one of its tags and checked for the others on the row. A tag that the index lags behind in
is sought in the index up to where that is complete, and after it by reading every row; types alone have no index.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eventsourcing.dcb.api import DCBQueryItem

from domain.tags import FENCE
from eventstore.reads import Bindings
from eventstore.sqlite_rows import is_eager, text_of

THROUGH_INDEX: Final = """
SELECT e.position, e.type, e.tags, e.data
FROM event_tags AS t CROSS JOIN events AS e ON e.position = t.position
WHERE t.tag = :sought AND t.position > :after AND t.position <= :until
AND (:types IS NULL OR e.type IN (SELECT value FROM json_each(:types)))
AND NOT EXISTS (SELECT 1 FROM json_each(:tags) AS wanted
    WHERE NOT EXISTS (SELECT 1 FROM json_each(e.tags) AS there WHERE there.value = wanted.value))
ORDER BY t.position LIMIT :limit
"""
THROUGH_FENCE: Final = """
SELECT e.position, e.type, e.tags, e.data
FROM events AS e INDEXED BY events_fence
WHERE e.fence = 1 AND e.position > :after AND e.position <= :until
AND (:types IS NULL OR e.type IN (SELECT value FROM json_each(:types)))
AND NOT EXISTS (SELECT 1 FROM json_each(:tags) AS wanted
    WHERE NOT EXISTS (SELECT 1 FROM json_each(e.tags) AS there WHERE there.value = wanted.value))
ORDER BY e.position LIMIT :limit
"""
ROW_BY_ROW: Final = """
SELECT e.position, e.type, e.tags, e.data
FROM events AS e
WHERE e.position > :after AND e.position <= :until
AND (:types IS NULL OR e.type IN (SELECT value FROM json_each(:types)))
AND NOT EXISTS (SELECT 1 FROM json_each(:tags) AS wanted
    WHERE NOT EXISTS (SELECT 1 FROM json_each(e.tags) AS there WHERE there.value = wanted.value))
ORDER BY e.position LIMIT :limit
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """The part of the log that a read is about. Nothing in it can change, however long the read takes."""

    after: int
    until: int
    indexed_up_to: int
    """The last position whose tags are all in the index; at most `until`. It only grows: an older one is as good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The positions `after < position <= until`, and how matches in them are found."""

    sql: str
    after: int
    until: int
    sought: str | None
    types: str | None
    tags: str

    def bindings(self, after: int, limit: int) -> Bindings:
        """What the statement is given for the next `limit` matches after a position."""
        bindings = {
            "after": after,
            "until": self.until,
            "types": self.types,
            "tags": self.tags,
            "limit": limit,
        }
        return bindings if self.sought is None else {**bindings, "sought": self.sought}


def stretches(item: DCBQueryItem, extent: Extent) -> list[Stretch]:
    """Where to seek the item, in the order of the log."""
    sought = min(item.tags, key=_slowness, default=None)
    if sought is None:
        return [_stretch(ROW_BY_ROW, item, extent.after, extent.until)]
    if is_eager(sought):
        return [_stretch(THROUGH_INDEX, item, extent.after, extent.until, sought)]
    if sought == FENCE:
        return [_stretch(THROUGH_FENCE, item, extent.after, extent.until)]
    return [
        _stretch(THROUGH_INDEX, item, extent.after, extent.indexed_up_to, sought),
        _stretch(ROW_BY_ROW, item, max(extent.after, extent.indexed_up_to), extent.until),
    ]


def _slowness(tag: str) -> int:
    """A token has few events; the fence has many but is complete; any other tag may need rows to be read."""
    if is_eager(tag):
        return 0
    return 1 if tag == FENCE else 2


def _stretch(sql: str, item: DCBQueryItem, after: int, until: int, sought: str | None = None) -> Stretch:
    return Stretch(
        sql=sql,
        after=after,
        until=until,
        sought=sought,
        types=text_of(item.types) if item.types else None,
        tags=text_of(item.tags),
    )
