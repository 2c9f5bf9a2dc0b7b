"""A request to a hot route, from its whole body to its answer, without ASGI: no messages, no task, one write.

It stands where uvicorn has its `RequestResponseCycle`, for the requests that nearly all are: a POST to exactly one of
the routes, with a small length that is known. Measured with 16 connections: an eighth more exchanges of
warm tokens, a fifth more introspections.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, Protocol

from starlette.types import Scope
from uvicorn.protocols.http.flow_control import FlowControl

from api.answers import Answer, answer_octets
from api.forms import MAX_BODY

_MOST_DIGITS: Final = len(str(MAX_BODY))

_log = logging.getLogger("counterfoil.requests")


class QuickEndpoint(Protocol):
    """A route that answers a whole body. It runs outside of any task, so what needs one must make its own."""

    async def reply(self, scope: Scope, body: bytes) -> tuple[Answer, str]:
        """The answer and the id of the request; raises nothing. `scope` has `method`, `headers` and `client`."""


QuickEndpoints = Mapping[bytes, QuickEndpoint]
"""By the path, as it stands in the request line."""


class QuickCycle:
    """One request. The protocol adds to `body`, and says when it is whole and when it is this request's turn."""

    __slots__ = (
        "_default_headers",
        "_done",
        "_endpoint",
        "_flow",
        "_scope",
        "_tasks",
        "_transport",
        "_work",
        "body",
        "disconnected",
        "keep_alive",
        "message_event",
        "more_body",
        "response_complete",
        "response_started",
    )

    def __init__(
        self,
        endpoint: QuickEndpoint,
        scope: Scope,
        transport: asyncio.Transport,
        flow: FlowControl,
        default_headers: list[tuple[bytes, bytes]],
        tasks: set[Any],
        done: Callable[[], None],
        *,
        keep_alive: bool,
    ) -> None:
        self._endpoint = endpoint
        self._scope = scope
        self._transport = transport
        self._flow = flow
        self._default_headers = default_headers
        self._tasks = tasks
        self._done = done
        self._work: Coroutine[asyncio.Future[Any] | None, None, None] | None = None
        # What uvicorn's protocol sets and asks of a cycle:
        self.keep_alive = keep_alive
        self.body = bytearray()
        self.more_body = True
        self.disconnected = False
        self.response_started = False
        self.response_complete = False
        self.message_event = _NOBODY_WAITS

    def begin(self) -> None:
        """Work on the request: here and now as far as it goes, and on from there when what it waits for is there."""
        self._work = self._answer()
        self._go_on(None)

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
            self._transport.close()
            _log.exception("an answer was not sent")
            if not isinstance(error, Exception | asyncio.CancelledError):
                raise
        else:
            self._tasks.add(self)
            if awaited is None:
                asyncio.get_running_loop().call_soon(self._go_on, None)
            else:
                awaited._asyncio_future_blocking = False  # noqa: SLF001 - how a future knows that it was yielded
                awaited.add_done_callback(self._go_on)

    def _end(self) -> None:
        self._work = None
        self._tasks.discard(self)

    async def _answer(self) -> None:
        answer, request_id = await self._endpoint.reply(self._scope, bytes(self.body))
        if self._flow.write_paused and not self.disconnected:
            await self._flow.drain()
        if self.disconnected or self._transport.is_closing():
            return
        self._transport.write(answer_octets(answer, request_id, self._default_headers, self.keep_alive))
        self.response_started = self.response_complete = True
        if not self.keep_alive:
            self._transport.close()
        self._done()

    def cancel(self, msg: object = None) -> None:  # noqa: ARG002 - the signature is a task's
        """What uvicorn says to tasks that are not done in time; like a task, it ends a little later."""
        asyncio.get_running_loop().call_soon(self._give_up)

    def _give_up(self) -> None:
        if self._work is not None:
            self._work.close()
            self._end()


class _Nobody:
    """Stands for the event that uvicorn sets when a part of a body has come; nobody waits for parts here."""

    def set(self) -> None:
        """Nothing."""


_NOBODY_WAITS: Final = _Nobody()


def has_small_length(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether the head says how long the body is, and no longer than a form; llhttp takes one length only."""
    for name, value in headers:
        if name == b"content-length":
            return len(value) <= _MOST_DIGITS and value.isdigit() and int(value) <= MAX_BODY
    return False
