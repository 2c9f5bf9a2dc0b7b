"""Admission: what cannot be answered in time is answered 503 at once, and what is let in is answered in time.

A queue that grows faster than it is served makes every answer late and none of them useful. So a request is let in only
if it can be expected to be answered within the deadline. Turning one away costs a few microseconds: it is decided
where the head ends, before anything is made for the request, and it is counted, not logged. Revocations have places of
their own: in an incident they must get through, whatever else floods.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import unquote

import httptools

from api.denials import Denials
from api.metadata import (
    ADMIN_REVOCATION_PATH,
    AUDIT_PATHS,
    INTROSPECTION_PATH,
    REVOCATION_PATH,
    TOKEN_PATH,
)
from api.oauth_errors import OVERLOADED
from api.tickets import Later, Ticket, UnderWay, on_the_loop
from eventstore.writer import LARGEST_BATCH

ALWAYS: Final = LARGEST_BATCH // 2
"""Requests that may be under way whatever the estimate says: an append of the writer takes twice as many."""
MOST: Final = 2048
"""Requests that may be under way at most."""
RESERVE: Final = 256
"""Revocations that may be under way beside them. Both together are fewer than the writer's LONGEST_QUEUE, so what was
let in here is not refused there."""
BURST: Final = 0.5
"""The share of the deadline in which an answer must be expected; estimates err."""
STANDING: Final = 0.025
"""The same while requests are being turned away: a queue that stands makes every answer late and nothing faster; a
short one keeps the service as busy."""
QUIET: Final = 1.0
"""Seconds without anybody turned away or late after which an overload has ended."""
OVERLOADED_REASON: Final = "overloaded"
LATE_REASON: Final = "late"
"""The names under which they are counted; they are no events of their own."""

_log = logging.getLogger("counterfoil.admission")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What has to be known of a path."""

    appends: bool = True
    """Whether it waits for the append lock; introspection goes on while nothing can be written."""
    is_plug: bool = False


_REVOCATION: Final = Route(is_plug=True)
_ROUTES: Final = {
    TOKEN_PATH.encode(): Route(),
    INTROSPECTION_PATH.encode(): Route(appends=False),
    REVOCATION_PATH.encode(): _REVOCATION,
    ADMIN_REVOCATION_PATH.encode(): _REVOCATION,
    **{path.encode(): Route() for path in AUDIT_PATHS},
}


HURRIED: Final = {target: route for target, route in _ROUTES.items() if not route.is_plug}
"""The routes that an overload is made of."""


def route_of(target: bytes) -> Route | None:
    """The route of a request target, however it is spelt; `None` for what is always let in.

    Raises HttpParserInvalidURLError.
    """
    route = _ROUTES.get(target)
    if route is None:
        path = httptools.parse_url(target).path or b""
        route = _ROUTES.get(unquote(path.decode("ascii")).encode())
    return route


class Store(Protocol):
    """The part of the writer that says whether it gets anywhere."""

    @property
    def working_since(self) -> float | None:
        """When it began what it is doing (monotonic, seconds); `None` while there is nothing to do."""


class Admission:
    """Decides for one process. All methods are called in the event loop's thread."""

    def __init__(
        self,
        *,
        deadline: float,
        store: Store,
        denials: Denials,
        clock: Callable[[], float] = time.monotonic,
        later: Later = on_the_loop,
    ) -> None:
        """`deadline` in seconds; `clock` is monotonic and the store's own."""
        self._deadline = deadline
        self._store = store
        self._denials = denials
        self._clock = clock
        self._later = later
        self._under_way = UnderWay(deadline, self._told_late, clock, later)
        self._unserved = 0
        self._unserved_at: float | None = None

    def admit(self, route: Route) -> Ticket | None:
        """A ticket, or `None`: then answer OVERLOADED. Whoever is turned away has been counted."""
        if self.has_room(route):
            return Ticket(self._under_way, is_plug=route.is_plug)
        self.turned_away()
        return None

    def worthless_ticket(self) -> Ticket:
        """For a request that is turned away behind others on its connection: it is told when its turn comes."""
        return Ticket(self._under_way, is_plug=False, verdict=OVERLOADED)

    @property
    def is_turning_away(self) -> bool:
        """Whether somebody was turned away, or told late, a moment ago."""
        return self._unserved_at is not None

    def has_room(self, route: Route) -> bool:
        """Whether a request for this route can be expected to be answered in time."""
        if route.is_plug and self._under_way.plugs < RESERVE:
            return True
        if route.appends and self._store_stands_still():
            return False
        count = self._under_way.count
        if count < ALWAYS:
            return True
        if count >= MOST:
            return False
        share = BURST if self._unserved_at is None else STANDING
        return count * self._under_way.pace.seconds_each(self._clock()) <= share * self._deadline

    def _store_stands_still(self) -> bool:
        """Whoever waits behind an append that takes longer than the deadline can only wait in vain."""
        since = self._store.working_since
        return since is not None and self._clock() - since > self._deadline

    def turned_away(self) -> None:
        """Count one that was answered OVERLOADED."""
        self._denials.count(None, OVERLOADED_REASON)
        self._not_served()

    def _told_late(self) -> None:
        self._denials.count(None, LATE_REASON)
        self._not_served()

    def _not_served(self) -> None:
        """One line when it begins and one when it is over: lines for each would be a load of their own."""
        self._unserved += 1
        if self._unserved_at is None:
            _log.warning("overloaded: what cannot be answered in time is answered 503")
            self._later(QUIET, self._look)
        self._unserved_at = self._clock()

    def _look(self) -> None:
        quiet_for = self._clock() - (self._unserved_at or 0.0)
        if quiet_for < QUIET:
            self._later(QUIET - quiet_for, self._look)
            return
        _log.warning("no longer overloaded: %d requests were answered 503", self._unserved)
        self._unserved = 0
        self._unserved_at = None
