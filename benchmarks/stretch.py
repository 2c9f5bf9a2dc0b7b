"""How fast something grows while a process catches up: looked at from outside, so that the process is not disturbed.

The time before its first bytes, in which it starts and connects, is not counted; `started` tells it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

GLANCE: Final = 0.002
"""Seconds between two looks."""
PATIENCE: Final = 120.0
"""Seconds after which a process that should have caught up is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """From the first bytes that were seen to the last."""

    share: float
    """Of all bytes, those that came after the first look that saw any."""
    seconds: float
    processor: float
    """Seconds of processor time of the process, in between."""
    started: float
    """Seconds from the start of the watch to the first bytes."""

    def per_second(self, records: int) -> float:
        """Of so many records in all."""
        return records * self.share / self.seconds

    def per_processor_second(self, records: int) -> float:
        """Likewise, by the processor's clock."""
        return records * self.share / self.processor


def watched(
    size: Callable[[], int], processor: Callable[[], float], is_complete: Callable[[], bool]
) -> Stretch:
    """Watch until it is complete and stands still. Raises TimeoutError."""
    began = now = time.perf_counter()
    first = last = (now, 0, 0.0)
    while True:
        now = time.perf_counter()
        if (bytes_now := size()) != last[1]:
            last = (now, bytes_now, processor())
            first = first if first[1] else last
        elif last[1] and now - last[0] > 0.2 and is_complete():
            break
        if now - began > PATIENCE:
            raise TimeoutError(f"still not complete after {PATIENCE:.0f} s")
        time.sleep(GLANCE)
    return Stretch(
        share=(last[1] - first[1]) / last[1],
        seconds=max(last[0] - first[0], GLANCE),
        processor=max(last[2] - first[2], 1e-9),
        started=first[0] - began,
    )


def size_of(files: Sequence[Path]) -> int:
    """Bytes in those that are there."""
    total = 0
    for file in files:
        try:
            total += file.stat().st_size
        except FileNotFoundError:
            continue
    return total
