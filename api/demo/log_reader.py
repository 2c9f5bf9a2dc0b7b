"""What the log says about a request that was just answered, and about a whole chain."""

from __future__ import annotations

from typing import Final

from domain.identifiers import Jti, Position
from projections.audit_search import AuditFilter, AuditSearch, AuditSource, RecordedEvent

_AT_ONCE: Final = 1000


class LogReader:
    """Reads on from where it stopped, beside the server that writes. Raises what the store and the codec raise."""

    def __init__(self, source: AuditSource) -> None:
        self._search = AuditSearch(source)
        self._read_to = Position(source.last_position())

    def recorded(self, request: str) -> RecordedEvent | None:
        """The event of that request (its `X-Request-Id`), or `None` where it recorded nothing."""
        page = self._search.page(AuditFilter(), self._read_to, _AT_ONCE)
        self._read_to = page.position
        return next((found for found in page.events if found.event.origin.request == request), None)

    def chain(self, root: Jti) -> tuple[RecordedEvent, ...]:
        """Everything that happened on a chain, in order."""
        return self._search.page(AuditFilter(chain=root), Position(0), _AT_ONCE).events
