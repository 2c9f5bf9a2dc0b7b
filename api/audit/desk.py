"""The audit routes, wired: path → ASGI application."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp

from api.audit import as_of_route, events_route, lineage_route, tail
from api.audit.as_of_route import AsOfRoute
from api.audit.events_route import EventSearch
from api.audit.lineage_route import LineageRoute
from api.audit.readings import Readings
from api.audit.route import AuditRoute, Handler, Reception
from api.audit.scans import MOST_SCANS, MOST_TAILS, Places
from api.audit.tail import LiveTail
from api.bearer import BearerAuthentication
from api.denials import Denials
from api.metadata import AUDIT_AS_OF_PATH, AUDIT_EVENTS_PATH, AUDIT_LINEAGE_PATH, AUDIT_TAIL_PATH
from api.origins import Origins
from api.rate_limits import RateLimits
from api.recorder import Recorder
from domain.lineage import Birth
from eventstore.online import ReadBarrier
from eventstore.store import LogStore
from projections.births import Births


class AuditDesk:
    """Where readers of the log are served."""

    def __init__(
        self,
        *,
        log: LogStore,
        births: Births,
        barrier: ReadBarrier,
        bearer: BearerAuthentication,
        recorder: Recorder,
        rates: RateLimits,
        origins: Origins,
        denials: Denials,
    ) -> None:
        self._barrier = barrier
        self._bearer = bearer
        self._reception = Reception(bearer, rates, origins, denials)
        readings, scans, tails = Readings(log, recorder), Places(MOST_SCANS), Places(MOST_TAILS)
        self.routes: Mapping[str, ASGIApp] = {
            AUDIT_EVENTS_PATH: self._route(
                AUDIT_EVENTS_PATH, events_route.PARAMETERS, EventSearch(readings, scans)
            ),
            AUDIT_TAIL_PATH: self._route(
                AUDIT_TAIL_PATH, tail.PARAMETERS, LiveTail(readings, tails, self._still_may_read)
            ),
            AUDIT_LINEAGE_PATH: self._route(
                AUDIT_LINEAGE_PATH, lineage_route.PARAMETERS, LineageRoute(readings, births, scans)
            ),
            AUDIT_AS_OF_PATH: self._route(
                AUDIT_AS_OF_PATH, as_of_route.PARAMETERS, AsOfRoute(readings, scans)
            ),
        }

    def end_streams(self) -> None:
        """The service stops."""
        self._reception.end_streams()

    def _route(self, path: str, parameters: frozenset[str], handler: Handler) -> AuditRoute:
        return AuditRoute(path, self._reception, parameters, handler)

    async def _still_may_read(self, shown: Birth) -> bool:
        await self._barrier.passed()
        return self._bearer.is_administrators(shown)
