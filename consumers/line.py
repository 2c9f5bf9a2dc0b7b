"""What was read and is not yet acknowledged, between the thread that reads and the one that delivers. It is bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from threading import Condition
from time import monotonic
from typing import Final

from consumers.partition_track import Item, Progress, Track

MOST_RECORDS: Final = 5_000
MOST_BYTES: Final = 16 * 1024 * 1024
"""Above either, nothing more is read until half of it is delivered."""


class Line:
    """One sink's line. What has to be tried again comes before anything new, so that a key stays in order."""

    def __init__(self, most_records: int = MOST_RECORDS, most_bytes: int = MOST_BYTES) -> None:
        self._most_records, self._most_bytes = most_records, most_bytes
        self._changed = Condition()
        self._fresh: deque[Item] = deque()
        self._again: deque[Item] = deque()
        self._in_hand: Sequence[Item] = ()
        self._tracks: dict[int, Track] = {}
        self._uncommitted: set[int] = set()

    def track(self, partition: int) -> Track | None:
        """The partition, if it is ours."""
        return self._tracks.get(partition)

    def partitions(self) -> tuple[int, ...]:
        """Those that are ours and were read from."""
        return tuple(self._tracks)

    def begin(self, track: Track) -> None:
        """A partition is ours from now on."""
        with self._changed:
            self._tracks[track.partition] = track

    def add(self, items: Iterable[Item]) -> None:
        """Items were read, in order; those that are done already only move their partition on."""
        with self._changed:
            for item in items:
                item.track.follow(item)
                if not item.is_done:
                    self._fresh.append(item)
                elif item.track.oldest is item:
                    self._advance(item.track)
            self._changed.notify_all()

    def take(self, most_records: int, most_bytes: int, seconds: float) -> Sequence[Item]:
        """The next batch, at least one item; empty where none came within that time."""
        with self._changed:
            if not self._again and not self._fresh:
                self._changed.wait(seconds)
            source = self._again or self._fresh
            batch: list[Item] = []
            size = 0
            while source and len(batch) < most_records:
                size += source[0].size
                if batch and size > most_bytes:
                    break
                batch.append(source.popleft())
            self._in_hand = batch
            return batch

    def settle(self, done: Iterable[Item], again: Sequence[Item] = ()) -> None:
        """What became of the batch: acknowledged for good, or to be tried again."""
        with self._changed:
            self._in_hand = ()
            for item in done:
                item.is_done = True
                if item.track.oldest is item:
                    self._advance(item.track)
            self._again.extendleft(item for item in reversed(again) if not item.track.is_withdrawn)
            self._changed.notify_all()

    def is_full(self) -> bool:
        """Whether to read nothing more for now."""
        return self._holds(self._most_records, self._most_bytes)

    def has_room(self) -> bool:
        """Whether to read on after it was full."""
        return not self._holds(self._most_records // 2, self._most_bytes // 2)

    def is_empty(self) -> bool:
        """Whether everything that was read is acknowledged."""
        return not self._holds(1, 1)

    def oldest(self) -> int | None:
        """When the oldest event that is not acknowledged was decided, in milliseconds."""
        with self._changed:
            return min(
                (item.time for track in self._tracks.values() if (item := track.oldest) is not None),
                default=None,
            )

    def progress(self) -> dict[int, tuple[int, Progress]]:
        """Partition → offset and what is kept beside it, where they changed since the last call."""
        with self._changed:
            changed, self._uncommitted = self._uncommitted, set()
            return {
                partition: (track.offset, track.progress)
                for partition in changed
                if (track := self._tracks.get(partition)) is not None
            }

    def not_committed(self, partitions: Iterable[int]) -> None:
        """A commit of these failed: `progress` is to tell of them again."""
        with self._changed:
            self._uncommitted.update(partitions)

    def withdraw(self, partitions: Iterable[int], seconds: float) -> dict[int, tuple[int, Progress]]:
        """These are ours no longer: drop what waits, let a batch in hand end, and say how far each came."""
        deadline = monotonic() + seconds
        with self._changed:
            leaving = {p: track for p in partitions if (track := self._tracks.pop(p, None)) is not None}
            for track in leaving.values():
                track.is_withdrawn = True
            self._fresh = deque(item for item in self._fresh if not item.track.is_withdrawn)
            self._again = deque(item for item in self._again if not item.track.is_withdrawn)
            while self._is_in_hand() and (left := deadline - monotonic()) > 0:
                self._changed.wait(left)
            return {partition: (track.offset, track.progress) for partition, track in leaving.items()}

    def _is_in_hand(self) -> bool:
        return any(item.track.is_withdrawn for item in self._in_hand)

    def _advance(self, track: Track) -> None:
        if track.advance() and self._tracks.get(track.partition) is track:
            self._uncommitted.add(track.partition)

    def _holds(self, records: int, size: int) -> bool:
        with self._changed:
            tracks = self._tracks.values()
            return sum(t.count for t in tracks) >= records or sum(t.size for t in tracks) >= size
