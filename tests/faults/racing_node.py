"""One of two processes that write to one store: it revokes, or it exchanges, for as many rounds as it is told.

Run as `python -m tests.faults.racing_node exchange|revoke`, with the settings of its store.
Jtis come in on standard input, a line each; when its work on one has ended it says so on standard output.
"""

from __future__ import annotations

import asyncio
import os
import sys

from api.facts import Fact
from api.settings import read_settings
from api.stores import opened
from api.token_desk import IssuedToken
from domain.events import RevokedBy
from domain.lineage import Birth
from domain.pull_the_plug import OneToken, PullThePlug, pull_the_plug
from tests.faults.small_world import ORIGIN, Node, birth_in

EXCHANGERS = 3


async def exchange(node: Node, parent: Birth) -> int:
    """Exchange the token until it is refused; how often it was granted."""
    granted = 0

    async def loop() -> None:
        nonlocal granted
        while isinstance(await node.desk.decide(node.exchange(parent)), IssuedToken):
            granted += 1

    await asyncio.gather(*(loop() for _ in range(EXCHANGERS)))
    return granted


async def revoke(node: Node, parent: Birth) -> int:
    """Revoke it; the position of the revocation."""
    ledger = node.service.ledger
    await node.service.barrier.passed()
    by = RevokedBy(kind="operator", name="race")
    command = PullThePlug(target=OneToken(birth=parent), by=by, origin=ORIGIN, event_id=node.new_id())
    event = pull_the_plug(ledger.authority, command, node.clock())
    if event is None:
        raise RuntimeError("revoked already")
    fact = Fact(event=event, decided_at=ledger.authority.position)
    await node.service.writer.append(fact)
    return fact.position or 0


async def run(role: str) -> None:
    """Work through the parents that are named."""
    settings = read_settings(os.environ)
    ledger = opened(settings)
    node = Node(settings, ledger)
    work = exchange if role == "exchange" else revoke
    loop = asyncio.get_running_loop()
    async with node.service.running():
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while line := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
            result = await work(node, birth_in(ledger, line))
            sys.stdout.write(f"{line} {result}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1]))
