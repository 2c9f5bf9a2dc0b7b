"""A node that issues and exchanges as fast as it can, and says on standard output what it has acknowledged.

Run as `python -m tests.faults.issuing_node FOLDER [--die-after-commit N] [--file-limit BYTES]`; made to be killed.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from pathlib import Path

from api.ledger import open_ledger
from api.token_desk import IssuedToken
from eventstore.errors import StoreError
from eventstore.sqlite import SQLiteRecorder
from tests.faults.small_world import Node, birth_in, settings_in

WORKERS = 8


def say(*words: object) -> None:
    """One line, at once: what was said has left the process."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def die_after_commit(recorder: SQLiteRecorder, commits: int) -> None:
    """Kill this process between a commit and its answers, at the commit of that number."""
    real, done = recorder.commit, 0

    def commit() -> None:
        nonlocal done
        real()
        done += 1
        if done == commits:
            os.kill(os.getpid(), signal.SIGKILL)

    recorder.commit = commit  # type: ignore[method-assign]


async def issue(node: Node) -> None:
    """Issue first tokens and exchange each, for ever; an outage is said and waited out."""
    while True:
        try:
            first = await node.desk.decide(node.first_token())
            if not isinstance(first, IssuedToken):
                raise RuntimeError(f"refused: {first}")
            say("issued", first.birth.jti)
            child = await node.desk.decide(node.exchange(birth_in(node.service.ledger, first.birth.jti)))
            if not isinstance(child, IssuedToken):
                raise RuntimeError(f"refused: {child}")
            say("exchanged", child.birth.jti, first.birth.jti)
        except StoreError as outage:
            say("outage", type(outage).__name__)
            await asyncio.sleep(0.05)


async def run(folder: Path, commits: int, file_limit: int) -> None:
    """Start, say so, and work until killed."""
    ledger = open_ledger(settings_in(folder).store_path)
    if commits and isinstance(ledger.recorder, SQLiteRecorder):
        die_after_commit(ledger.recorder, commits)
    node = Node(settings_in(folder), ledger)
    if file_limit:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, resource.RLIM_INFINITY))
        signal.signal(signal.SIGUSR1, lambda *_: _lift_file_limit())
    say("ready")
    async with node.service.running():
        await asyncio.gather(*(issue(node) for _ in range(WORKERS)))


def _lift_file_limit() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _option(name: str) -> int:
    return int(sys.argv[sys.argv.index(name) + 1]) if name in sys.argv else 0


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), _option("--die-after-commit"), _option("--file-limit")))
