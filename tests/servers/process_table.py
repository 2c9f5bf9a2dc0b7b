"""What the kernel says about processes that are not children of ours: a server's own children."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")


def state_of(pid: int) -> str | None:
    """The letter of its state, `T` for stopped, `Z` for a zombie; None when there is no such process."""
    return fields[0] if (fields := _fields(pid)) else None


def is_alive(pid: int) -> bool:
    """Whether it can still do anything. A zombie cannot; where nobody reaps orphans, it stays one for ever."""
    return state_of(pid) not in {None, "Z", "X"}


def children_of(pid: int) -> list[int]:
    """Its direct children, zombies included."""
    numbers = [int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal()]
    return [number for number in numbers if (fields := _fields(number)) and int(fields[1]) == pid]


def owner_of(pid: int) -> int:
    """The user id it runs under."""
    return (PROC / str(pid)).stat().st_uid


def wait_until_stopped(pids: Collection[int], seconds: float = 10) -> None:
    """Until a SIGSTOP has reached each of them, or it is no more. Raises TimeoutError."""
    _wait(pids, {None, "Z", "X", "T"}, seconds)


def wait_until_gone(pids: Collection[int], seconds: float = 10) -> None:
    """Until none of them is alive. Raises TimeoutError."""
    _wait(pids, {None, "Z", "X"}, seconds)


def _wait(pids: Collection[int], states: Collection[str | None], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while late := [pid for pid in pids if state_of(pid) not in states]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes {late} are not yet in one of the states {states}")
        time.sleep(0.005)


def _fields(pid: int) -> list[str]:
    # The name of the program stands in parentheses before these, and may hold spaces and parentheses itself.
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
