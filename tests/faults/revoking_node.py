"""A node that revokes tokens which concern nobody, as fast as it can, and says at its end how many.

Run as `python -m tests.faults.revoking_node SECONDS`, with the settings of its store.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time

from api.facts import Fact
from api.settings import read_settings
from api.stores import opened
from domain.events import RevokedBy, TokenRevoked
from domain.identifiers import Jti
from tests.faults.small_world import ORIGIN, Node

REVOKERS = 64
BY = RevokedBy(kind="operator", name="stream")


async def run(seconds: float) -> int:
    """Revoke for that long; how many."""
    settings = read_settings(os.environ)
    node = Node(settings, opened(settings))
    ends, revoked = time.monotonic() + seconds, 0

    async def revoke() -> None:
        nonlocal revoked
        while time.monotonic() < ends:
            jti, now = Jti(node.new_id()), node.clock()
            event = TokenRevoked(
                id=node.new_id(), at=now, origin=ORIGIN, by=BY, until=now // 1000 + 600, jti=jti, chain=jti
            )
            await node.service.writer.append(
                Fact(event=event, decided_at=node.service.ledger.authority.position)
            )
            revoked += 1

    async with node.service.running():
        await asyncio.gather(*(revoke() for _ in range(REVOKERS)))
    return revoked


if __name__ == "__main__":
    sys.stdout.write(f"{asyncio.run(run(float(sys.argv[1])))}\n")
