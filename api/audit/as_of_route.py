"""`GET /audit/as-of`: what was true at a position, or at a time that finds one."""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from api.answers import Answer
from api.audit.parameters import Parameters
from api.audit.readings import Reading, Readings
from api.audit.scans import Places, run
from api.past_documents import as_of_document
from domain.identifiers import Position
from projections.as_of import ABOUT, About, TokensWanted, as_of
from projections.named_moments import Moment, MomentAsked, moment_asked

PARAMETERS: Final = frozenset({*ABOUT, "at", "expired", "after", "limit", "min_position"})
LARGEST_PAGE: Final = 1000
USUAL_PAGE: Final = 100


class AsOfRoute:
    """Folds the log up to that position anew, in small slices."""

    def __init__(self, readings: Readings, places: Places) -> None:
        self._readings = readings
        self._places = places

    async def __call__(self, reading: Reading) -> Answer:
        """The document, recorded as read before it leaves."""
        asked, wanted = reading.parameters.moment("at"), _wanted(reading.parameters)
        with self._places.taken():
            end = await self._readings.end(reading.parameters)
            moment = await moment_in(self._readings, asked, end)
            found = await run(as_of(self._readings.log, moment, wanted))
            document: dict[str, Any] = await asyncio.to_thread(as_of_document, found)
        await self._readings.record(reading, "answered", len(found.tokens), moment.position)
        position = str(moment.position).encode()
        return Answer(body=document, headers=((b"counterfoil-position", position),))


async def moment_in(readings: Readings, asked: MomentAsked | None, end: Position) -> Moment:
    """The moment that was asked for, else that of the last event. Raises NoSuchMoment."""
    return await asyncio.to_thread(moment_asked, readings.log, asked or MomentAsked(position=end))


def _wanted(asked: Parameters) -> TokensWanted:
    kind, name = asked.one_of(ABOUT) or (None, "")
    return TokensWanted(
        about=cast("About | None", kind),
        name=name,
        expired=asked.flag("expired"),
        after=asked.position("after") or 0,
        limit=asked.number("limit", 1, LARGEST_PAGE) or USUAL_PAGE,
    )
