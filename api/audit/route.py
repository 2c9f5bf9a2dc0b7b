"""What the audit routes have in common: GET, a reader's token, strict parameters, errors, and the places of readers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

from starlette.types import Receive, Scope, Send

from api.answers import Answer, error_answer, send_answer
from api.audit.parameters import read_parameters
from api.audit.readings import Reading
from api.audit.streams import Stream, send_stream
from api.bearer import BearerAuthentication
from api.denials import Denials
from api.endpoints import TOO_FAST_REASON
from api.oauth_errors import (
    GET_ONLY,
    NO_SUCH_MOMENT,
    NO_SUCH_TYPE,
    SERVER_ERROR,
    TOO_FAST,
    UNAVAILABLE,
    OAuthError,
)
from api.origins import Origins
from api.rate_limits import RateLimits
from api.tickets import TICKET, hold, in_time
from domain.identifiers import Scope as ScopeToken
from domain.lineage import Birth
from domain.requests import Origin
from eventstore.errors import StoreError
from projections.audit_search import UnknownType
from projections.named_moments import NoSuchMoment

AUDIT_READ: Final = ScopeToken("audit:read")
Handler = Callable[[Reading], Awaitable[Answer | Stream]]

_log = logging.getLogger("counterfoil.requests")


class Reception:
    """Who may read, and how fast; one for all audit routes."""

    def __init__(
        self, bearer: BearerAuthentication, rates: RateLimits, origins: Origins, denials: Denials
    ) -> None:
        self._bearer = bearer
        self._rates = rates
        self._denials = denials
        self.origins = origins
        self._streams: set[asyncio.Event] = set()
        self._is_stopping = False

    @contextmanager
    def streaming(self) -> Iterator[asyncio.Event]:
        """The event that ends a stream, for as long as the block lasts."""
        gone = asyncio.Event()
        if self._is_stopping:
            gone.set()
        self._streams.add(gone)
        try:
            yield gone
        finally:
            self._streams.discard(gone)

    def end_streams(self) -> None:
        """The service stops: streams end as if their readers had left, and none begins."""
        self._is_stopping = True
        for gone in self._streams:
            gone.set()

    async def reader(self, scope: Scope) -> Birth:
        """The token that was shown. Raises OAuthError; whoever is not authenticated only counts (law 4)."""
        try:
            shown = await self._bearer.token_shown(scope, AUDIT_READ)
        except OAuthError as error:
            self._denials.count(None, error.error)
            raise
        if self._rates.exceeded(shown.client):
            self._denials.count(shown.client, TOO_FAST_REASON)
            raise TOO_FAST
        return shown


class AuditRoute:
    """One route: a plain ASGI application."""

    def __init__(self, path: str, reception: Reception, parameters: frozenset[str], handler: Handler) -> None:
        self._path = path
        self._reception = reception
        self._parameters = parameters
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer. The deadline of requests ends once the reader is known: a scan takes as long as the log is long."""
        origin = self._reception.origins.origin(scope)
        ticket = scope.get(TICKET)
        hold(ticket)
        try:
            reading = await in_time(ticket, self._reading(scope, origin))
            answer = await self._handler(reading)
        except Exception as error:  # noqa: BLE001 - the last resort, so that a fault still gets an answer
            answer = error_answer(_told(error, origin))
        if isinstance(answer, Answer):
            await send_answer(send, answer, origin.request)
            return
        with self._reception.streaming() as gone:
            await send_stream(answer, receive, send, origin.request, gone)

    async def _reading(self, scope: Scope, origin: Origin) -> Reading:
        if scope["method"] != "GET":
            raise GET_ONLY
        shown = await self._reception.reader(scope)
        parameters = read_parameters(scope, self._parameters)
        return Reading(shown=shown, route=self._path, parameters=parameters, origin=origin, scope=scope)


def _told(error: Exception, origin: Origin) -> OAuthError:
    match error:
        case OAuthError():
            return error
        case NoSuchMoment():
            return NO_SUCH_MOMENT
        case UnknownType():
            return NO_SUCH_TYPE
        case StoreError():
            return UNAVAILABLE
        case _:
            _log.error("a request failed: %s", origin.request, exc_info=error)
            return SERVER_ERROR
