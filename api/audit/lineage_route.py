"""`GET /audit/lineage`: the family of a token, a chain or a subject, as JSON, Graphviz or SVG."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from api.answers import Answer
from api.audit.as_of_route import moment_in
from api.audit.readings import Reading, Readings
from api.audit.scans import Places, run
from api.audit.streams import Stream
from api.family_documents import family_document
from api.family_dot import family_dot
from api.family_svg import family_svg
from api.oauth_errors import NOT_FOUND, malformed
from domain.identifiers import Position
from projections.births import Births
from projections.family import Family, FamilyName, family_of
from projections.named_moments import Moment

NAMES: Final = ("token", "chain", "subject")
PARAMETERS: Final = frozenset({*NAMES, "at", "format", "min_position"})
FORMATS: Final = ("json", "dot", "svg")


class LineageRoute:
    """Told up to a moment, with the states then and now."""

    def __init__(self, readings: Readings, births: Births, places: Places) -> None:
        self._readings = readings
        self._births = births
        self._places = places

    async def __call__(self, reading: Reading) -> Answer | Stream:
        """The family, recorded as read before it leaves. Raises NOT_FOUND."""
        asked = reading.parameters
        kind, name = asked.one_of(NAMES, required=True) or ("", "")
        shape = asked.text("format") or "json"
        if shape not in FORMATS:
            raise malformed(f"format must be one of {', '.join(FORMATS)}.")
        at = asked.moment("at")
        with self._places.taken():
            named = await asyncio.to_thread(self._named, kind, name)
            end = await self._readings.end(asked)
            latest = await moment_in(self._readings, None, end)
            then = latest if at is None else await moment_in(self._readings, at, end)
            now = Moment(position=latest.position, now=self._readings.clock())
            family = await run(family_of(self._readings.log, named, now if at is None else then, now))
            if not family.hops and not family.other_refusals:
                raise NOT_FOUND
            answer = await asyncio.to_thread(_shaped, family, shape)
        await self._readings.record(reading, "answered", len(family.hops), family.then.position)
        return answer

    def _named(self, kind: str, name: str) -> FamilyName:
        if kind == "subject":
            return FamilyName(kind="subject", name=name)
        birth = self._births.birth(name)
        if birth is None or (kind == "chain" and birth.chain != birth.jti):
            raise NOT_FOUND
        return FamilyName(kind="chain", name=birth.chain, token=birth.jti)


def _shaped(family: Family, shape: str) -> Answer | Stream:
    position = family.then.position
    match shape:
        case "dot":
            return Drawing(b"text/vnd.graphviz; charset=utf-8", family_dot(family).encode(), position)
        case "svg":
            return Drawing(b"image/svg+xml", family_svg(family).encode(), position)
        case _:
            header = (b"counterfoil-position", str(position).encode())
            return Answer(body=family_document(family), headers=(header,))


class Drawing:
    """A `Stream` of one piece."""

    def __init__(self, media_type: bytes, body: bytes, position: Position) -> None:
        self.media_type = media_type
        self._body = body
        self._position = position

    @property
    def first_position(self) -> int:
        """Up to where was looked."""
        return self._position

    async def chunks(self, gone: asyncio.Event) -> AsyncIterator[bytes]:  # noqa: ARG002 - the port's signature
        """All of it."""
        yield self._body

    async def close(self) -> None:
        """It was recorded before it left."""
