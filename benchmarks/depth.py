"""Exchanges at the beginning of a chain and at its end, in turn."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Final

from benchmarks.load import Load, cycled
from benchmarks.measured import Measured, Plan, row
from benchmarks.policies import chain_policy
from benchmarks.servers import LOAD_CORE, bind, free_port, serve
from benchmarks.slices import Series, alternate, ratio
from benchmarks.world import World

DEEPEST: Final = 8
POLICY: Final = chain_policy(DEEPEST)
DEPTHS: Final = (1, 4, 8)
"""Of the token that an exchange makes."""
CONNECTIONS: Final = 16
CHAINS: Final = 1500
"""For a second of load: each token is exchanged once in a cold slice, and a few times in the warm one behind it."""
WARM_USES: Final = 2
SCOPE: Final = "trip.plan"

Chains = dict[int, list[str]]
"""By depth, what will be exchanged into a token that deep."""


class Turns:
    """The tokens of one round after the other, the same number of them at each depth."""

    def __init__(self, world: World, rounds: list[Chains]) -> None:
        self._world = world
        self._cold = {depth: iter([chains[depth] for chains in rounds]) for depth in DEPTHS}
        self._warm = {depth: iter([chains[depth] for chains in rounds]) for depth in DEPTHS}

    def cold(self, depth: int) -> Iterator[bytes]:
        """Requests with tokens that the server has not seen."""
        return iter(self._requests(depth, next(self._cold[depth])))

    def warm(self, depth: int) -> Iterator[bytes]:
        """The same tokens again, which the server now knows."""
        return cycled(self._requests(depth, next(self._warm[depth])), WARM_USES)

    def _requests(self, depth: int, tokens: list[str]) -> list[bytes]:
        return self._world.exchanges(tokens, f"step-{depth}", SCOPE)


def measure_depth(world: World, plan: Plan, suffix: str = "") -> tuple[list[Measured], dict[str, float]]:
    """Rows against those of depth 1, and named figures; the world has `POLICY`."""
    gathered: dict[tuple[str, int], Series] = {}
    bind(0, LOAD_CORE)
    for _ in range(plan.processes):
        rounds = _chains(world, plan)
        with serve(world, free_port()) as server, closing(Load(server.port, CONNECTIONS)) as load:
            turns = Turns(world, rounds)
            series = {
                (kind, depth): Series(f"depth {depth} {kind}", load, partial(ask, depth))
                for kind, ask in (("cold", turns.cold), ("warm", turns.warm))
                for depth in DEPTHS
            }
            first, *others = series.values()
            # Each slice ends with its tokens.
            alternate(first, others, plan.rounds, 60)
        for key, one in series.items():
            gathered.setdefault(key, one).take(one)
    rows = [row(one, gathered[kind, 1], CONNECTIONS, one.name) for (kind, _), one in gathered.items()]
    return rows, _figures(gathered, suffix)


def _chains(world: World, plan: Plan) -> list[Chains]:
    """Chains for each round, made by a server of its own, so that they are cold at the next."""
    with serve(world, free_port()) as server, closing(Load(server.port, 64)) as load:
        return [_made(world, load, int(CHAINS * plan.seconds)) for _ in range(plan.rounds + 1)]


def _made(world: World, load: Load, count: int) -> Chains:
    tokens = _answers(load, itertools.repeat(world.first_token("step-0"), count))
    found = {}
    for depth in range(1, DEEPEST + 1):
        if depth in DEPTHS:
            found[depth] = tokens
        if depth < DEEPEST:
            tokens = _answers(load, iter(world.exchanges(tokens, f"step-{depth}", SCOPE)))
    return found


def _answers(load: Load, requests: Iterator[bytes]) -> list[str]:
    bodies: list[bytes] = []
    load.run(requests, 60, bodies)
    return [json.loads(body)["access_token"] for body in bodies]


def _figures(gathered: dict[tuple[str, int], Series], suffix: str) -> dict[str, float]:
    ratios = {(kind, depth): ratio(series, gathered[kind, 1]) for (kind, depth), series in gathered.items()}
    figures = {
        f"depth_{depth}_vs_1_{kind}{suffix}": found for (kind, depth), found in ratios.items() if depth > 1
    }
    return figures | {f"depth_{DEEPEST}_vs_1{suffix}": min(ratios["cold", DEEPEST], ratios["warm", DEEPEST])}
