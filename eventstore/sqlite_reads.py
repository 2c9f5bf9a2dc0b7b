"""Reads of the embedded store."""

from __future__ import annotations

from typing import Final

from eventsourcing.dcb.api import DCBQuery, DCBQueryItem

from eventstore.reads import FetchRows, ReadResponse, seek
from eventstore.sqlite_rows import sequenced
from eventstore.sqlite_stretches import Extent, stretches

_EXTENT: Final = """
SELECT (SELECT max(position) FROM events), (SELECT value FROM meta WHERE name = 'indexed_up_to')
"""
_EVERYTHING: Final = DCBQueryItem()


def read(fetch: FetchRows, query: DCBQuery | None, after: int | None, limit: int | None) -> ReadResponse:
    """The events that match the query, each once, in order; at most `limit`. Raises StoreError, here or while read."""
    last, indexed_up_to = fetch(_EXTENT, ())[0]
    extent = Extent(after=after or 0, until=last or 0, indexed_up_to=indexed_up_to)
    items = (query.items if query else None) or [_EVERYTHING]
    rows = seek(fetch, [stretches(item, extent) for item in items], limit)
    return ReadResponse(rows, last, limit, sequenced)
