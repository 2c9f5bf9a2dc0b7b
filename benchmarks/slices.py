"""Many short slices, floor and service in turn: the machine drifts, the ratio of neighbours does not."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.load import Load, Slice

Requests = Iterator[bytes]


@dataclass(slots=True)
class Series:
    """The slices of one thing that is measured."""

    name: str
    load: Load
    requests: Callable[[], Requests]
    slices: list[Slice] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        """One more slice."""
        self.run_with(self.requests(), seconds)

    def run_with(self, requests: Requests, seconds: float) -> None:
        """One more slice, of these requests."""
        taken = self.load.run(requests, seconds)
        if taken.refused or not taken.latencies:
            raise RuntimeError(
                f"{self.name}: {taken.refused} requests were not answered 200: {taken.refusal!r}"
            )
        self.slices.append(taken)

    def take(self, other: Series) -> None:
        """The slices of the same thing in other processes, behind its own."""
        if other is not self:
            self.slices += other.slices

    @property
    def per_second(self) -> float:
        """Median over the slices."""
        return statistics.median(taken.per_second for taken in self.slices)

    def percentile(self, share: float) -> float:
        """Median over the slices, in milliseconds."""
        return statistics.median(taken.percentile(share) for taken in self.slices)


def alternate(floor: Series, others: Sequence[Series], rounds: int, seconds: float) -> None:
    """A round is a slice of the floor and then one of each other; the first round is not counted."""
    for turn in range(rounds + 1):
        for series in (floor, *others):
            series.run(seconds)
            if turn == 0:
                series.slices.clear()


def ratio(series: Series, floor: Series) -> float:
    """Median of the ratios of neighbouring slices."""
    pairs = zip(series.slices, floor.slices, strict=True)
    return statistics.median(one.per_second / other.per_second for one, other in pairs)
