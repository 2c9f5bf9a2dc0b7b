"""Slices with meters around them: processor time, transactions, events."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from benchmarks.processor_time import seconds_spent
from benchmarks.slices import Series

_COUNTERS: Final = """
SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint, (SELECT max(id) FROM counterfoil.events_tt_main)
"""
"""Transactions that have written anything, and events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the meters say, or what two readings have between them."""

    workers: float
    """Seconds of processor time, as the next."""
    database: float
    transactions: int
    events: int

    def __sub__(self, before: Reading) -> Reading:
        return Reading(
            workers=self.workers - before.workers,
            database=self.database - before.database,
            transactions=self.transactions - before.transactions,
            events=self.events - before.events,
        )


class Meters:
    """Reads them, for one server on a database."""

    def __init__(self, server: int, postmaster: int, connection: psycopg.Connection[Any]) -> None:
        self._server, self._postmaster, self._connection = server, postmaster, connection

    def read(self) -> Reading:
        """All of them, now."""
        transactions, events = self._connection.execute(_COUNTERS).fetchone() or (0, 0)
        return Reading(
            workers=seconds_spent(self._server),
            database=seconds_spent(self._postmaster),
            transactions=transactions,
            events=events,
        )


@dataclass(slots=True)
class Metered(Series):
    """A series that knows what its slices cost."""

    read: Callable[[], Reading] = field(kw_only=True)
    readings: list[Reading] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        """One more slice."""
        requests = self.requests()  # what prepares them is not metered
        before = self.read()
        self.run_with(requests, seconds)
        self.readings.append(self.read() - before)

    def take(self, other: Series) -> None:
        """The slices of the same thing in other processes, behind its own."""
        if isinstance(other, Metered) and other is not self:
            self.readings += other.costs
            self.slices += other.slices

    @property
    def costs(self) -> list[Reading]:
        """Those of the slices that count."""
        return self.readings[-len(self.slices) :]

    def microseconds(self, of: Callable[[Reading], float]) -> list[float]:
        """Processor time for each answer, slice by slice."""
        pairs = zip(self.costs, self.slices, strict=True)
        return [of(cost) / len(taken.latencies) * 1e6 for cost, taken in pairs]

    def events_in_a_transaction(self) -> float:
        """Median over the slices."""
        return statistics.median(cost.events / max(1, cost.transactions) for cost in self.costs)
