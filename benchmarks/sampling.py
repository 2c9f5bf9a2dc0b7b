"""A server that looks at its own stack: every few milliseconds of processor time, where is it?

Run as `python -m benchmarks.sampling FILE serve ...`. SIGUSR1 forgets what was seen so far; at the end FILE holds it.
A signal interrupts no call into C, so that the work of a library counts for the function that called it.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from api.cli import main
from benchmarks.load import Slice
from benchmarks.thread_clock import signal_every

INTERVAL = 1_000_000
"""Nanoseconds of processor time; the kernel rounds up to its own tick, often 4 ms."""
ROOT = Path(__file__).parent.parent
OF_THE_LOOP = "Runner.run"
"""A function below which everything is that answers requests."""

Stack = tuple[str, ...]
Stages = Sequence[tuple[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What was seen in the loop's thread: microseconds of its processor time for each answer, by stack."""

    per_second: float
    thread_microseconds: float
    """Processor time of all other threads for each answer."""
    database_microseconds: float
    """Processor time of the database's processes for each answer; 0 without one."""
    stacks: dict[Stack, float]

    def stages(self, stages: Stages) -> dict[str, float]:
        """Microseconds in each stage: the first that names the beginning of a function on the stack."""
        spent: defaultdict[str, float] = defaultdict(float)
        for stack, microseconds in self.stacks.items():
            spent[next(name for name, places in stages if _is_in(stack, places))] += microseconds
        return spent

    def functions(self) -> dict[str, float]:
        """Microseconds of each function by itself, with the C that it calls."""
        own: defaultdict[str, float] = defaultdict(float)
        for stack, microseconds in self.stacks.items():
            own[stack[-1]] += microseconds
        return own


def _is_in(stack: Stack, places: tuple[str, ...]) -> bool:
    return any(function.startswith(places) for function in stack)


def read_profile(samples: Path, taken: Slice, thread_seconds: float, database_seconds: float) -> Profile:
    """`thread_seconds`: processor time of all threads but the loop's while the slice was taken, and `database_seconds`
    that of a database."""
    answers = len(taken.latencies)
    seen = {tuple(stack): spent for *stack, spent in json.loads(samples.read_text())}
    return Profile(
        per_second=taken.per_second,
        thread_microseconds=thread_seconds / answers * 1e6,
        database_microseconds=database_seconds / answers * 1e6,
        stacks={
            stack: spent / answers / 1000
            for stack, spent in seen.items()
            if any(OF_THE_LOOP in function for function in stack)
        },
    )


class Sampler:
    """Nanoseconds of this thread's processor time, by stack: each sample is worth the time since the one before."""

    def __init__(self) -> None:
        self._seen: Counter[Stack] = Counter()
        self._last = 0

    def start(self) -> None:
        """Look from now on."""
        self._last = time.thread_time_ns()
        signal.signal(signal.SIGUSR1, lambda *_: self._seen.clear())
        signal.signal(signal.SIGPROF, self._look)
        signal_every(signal.SIGPROF, INTERVAL)

    def stop(self, file: Path) -> None:
        """Write what was seen."""
        signal.signal(signal.SIGPROF, signal.SIG_IGN)
        file.write_text(json.dumps([[*stack, spent] for stack, spent in self._seen.items()]))

    def _look(self, _: int, frame: FrameType | None) -> None:
        stack = []
        while frame is not None:
            stack.append(_function(frame))
            frame = frame.f_back
        now = time.thread_time_ns()
        self._seen[tuple(reversed(stack))] += now - self._last
        self._last = now


def _function(frame: FrameType) -> str:
    file = frame.f_code.co_filename.removeprefix(f"{ROOT}/")
    for library in ("site-packages/", "/lib/python"):
        file = file.rpartition(library)[2]
    return f"{file}:{frame.f_code.co_qualname}"


if __name__ == "__main__":
    sampler = Sampler()
    sampler.start()
    try:
        main(sys.argv[2:], prog_name="counterfoil")
    finally:
        sampler.stop(Path(sys.argv[1]))
