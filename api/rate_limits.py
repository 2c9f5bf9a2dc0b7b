"""How fast a client may ask: as many requests a second as the policy says, and as many at once (429, RFC 6585 §4)."""

from __future__ import annotations

from collections.abc import Callable

from domain.authority import Authority
from domain.identifiers import ClientId


class RateLimits:
    """One bucket for each client that is limited: full at first, filled at the client's rate, a request takes one.

    Clients are authenticated before they are counted, so there are never more buckets than the policy has clients.
    """

    def __init__(self, authority: Authority, clock: Callable[[], int]) -> None:
        self._authority = authority
        self._clock = clock
        self._buckets: dict[ClientId, tuple[float, int]] = {}

    def exceeded(self, client: ClientId) -> bool:
        """Whether the client has used up its rate; if not, one request of it is used up."""
        limit = self._limit(client)
        if limit is None:
            return False
        now = self._clock()
        left, at = self._buckets.get(client, (float(limit), now))
        left = min(float(limit), left + max(0, now - at) * limit / 1000)
        is_empty = left < 1
        self._buckets[client] = (left if is_empty else left - 1, now)
        return is_empty

    def _limit(self, client: ClientId) -> int | None:
        policy = self._authority.policy
        entry = policy.clients.get(client)
        own = None if entry is None else entry.requests_per_second
        return policy.limits.requests_per_second if own is None else own
