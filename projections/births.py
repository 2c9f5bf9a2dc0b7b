"""Birth records, looked up in the log itself: what one node tore off is known to every other at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from eventsourcing.dcb.api import DCBQuery, DCBQueryItem, DCBReadResponse, DCBSequencedEvent

from domain.births import birth_of
from domain.events import TokenExchanged, TokenIssued
from domain.identifiers import Jti, Position
from domain.lineage import Birth
from domain.tags import tag
from eventstore.codec import decode

BIRTH_TYPES = [TokenIssued.TYPE, TokenExchanged.TYPE]


class BirthSource(Protocol):
    """The reading half of a store."""

    def read_tokens(self, tags: list[str]) -> list[DCBSequencedEvent]:
        """The events under these `token:` tags, tag by tag, each in order; microseconds."""

    def read(
        self, query: DCBQuery | None = None, *, after: int | None = None, limit: int | None = None
    ) -> DCBReadResponse:
        """The events that a query finds."""


class OnlineBirthSource(Protocol):
    """The same of a store with a running service on it."""

    async def read_tokens(self, tags: list[str]) -> list[DCBSequencedEvent]:
        """The events under these `token:` tags, tag by tag, each in order."""


class OnlineBirths:
    """Asks the log for birth records from the event loop. Raises as Births does."""

    def __init__(self, source: OnlineBirthSource) -> None:
        self._source = source

    async def births(self, jtis: list[str]) -> dict[str, Birth]:
        """The birth records that there are, by jti, in one reading."""
        return _by_jti(await self._source.read_tokens(_tags(jtis)))


class Births:
    """Asks the log for birth records. Raises what the store raises, and what the codec raises on a damaged log."""

    def __init__(self, source: BirthSource) -> None:
        self._source = source

    def birth(self, jti: str) -> Birth | None:
        """The birth record of a token, or `None` where the log knows none."""
        return self.births([jti]).get(jti)

    def births(self, jtis: list[str]) -> dict[str, Birth]:
        """The birth records that there are, by jti, in one reading."""
        return _by_jti(self._source.read_tokens(_tags(jtis)))

    def born_after(self, kind: str, value: str, after: Position) -> Position | None:
        """The position of some birth of that `subject` or `client` after a position, or `None` if there is none."""
        query = DCBQuery(items=[DCBQueryItem(types=[t], tags=[tag(kind, value)]) for t in BIRTH_TYPES])
        for stored in self._source.read(query, after=after, limit=1):
            return Position(stored.position)
        return None

    def chain(self, root: Jti) -> list[Birth]:
        """Every birth of a chain, in order."""
        query = DCBQuery(items=[DCBQueryItem(types=[t], tags=[tag("chain", root)]) for t in BIRTH_TYPES])
        found = (birth_of(decode(stored), Position(stored.position)) for stored in self._source.read(query))
        return [birth for birth in found if birth is not None]


def _tags(jtis: list[str]) -> list[str]:
    return [tag("token", jti) for jti in jtis]


def _by_jti(rows: Iterable[DCBSequencedEvent]) -> dict[str, Birth]:
    found: dict[str, Birth] = {}
    for stored in rows:
        birth = birth_of(decode(stored), Position(stored.position))
        if birth is not None:
            found.setdefault(birth.jti, birth)
    return found
