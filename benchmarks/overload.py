"""Overload: five times as many exchanges as the service can make, on schedule. What is left of its peak?

Peak and flood are measured in turn, for on a machine that others use only neighbours can be compared.
"""

from __future__ import annotations

import resource
import statistics
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import Load, Slice
from benchmarks.open_load import Flood, OpenLoad, percentile
from benchmarks.servers import LOAD_CORE, Server, bind, free_port, serve
from benchmarks.world import World, embedded_world

TIMES = 5
"""The peak, as offered load."""
AT_PEAK = 64
"""Connections over which the peak is measured, one request under way on each."""
CONNECTIONS = 1024
"""Over which the flood comes: more than can be waiting for an answer at any time, or it would slow down."""
SPARE = 2 * CONNECTIONS
"""Requests beyond those that are answered: those under way must have one each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverloadPlan:
    """How often, and seconds of flood each time."""

    rounds: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """A peak and the flood behind it; megabytes of the server before and after."""

    peak: Slice
    flood: Flood
    memory: tuple[float, float]


def measure_overload(folder: Path, plan: OverloadPlan) -> dict[str, float]:
    """The named figures; medians over the rounds."""
    rounds = run(folder, plan)
    shed = [percentile(one.flood.shed, 0.99) for one in rounds if one.flood.shed]
    return {
        "overload_goodput_vs_peak": statistics.median(
            one.flood.goodput / one.peak.per_second for one in rounds
        ),
        "overload_peak_per_second": statistics.median(one.peak.per_second for one in rounds),
        "overload_shed_p99_ms": statistics.median(shed) if shed else 0.0,
        "overload_accepted_p99_ms": statistics.median(percentile(one.flood.answered, 0.99) for one in rounds),
        "overload_grown_megabytes": rounds[-1].memory[1] - rounds[0].memory[0],
    }


def run(folder: Path, plan: OverloadPlan) -> list[Round]:
    """Raises RuntimeError where anything but a token or a refusal with Retry-After is answered."""
    _allow_descriptors()
    world = embedded_world(folder)
    with serve(world, free_port()) as server:
        bind(0, LOAD_CORE)
        requests: deque[bytes] = deque()
        with (
            closing(Load(server.port, AT_PEAK)) as load,
            closing(OpenLoad(server.port, CONNECTIONS)) as flood,
        ):
            return [_round(world, server, load, flood, requests, plan) for _ in range(plan.rounds)]


def _round(
    world: World, server: Server, load: Load, flood: OpenLoad, requests: deque[bytes], plan: OverloadPlan
) -> Round:
    """Tokens that the server has not seen: each is exchanged once, and comes back where it was turned away."""
    _fill(world, requests, SPARE)
    rate = load.run(_each(requests), 0.2).per_second
    _fill(world, requests, int(rate * 2 * plan.seconds) + SPARE)
    peak = load.run(_each(requests), plan.seconds)
    before = server.resident_megabytes()
    _fill(world, requests, int(peak.per_second * 2 * plan.seconds) + SPARE)
    seen = flood.flood(requests, TIMES * peak.per_second, plan.seconds)
    if seen.others:
        raise RuntimeError(f"{len(seen.others)} answers were neither: {seen.others[0]!r}")
    return Round(peak=peak, flood=seen, memory=(before, server.resident_megabytes()))


def _fill(world: World, requests: deque[bytes], count: int) -> None:
    if len(requests) < count:
        requests.extend(world.exchanges(world.mint(count - len(requests))))


def _each(requests: deque[bytes]) -> Iterator[bytes]:
    while requests:
        yield requests.popleft()


def _allow_descriptors() -> None:
    """Here and in the server, which inherits it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CONNECTIONS
    if soft != resource.RLIM_INFINITY and soft < wanted <= (
        wanted if hard == resource.RLIM_INFINITY else hard
    ):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
