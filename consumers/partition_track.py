"""How far one partition is delivered: only what is acknowledged without a hole before it may be committed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import msgspec

from consumers.delivery import Delivery


class Progress(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is committed beside an offset, as JSON in the metadata of the consumer group."""

    seq: int = 0
    """The highest position of an event among everything before the offset: what comes again has no higher one."""
    checkpoint: int = -1
    """The offset of the last checkpoint before it, from where the next one can be checked; -1 for none."""

    def text(self) -> str:
        """The metadata."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def of(cls, text: str | None) -> Progress:
        """What the metadata says; nothing, where somebody else wrote it (a tool that reset the group, for example)."""
        try:
            return msgspec.json.decode(text or "{}", type=cls)
        except msgspec.DecodeError:
            return cls()


@dataclass(slots=True, kw_only=True, eq=False)
class Item:
    """One record that was read, until it and everything before it is acknowledged."""

    delivery: Delivery
    track: Track
    time: int
    """Milliseconds since the epoch: when the event was decided."""
    counts: bool = True
    """Whether its `seq` is that of an event; a mark's is not."""
    is_checkpoint: bool = False
    attempts: int = 0
    is_foreign: bool = False
    """Whether it is no record of the audit stream: no sink gets to see it."""
    reason: str = ""
    """What the sink last said of it, or why it is foreign."""
    is_done: bool = False

    @property
    def size(self) -> int:
        """Bytes that count against the sink's limit and ours."""
        return len(self.delivery.value)


class Track:
    """One partition, from the offset that was committed. Not thread-safe: `Line` holds the lock."""

    def __init__(self, partition: int, offset: int, progress: Progress) -> None:
        """`offset` is the first that is not acknowledged."""
        self.partition = partition
        self.offset = offset
        """Everything before it is acknowledged."""
        self.progress = progress
        self.highest = progress.seq
        """The highest position of an event that was read."""
        self.is_withdrawn = False
        """Whether the partition belongs to somebody else by now."""
        self.size = 0
        """Bytes of everything that is not acknowledged, or stands behind something that is not."""
        self._waiting: deque[Item] = deque()

    @property
    def count(self) -> int:
        """Records of the same."""
        return len(self._waiting)

    @property
    def oldest(self) -> Item | None:
        """The first item that is not acknowledged."""
        return self._waiting[0] if self._waiting else None

    def follow(self, item: Item) -> None:
        """An item was read, in the order of offsets."""
        self._waiting.append(item)
        self.size += item.size
        if item.counts and item.delivery.seq > self.highest:
            self.highest = item.delivery.seq

    def advance(self) -> bool:
        """Move on over everything that is done; whether there is something new to commit."""
        waiting, before = self._waiting, self.offset
        seq, checkpoint = self.progress.seq, self.progress.checkpoint
        while waiting and waiting[0].is_done:
            item = waiting.popleft()
            self.size -= item.size
            self.offset = item.delivery.offset + 1
            if item.counts:
                seq = max(seq, item.delivery.seq)
            elif item.is_checkpoint:
                checkpoint = item.delivery.offset
        if self.offset != before:
            self.progress = Progress(seq, checkpoint)
        return self.offset != before
