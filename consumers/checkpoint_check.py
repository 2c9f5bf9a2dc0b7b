"""Whether what arrived of a partition is what its checkpoints say was put into it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from consumers.stream_marks import Checkpoint, digest_of

LONGEST: Final = 50_000
"""Events that are kept for the next checkpoint; behind more than that, there is nothing to compare it with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A checkpoint that does not fit: something between two positions is missing, or is not what was published."""

    partition: int
    from_seq: int
    to_seq: int
    published: int
    received: int

    def __str__(self) -> str:
        """The range, as an operator needs it for `counterfoil audit verify`."""
        what = (
            f"{self.published} events were published and {self.received} arrived"
            if self.published != self.received
            else f"{self.received} events arrived, but not those that were published"
        )
        return f"partition {self.partition}, positions {self.from_seq + 1} to {self.to_seq}: {what}"


class CheckpointCheck:
    """One partition, from the first event that was seen of it."""

    def __init__(self, partition: int, *, from_start: bool) -> None:
        """`from_start`: the first record of the topic is the first that comes here, so that nothing came before."""
        self._partition = partition
        self._complete_behind: int | None = 0 if from_start else None
        self._seen: deque[tuple[int, str]] = deque()
        self._highest = 0

    def note(self, seq: int, id: str) -> None:
        """An event arrived; what comes again, as the rest of a round that was sent twice, counts once."""
        if seq <= self._highest:
            return
        self._highest = seq
        self._seen.append((seq, id))
        if len(self._seen) > LONGEST:
            self._complete_behind = self._seen.popleft()[0]

    def check(self, checkpoint: Checkpoint) -> Gap | None:
        """What is wrong, if something is; only where everything since its beginning could be seen."""
        covered = [id for seq, id in self._seen if checkpoint.from_seq < seq <= checkpoint.to_seq]
        behind = self._complete_behind
        if behind is not None and checkpoint.to_seq <= behind:
            return None  # it came again
        self._forget(checkpoint.to_seq)
        if behind is None or behind > checkpoint.from_seq:
            return None
        if len(covered) == checkpoint.count and digest_of(covered) == checkpoint.sha256:
            return None
        return Gap(
            partition=self._partition,
            from_seq=checkpoint.from_seq,
            to_seq=checkpoint.to_seq,
            published=checkpoint.count,
            received=len(covered),
        )

    def _forget(self, to_seq: int) -> None:
        while self._seen and self._seen[0][0] <= to_seq:
            self._seen.popleft()
        self._complete_behind = to_seq
        self._highest = max(self._highest, to_seq)
