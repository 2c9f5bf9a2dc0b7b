"""From a decision's event back to the request that was decided, with nothing but the log.

The product has the rebuilding, for its own replay (`domain/recorded_requests.py`); where the births come from, on which
states the request is decided again and what is compared stay the checker's own.
"""

from __future__ import annotations

from domain.recorded_requests import BirthUnrecorded, DecidedRequest, request_of
from domain.requests import RequestToken
from tests.history.log import Log, Unrecorded


class Requests:
    """Rebuilds requests."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def request(self, event: DecidedRequest) -> RequestToken:
        """The request that led to this event. Raises Unrecorded."""
        try:
            return request_of(event, self._log)
        except BirthUnrecorded as error:
            raise Unrecorded(str(error)) from error
