"""A request to a hot route, from its whole body to its answer, without ASGI: no messages, no task, one write.

It stands where uvicorn has its `RequestResponseCycle`, for the requests that nearly all are: a POST to exactly one of
the routes, with a small length that is known. Measured with 16 connections: an eighth more exchanges of
warm tokens, a fifth more introspections.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from typing import Any, Final, Protocol

from starlette.types import Scope
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.server import ServerState

from api.answers import Answer, answer_octets
from api.forms import MAX_BODY
from api.tickets import TICKET

_MOST_DIGITS: Final = len(str(MAX_BODY))

_log = logging.getLogger("counterfoil.requests")


class QuickEndpoint(Protocol):
    """A route that answers a whole body. It runs outside of any task, so what needs one must make its own."""

    async def reply(self, scope: Scope, body: bytes) -> tuple[Answer, str]:
        """The answer and the id of the request; raises nothing. `scope` has `method`, `headers` and `client`."""


QuickEndpoints = Mapping[bytes, QuickEndpoint]
"""By the path, as it stands in the request line."""


class _Nobody:
    """Stands for the event that uvicorn sets when a part of a body has come; nobody waits for parts here."""

    def set(self) -> None:
        """Nothing."""


class Connection(Protocol):
    """What a cycle needs of the protocol that it belongs to."""

    transport: asyncio.Transport
    flow: FlowControl
    server_state: ServerState

    def on_response_complete(self) -> None:
        """The next request may begin."""


class QuickCycle:
    """One request. The protocol adds to `body`, and says when it is whole and when it is this request's turn."""

    # What uvicorn's protocol sets and asks of a cycle. Defaults of the class, for most are never set.
    more_body = True
    disconnected = False
    response_started = False
    response_complete = False
    message_event = _Nobody()

    _work: Coroutine[asyncio.Future[Any] | None, None, None] | None = None
    _awaited: asyncio.Future[Any] | None = None

    def __init__(
        self, connection: Connection, endpoint: QuickEndpoint, scope: Scope, *, keep_alive: bool
    ) -> None:
        self._connection = connection
        self._endpoint = endpoint
        self._scope = scope
        self.keep_alive = keep_alive
        self.body = b""

    def begin(self) -> None:
        """Work on the request: here and now as far as it goes, and on from there when what it waits for is there."""
        ticket = self._scope.get(TICKET)
        if ticket is not None:
            ticket.wake = self._wake
        self._work = self._answer()
        self._go_on(None)

    def _wake(self) -> None:
        """It is late: what it waits for is given up, and it learns of that as a task would."""
        if self._awaited is not None:
            self._awaited.cancel()

    def _go_on(self, _: asyncio.Future[Any] | None) -> None:
        """What a task would do. It costs a few microseconds less, and most of all the turn of the loop before it."""
        if self._work is None:
            return
        try:
            awaited = self._work.send(None)
        except StopIteration:
            self._end()
        except BaseException as error:
            self._end()
            self._connection.transport.close()
            _log.exception("an answer was not sent")
            if not isinstance(error, Exception | asyncio.CancelledError):
                raise
        else:
            self._connection.server_state.tasks.add(self)  # type: ignore[arg-type]  # as if it were one
            self._awaited = awaited
            if awaited is None:
                asyncio.get_running_loop().call_soon(self._go_on, None)
            else:
                awaited._asyncio_future_blocking = False  # noqa: SLF001 - how a future knows that it was yielded
                awaited.add_done_callback(self._go_on)

    def _end(self) -> None:
        self._work = None
        self._connection.server_state.tasks.discard(self)

    async def _answer(self) -> None:
        answer, request_id = await self._endpoint.reply(self._scope, self.body)
        connection = self._connection
        if connection.flow.write_paused and not self.disconnected:
            await connection.flow.drain()
        transport = connection.transport
        if self.disconnected or transport.is_closing():
            return
        default_headers = connection.server_state.default_headers
        transport.write(answer_octets(answer, request_id, default_headers, self.keep_alive))
        self.response_started = self.response_complete = True
        if not self.keep_alive:
            transport.close()
        connection.on_response_complete()

    def cancel(self, msg: object = None) -> None:  # noqa: ARG002 - the signature is a task's
        """What uvicorn says to tasks that are not done in time; like a task, it ends a little later."""
        asyncio.get_running_loop().call_soon(self._give_up)

    def _give_up(self) -> None:
        if self._work is not None:
            self._work.close()
            self._end()


def has_small_length(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether the head says how long the body is, and no longer than a form; llhttp takes one length only."""
    for name, value in headers:
        if name == b"content-length":
            return len(value) <= _MOST_DIGITS and value.isdigit() and int(value) <= MAX_BODY
    return False
