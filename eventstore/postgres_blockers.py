"""Who holds what the store waits for: asked when something has waited in vain, so that an alarm names whom to end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Final

from eventstore.errors import StoreError
from eventstore.postgres_connections import APPLICATION
from eventstore.postgres_link import Link

ASK_EVERY: Final = 10.0
"""Seconds between two questions, however many requests fail: it is one alarm, not one for each of them."""
MOST_NAMED: Final = 5

# A role without further rights sees of other sessions their pid, user and application, and every lock. What only waits
# is named too, unless it is one of us: whoever waits for a table alone keeps everybody behind it out.
_HOLDERS: Final = """
SELECT l.pid, a.usename::text, a.application_name, l.relation::regclass::text, l.mode, l.granted
FROM pg_locks AS l LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.pid IS DISTINCT FROM pg_backend_pid()
AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
AND (l.granted OR a.application_name IS DISTINCT FROM $1)
AND CASE WHEN l.relation = to_regclass('counterfoil.append_turn') THEN l.mode <> 'AccessShareLock'
    ELSE l.relation = ANY (ARRAY[to_regclass('counterfoil.events_tt_main'), to_regclass('counterfoil.events_tt_tag')])
    AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock') END
ORDER BY a.application_name IS NOT DISTINCT FROM $1, l.granted DESC, l.pid LIMIT $2
"""

_log = logging.getLogger("counterfoil.store")


class Blockers:
    """Asks on a link that does not wait itself, beside the requests."""

    def __init__(self, link: Link, clock: Callable[[], float] = time.monotonic) -> None:
        self._link = link
        self._clock = clock
        self._asked_at = -ASK_EVERY
        self._asking: asyncio.Task[None] | None = None

    def suspect(self) -> None:
        """Something has waited in vain. Returns at once."""
        if self._clock() - self._asked_at >= ASK_EVERY:
            self._asked_at = self._clock()
            self._asking = asyncio.get_running_loop().create_task(self._ask())

    async def _ask(self) -> None:
        try:
            rows = await self._link.rows(_HOLDERS, APPLICATION, MOST_NAMED)
        except StoreError as error:
            _log.warning("the event store is locked, and who locks it cannot be asked: %s", error)
            return
        # Other nodes hold the append turn for a moment all the time: they are named where there is nobody else.
        others = [row for row in rows if row[2] != APPLICATION] or rows
        named = "; ".join(map(_named, others)) or "nobody any more"
        _log.warning("the event store is locked, requests are answered 503; it is held by: %s", named)


def _named(row: Any) -> str:
    pid, user, application, table, mode, granted = row
    who = (
        "a prepared transaction" if pid is None else f"pid {pid}, user {user!r}, application {application!r}"
    )
    return f"{who} ({mode} on {table}{'' if granted else ', waiting itself'})"
