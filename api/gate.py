"""The gate: where a connection's requests are let in, or turned away before anything is made for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.admission import HURRIED, Admission, route_of
from api.answers import raw_answer
from api.oauth_errors import OVERLOADED
from api.plain_requests import PlainRequests
from api.tickets import Ticket

if TYPE_CHECKING:
    from api.http_protocol import HttpProtocol

SURPLUS: Final = 32
"""Connections past the bound that are still told so; further ones are cut off, for each costs a descriptor."""

_PLAIN: Final = PlainRequests(HURRIED)
_OVERLOADED: Final = raw_answer(OVERLOADED)
_OVERLOADED_AND_CLOSED: Final = raw_answer(OVERLOADED, b"connection: close")


class Gate:
    """One connection's. `admission` is `None` for an application without any."""

    __slots__ = ("_admission", "_connection", "_most", "is_passing_over", "ticket")

    def __init__(self, connection: HttpProtocol, admission: Admission | None, most: int | None) -> None:
        """`most`: connections that are served at once."""
        self._connection = connection
        self._admission = admission
        self._most = most
        self.ticket: Ticket | None = None
        """Of the request whose head was read last; there may be none."""
        self.is_passing_over = False
        """Whether what is being read is the body of a request that has been turned away."""

    def is_surplus(self, beyond: int = 0) -> bool:
        """Whether there are more connections than are served."""
        return self._most is not None and len(self._connection.connections) > self._most + beyond

    def turns_away_unread(self, data: bytes) -> bool:
        """While requests are being turned away: whether these octets are one more of them, which is then answered.

        Called between two requests only, so the parser learns nothing of it. Whatever is not plainly one whole request,
        or would be let in, is read as always.
        """
        admission = self._admission
        if admission is None or not admission.is_turning_away:
            return False
        target = _PLAIN.target(data)
        if target is None or self.is_surplus() or admission.has_room(HURRIED[target]):
            return False
        admission.turned_away()
        self._answer(is_last=False)
        return True

    def lets_in(self) -> bool:
        """Called for every head. If not, the answer is on its way: pass over the body."""
        self.ticket = None
        route = None if self._admission is None else route_of(self._connection.url)
        if self._admission is None or route is None:
            return True
        if self.is_surplus():
            self._admission.turned_away()
            return self._turns_away(self._admission)
        self.ticket = self._admission.admit(route)
        return self.ticket is not None or self._turns_away(self._admission)

    def _turns_away(self, admission: Admission) -> bool:
        """Behind requests that wait for their answers it is one more of them, so that the order stays."""
        latest = getattr(self._connection, "cycle", None)
        if latest is not None and not latest.response_complete:
            self.ticket = admission.worthless_ticket()
            return True
        self.is_passing_over = True
        if self._connection.expect_100_continue:
            # Its sender may now leave out the body, so nobody can say where the next request begins (RFC 9110 §10.1.1).
            self._answer(is_last=True)
        return False

    def request_complete(self) -> None:
        """Called when a request has arrived whole."""
        if self.ticket is not None:
            self.ticket.arrived()
        elif self.is_passing_over:
            self.is_passing_over = False
            self._answer(is_last=self.is_surplus() or not self._connection.keeps_alive())

    def _answer(self, is_last: bool) -> None:
        transport = self._connection.transport
        if transport.is_closing():
            return
        if self._connection.flow.write_paused:
            # Dozens of answers that nobody has taken: this peer only sends.
            transport.abort()
            return
        transport.write(_OVERLOADED_AND_CLOSED if is_last else _OVERLOADED)
        self._connection.answered_directly(is_last)
