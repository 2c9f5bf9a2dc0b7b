"""Operators at the command line, beside the nodes: policies, disabled parties, keys, and the plug.

Each command is a process of its own, under a name of its own, by which the log is searched.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.history.operations import Kill, Operation, Switch
from tests.history.recording import Recording
from tests.history.stores import ROOT, Store
from tests.history.traffic import Pool
from tests.history.world import DEPTHS, SERVICES, USERS, World

PATIENCE: Final = 40.0
"""Seconds for one command."""
PAUSE: Final = (0.2, 1.0)
"""Seconds between two commands, and for which a party is disabled."""
PARTIES: Final = {"client": 4, "resource": 4, "subject": 5, "depth": 3}
KEYS_AND_PLUG: Final = {"rotate": 4, "revoke": 4, "compromise": 1}
"""What two operators do, beside each other. Parties are left to one of them: so it is known who is disabled when."""
NOTHING_CHANGED: Final = re.compile(r"already|not disabled|Nothing changes|nothing to revoke")
PLACE: Final = re.compile(r"In force from position (\d+)")


class Operators:
    """Changes what holds, for as long as the run lasts."""

    def __init__(self, store: Store, world: World, recording: Recording, pool: Pool, folder: Path) -> None:
        self._store = store
        self._world = world
        self._recording = recording
        self._pool = pool
        self._policy = folder / "policy.toml"

    async def run(self, until: float, acts: Mapping[str, int], chance: random.Random) -> None:
        """One act after the other until that moment of the monotonic clock; whoever was disabled is enabled again."""
        while time.monotonic() < until:
            await asyncio.sleep(chance.uniform(*PAUSE))
            await self._act(chance.choices(list(acts), list(acts.values()))[0], chance)

    async def _act(self, act: str, chance: random.Random) -> None:
        match act:
            case "client" | "resource":
                self._world.disabled.add((f"{act}s", chance.choice(SERVICES)))
                await self.apply_policy()
                await asyncio.sleep(chance.uniform(*PAUSE))
                self._world.disabled.clear()
                await self.apply_policy()
            case "subject":
                await self._suspend(self._some_subject(chance), chance.uniform(*PAUSE))
            case "depth":
                self._world.depth = chance.choice(DEPTHS)
                await self.apply_policy()
            case "rotate":
                await self._command("keys", "rotate")
            case "revoke":
                subject = self._some_subject(chance)
                kill = Kill(kind="subject", name=subject)
                await self._command("revoke", "subject", subject, kill=kill)
            case _:
                held = self._pool.some(chance)
                if held is not None:
                    kill = Kill(kind="key", name=held.kid)
                    await self._command("keys", "compromise", "--", held.kid, kill=kill)

    def _some_subject(self, chance: random.Random) -> str:
        user = f"corp:{chance.choice(USERS)}"
        return user if chance.random() < 0.7 else f"client:{chance.choice(SERVICES)}"

    async def _suspend(self, subject: str, seconds: float) -> None:
        """Until the command to enable it has been confirmed: else it would stay disabled for the rest of the run."""
        off = Switch(kind="subject", name=subject, disabled=True)
        await self._command("subject", "disable", subject, switches=(off,))
        await asyncio.sleep(seconds)
        on = Switch(kind="subject", name=subject, disabled=False)
        for _ in range(10):
            if (await self._command("subject", "enable", subject, switches=(on,))).outcome == "yes":
                return

    async def apply_policy(self) -> None:
        """Put the world's policy in force, as often as it takes."""
        self._world.write(self._policy)
        switches = self._world.switches()
        for _ in range(10):
            applied = await self._command("policy", "apply", str(self._policy), switches=switches)
            if applied.outcome == "yes":
                return

    async def _command(self, *words: str, **facts: Any) -> Operation:
        begun = self._recording.begin("operate", caller=f"operator: {' '.join(words[:2])}", **facts)
        options = ("--store", self._store.url, "--by", f"operator-{begun.number}")
        place = words.index("--") if "--" in words else len(words)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "api.cli", *words[:place], *options, *words[place:]),
            cwd=ROOT,
            env={**os.environ, **self._store.environment, "COUNTERFOIL_NODE": "operator"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                output, _ = await process.communicate()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            return self._recording.end(begun, outcome="unknown", answer="timeout")
        return self._recording.end(begun, **_outcome(process.returncode, output.decode()))


def _outcome(code: int | None, output: str) -> dict[str, Any]:
    """Refusals and mistakes (1, 2) have changed nothing; of anything else but 0 nobody knows."""
    if code == 0:
        place = PLACE.search(output)
        return {
            "outcome": "yes",
            "answer": "done",
            "effect": NOTHING_CHANGED.search(output) is None,
            "position": int(place[1]) if place else None,
        }
    said = output.strip().splitlines()[-1:] or [""]
    return {"outcome": "no" if code in (1, 2) else "unknown", "answer": f"exit {code}: {said[0]}"}
