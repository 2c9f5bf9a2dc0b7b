"""Births as a walk through the log needs them: those it has just passed at hand, older ones looked up by their tag."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

from domain.births import birth_of
from domain.events import TokenBirth
from domain.identifiers import Position
from domain.lineage import Birth
from domain.recorded_requests import BirthUnrecorded
from domain.tags import tag
from eventstore.codec import UnreadableEvent, decode
from projections.births import BirthSource

REMEMBERED: Final = 32_768
"""Births kept in memory, some 80 MB; whoever presents an older token costs one look into the index."""


class KnownBirths:
    """Implements `domain.recorded_requests.BirthRecords`. Raises what the store and the codec raise."""

    def __init__(self, source: BirthSource, remembered: int = REMEMBERED) -> None:
        self._source = source
        self._remembered = remembered
        self._known: dict[str, Birth | tuple[TokenBirth, Position]] = {}
        self.at = Position(0)
        """Where the walk is: of what is born later nothing can have been made yet."""

    def passed(self, event: TokenBirth, position: Position) -> None:
        """The walk has passed its birth; of the many that nobody presents later, no record is made.

        The first birth under a `jti` is the one that counts.
        """
        known = self._known
        if event.jti not in known:
            known[event.jti] = (event, position)
            if len(known) > self._remembered:
                del known[next(iter(known))]

    def look_up(self, jtis: Iterable[str], before: Position) -> None:
        """Fetch, in one reading, those that are not at hand and stand before a position."""
        missing = {jti for jti in jtis if jti not in self._known}
        if missing:
            for birth in self._recorded(missing):
                if birth.position < before:
                    self._known.setdefault(birth.jti, birth)

    def birth(self, jti: str) -> Birth:
        """The birth of a token on which something stands. Raises BirthUnrecorded."""
        known = self._known.get(jti)
        if isinstance(known, tuple):
            known = birth_of(*known)
            if known is not None:
                self._known[jti] = known
        if known is not None:
            return known
        birth = next(self._recorded([jti]), None)
        if birth is None or birth.position >= self.at:
            raise BirthUnrecorded(f"the log has no birth of {jti} before position {self.at}")
        return birth

    def _recorded(self, jtis: Iterable[str]) -> Iterator[Birth]:
        """The births in the log; what cannot be read is none."""
        for stored in self._source.read_tokens([tag("token", jti) for jti in jtis]):
            with suppress(UnreadableEvent):
                birth = birth_of(decode(stored), Position(stored.position))
                if birth is not None:
                    yield birth
