"""What clients do next, each from its own seed: which request, with which token, at which node.

Tokens that have just been revoked are asked for at once, everywhere: a stale node betrays itself within milliseconds.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from tests.history.clients import Client, torn_off
from tests.history.cluster import Node
from tests.history.connection import NotSent
from tests.history.operations import Kill, KillKind, Operation
from tests.history.world import DELEGATING, SERVICES, USERS, World

Name = TypeVar("Name", bound=str)
REMEMBERED: Final = 500
RECENT: Final = 40
ACTS: Final = {"issue": 14, "exchange": 40, "introspect": 34, "revoke": 7, "pull": 5}
KILLS: Final[dict[KillKind, int]] = {"token": 40, "chain": 45, "subject": 12, "client": 3}


@dataclass(frozen=True, slots=True)
class Held:
    """A token, and the tokens it was made from."""

    token: str
    jti: str
    chain: str
    client: str
    subject: str
    service: str
    """Which it is for."""
    kid: str
    made_from: frozenset[str]


class Pool:
    """The tokens that the clients know, living and dead."""

    def __init__(self) -> None:
        self.held: deque[Held] = deque(maxlen=REMEMBERED)
        self._made_from: dict[str, frozenset[str]] = {}

    def add(self, token: str, op: Operation) -> None:
        """A token that was given."""
        torn = torn_off(token)
        parents = [jti for jti in (op.token, op.actor) if jti is not None]
        made_from = frozenset(parents).union(*(self._made_from.get(jti, ()) for jti in parents))
        self._made_from[torn.jti] = made_from
        service = torn.audiences[0].removeprefix("https://").removesuffix(".example")
        if service in SERVICES:
            self.held.append(
                Held(token, torn.jti, torn.chain, torn.client, torn.subject, service, torn.kid, made_from)
            )

    def some(self, chance: random.Random, fits: Callable[[Held], bool] = lambda _: True) -> Held | None:
        """One of them, more often a young one."""
        held = [token for token in self.held if fits(token)]
        return chance.choice(held[-RECENT:] if chance.random() < 0.7 else held) if held else None


class Traffic:
    """The work of one client."""

    def __init__(
        self, client: Client, world: World, nodes: list[Node], pool: Pool, chance: random.Random
    ) -> None:
        self._client = client
        self._world = world
        self._nodes = nodes
        self._pool = pool
        self._chance = chance

    async def run(self, until: float) -> None:
        """One request after the other, until that moment of the monotonic clock."""
        while time.monotonic() < until:
            try:
                await self._act(self._one_of(ACTS), self._chance.choice(self._nodes))
            except NotSent:
                await asyncio.sleep(0.05)
        self._client.close()

    def _one_of(self, weights: Mapping[Name, int]) -> Name:
        return self._chance.choices(list(weights), list(weights.values()))[0]

    async def _act(self, act: str, node: Node) -> None:
        held = self._pool.some(self._chance)
        if act == "issue" or held is None:
            await self._issue(node)
        elif self._is_disabled(held.service):
            # A disabled client's failed sign-ins are few: a node stops listening to more than 30 a minute.
            await self._client.introspect(held.client, held.token, node)
        elif act == "exchange":
            await self._exchange(held, node)
        elif act == "introspect":
            await self._introspect(held, node)
        elif act == "revoke":
            caller = held.client if self._chance.random() < 0.85 else held.service
            await self._client.revoke(caller, held.token, node)
            await self._probe(lambda other: held.jti in {other.jti, *other.made_from})
        else:
            await self._pull(held, node)

    def _is_disabled(self, service: str) -> bool:
        return ("clients", service) in self._world.disabled and self._chance.random() < 0.9

    async def _issue(self, node: Node) -> None:
        user = self._chance.choice(USERS) if self._chance.random() < 0.5 else None
        service = "web" if user else self._chance.choice(SERVICES)
        if not self._is_disabled(service):
            op, token = await self._client.issue(service, user, node)
            if token:
                self._pool.add(token, op)

    async def _exchange(self, held: Held, node: Node) -> None:
        """Mostly by whom the token is for; to anywhere, also back, also too deep."""
        caller = held.service if self._chance.random() < 0.95 else self._chance.choice(SERVICES)
        to = self._chance.choice([service for service in SERVICES if service != caller])
        actor = None
        if to == DELEGATING and self._chance.random() < 0.7:
            actor = self._pool.some(self._chance, lambda other: other.client == caller)
        scope = self._chance.choice((None, None, None, None, "read", "read", "write", "delete"))
        op, token = await self._client.exchange(
            caller, held.token, to, node, actor.token if actor else None, scope
        )
        if token:
            self._pool.add(token, op)

    async def _introspect(self, held: Held, node: Node) -> None:
        caller = held.client if self._chance.random() < 0.5 else held.service
        if not self._is_disabled(caller):
            await self._client.introspect(caller, held.token, node)

    async def _pull(self, held: Held, node: Node) -> None:
        kind = self._one_of(KILLS)
        named = {"token": held.jti, "chain": held.chain, "subject": held.subject, "client": held.client}
        await self._client.pull(Kill(kind=kind, name=named[kind]), node)
        await self._probe(
            lambda other: (
                named[kind] in {other.jti, other.chain, other.subject, other.client, *other.made_from}
            )
        )

    async def _probe(self, fits: Callable[[Held], bool]) -> None:
        """Whether any node still says yes to what was revoked a moment ago."""
        for node in self._chance.sample(self._nodes, 2):
            held = self._pool.some(self._chance, fits)
            if held is not None and not self._is_disabled(held.service):
                if self._chance.random() < 0.6:
                    await self._introspect(held, node)
                else:
                    await self._exchange(held, node)
