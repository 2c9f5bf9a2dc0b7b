"""Processor time of other processes. To the nanosecond: a tick of `/proc/<pid>/stat` is a percent of a slice. Linux."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from tests.servers.process_table import children_of

_SCHEDULED: Final = 2
_CHILDREN: Final = slice(13, 15)
"""`cutime` and `cstime` among the fields behind the name of the program."""
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def tree(root: int) -> list[int]:
    """A process and everything below it."""
    return [root, *(below for child in children_of(root) for below in tree(child))]


def seconds_spent(root: int) -> float:
    """Processor time of a process and everything that is or was below it, so far."""
    return sum(_own(process) + _of_ended_children(process) for process in tree(root))


def _own(process: int) -> float:
    """The clock of a whole process, with its threads that have ended (`clock_getcpuclockid`, which Python lacks)."""
    try:
        return time.clock_gettime(~process << 3 | _SCHEDULED)
    except OSError:  # it has just ended, and counts for its parent
        return 0.0


def _of_ended_children(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[_CHILDREN])) / _TICKS
