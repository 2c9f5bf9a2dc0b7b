"""Births as a walk through the log needs them: those it has just passed at hand, older ones looked up by their tag."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

from domain.births import birth_of
from domain.events import Event, TokenBirth
from domain.identifiers import Jti, Position
from domain.lineage import Birth
from domain.recorded_requests import BirthUnrecorded, presented_jtis, request_in
from domain.tags import tag
from eventstore.codec import UnreadableEvent, decode
from projections.births import BirthSource

REMEMBERED: Final = 8192
"""Births that are at hand in any case, and at most twice as many, some 20 MB; an older one is looked up in the log."""


class KnownBirths:
    """Implements `domain.recorded_requests.BirthRecords`. Raises what the store and the codec raise."""

    def __init__(self, source: BirthSource, remembered: int = REMEMBERED) -> None:
        self._source = source
        self._remembered = remembered
        self._recent: dict[str, Birth] = {}
        self._before: dict[str, Birth] = {}
        """They make room all at once: to take the first out of a dictionary again and again is slow."""
        self.at = Position(0)
        """Where the walk is: of what is born later nothing can have been made yet."""

    def passed(self, event: TokenBirth, position: Position) -> None:
        """The walk has come past this birth. The first one under a `jti` is the one that counts."""
        if event.jti not in self._recent and event.jti not in self._before:
            birth = birth_of(event, position)
            if birth is not None:
                self._remember(birth)

    def look_up(self, events: Iterable[Event], before: Position) -> None:
        """Fetch, in one reading, what these events present and is not at hand, if it was born before all of them."""
        born, presented = set[Jti](), list[Jti]()
        for event in events:
            request = request_in(event)
            if request is not None:
                presented += presented_jtis(request)
                if isinstance(event, TokenBirth):
                    born.add(event.jti)
        missing = {j for j in presented if j not in born and j not in self._recent and j not in self._before}
        if missing:
            for birth in self._recorded(missing):
                if birth.position < before and birth.jti not in self._recent:
                    self._remember(birth)

    def birth(self, jti: str) -> Birth:
        """The birth of a token on which something stands. Raises BirthUnrecorded."""
        known = self._recent.get(jti) or self._before.get(jti) or next(self._recorded([jti]), None)
        if known is None or known.position >= self.at:
            raise BirthUnrecorded(f"the log has no birth of {jti} before position {self.at}")
        return known

    def _remember(self, birth: Birth) -> None:
        if len(self._recent) >= self._remembered:
            self._before, self._recent = self._recent, {}
        self._recent[birth.jti] = birth

    def _recorded(self, jtis: Iterable[str]) -> Iterator[Birth]:
        """The births in the log; what cannot be read is none."""
        for stored in self._source.read_tokens([tag("token", jti) for jti in jtis]):
            with suppress(UnreadableEvent):
                birth = birth_of(decode(stored), Position(stored.position))
                if birth is not None:
                    yield birth
