"""`/log/...`: checkpoints, tiles and proofs, for whoever asks: hashes and signatures, which tell nothing of events.

A witness needs no credential of ours, and what everybody may fetch cannot be shown to one and hidden from another.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.log_proofs import LogProofs
from domain.identifiers import Position
from domain.tiles import WIDTH, TileMissing
from eventstore.errors import StoreError

CHECKPOINT_PATH: Final = "/log/checkpoint"
KEY_PATH: Final = "/log/key"
TILE_PATH: Final = "/log/tile/{level}/{place}"
INCLUSION_PATH: Final = "/log/proof/inclusion"
CONSISTENCY_PATH: Final = "/log/proof/consistency"

_AT_ONCE: Final = 2
"""Reads of the tree at a moment: whoever asks for proofs takes no thread from those who decide."""
_TEXT: Final = "text/plain; charset=utf-8"
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,17}")
_TILE: Final = re.compile(r"((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_NOW: Final = "no-store"


class LogEndpoints:
    """The routes of one log."""

    def __init__(self, proofs: LogProofs, key: Callable[[], str]) -> None:
        """`key` gives the public key of the log, and may block."""
        self._proofs = proofs
        self._key = key
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def routes(self) -> list[Route]:
        """All of them, GET."""
        tile = TILE_PATH.replace("{place}", "{place:path}")
        answers = {
            CHECKPOINT_PATH: self.checkpoint,
            KEY_PATH: self.key,
            tile: self.tile,
            INCLUSION_PATH: self.inclusion,
            CONSISTENCY_PATH: self.consistency,
        }
        return [Route(path, answer, methods=["GET"]) for path, answer in answers.items()]

    async def checkpoint(self, _: Request) -> Response:
        """The last one (C2SP tlog-checkpoint); 404 before the first."""
        return await self._answer(self._proofs.checkpoint, _TEXT, _NOW)

    async def key(self, _: Request) -> Response:
        """The public key of the log, for a start; who means to rely on it gets it another way."""
        return await self._answer(lambda: self._key() + "\n", _TEXT, _NOW)

    async def tile(self, request: Request) -> Response:
        """Hashes (C2SP tlog-tiles); 404 for a tile, or a width of it, that the last checkpoint does not cover.

        There are no bundles of entries: an entry is a digest of an event, and who has the event computes it.
        """
        named, found = request.path_params["level"], _TILE.fullmatch(request.path_params["place"])
        if named == "entries":
            return _error(404, "not_found", "Entries are digests of events; exports have the events.")
        if found is None or not _NUMBER.fullmatch(named) or int(found[2] or WIDTH) > WIDTH:
            return _error(
                400, "invalid_request", "Tiles are /log/tile/LEVEL/INDEX, as C2SP tlog-tiles writes them."
            )
        level, index = int(named), int(found[1].replace("x", "").replace("/", ""))
        width = int(found[2] or WIDTH)
        return await self._answer(
            lambda: self._proofs.tile(level, index, width), "application/octet-stream", _FOR_EVER
        )

    async def inclusion(self, request: Request) -> Response:
        """A proof (C2SP tlog-proof) that an event stands at `position`."""
        position = _number(request, "position")
        if not position:
            return _error(400, "invalid_request", "Give position, from 1.")
        return await self._answer(lambda: self._proofs.inclusion(Position(position)), _TEXT, _NOW)

    async def consistency(self, request: Request) -> Response:
        """A proof that the tree of size `old` is the beginning of the last checkpoint's."""
        old = _number(request, "old")
        if old is None:
            return _error(400, "invalid_request", "Give old, the size of a checkpoint that you have.")
        return await self._answer(lambda: self._proofs.consistency(old), _TEXT, _NOW)

    async def _answer(
        self, read: Callable[[], str | bytes | None], media_type: str, caching: str
    ) -> Response:
        try:
            async with self._turns:
                found = await asyncio.to_thread(read)
        except (StoreError, TileMissing):
            return _error(
                503, "temporarily_unavailable", "The tree cannot be read now.", {"Retry-After": "1"}
            )
        if found is None:
            return _error(404, "not_found", "No checkpoint covers that.")
        return Response(found, 200, {"Cache-Control": caching}, media_type=media_type)


def _number(request: Request, name: str) -> int | None:
    values = request.query_params.getlist(name)
    return int(values[0]) if len(values) == 1 and _NUMBER.fullmatch(values[0]) else None


def _error(status: int, error: str, description: str, headers: dict[str, str] | None = None) -> Response:
    body = {"error": error, "error_description": description}
    return JSONResponse(body, status, {"Cache-Control": _NOW, **(headers or {})})
