"""What the checkpoints of each partition will say: the events that were put into it since the last one."""

from __future__ import annotations

from hashlib import sha256

from consumers.stream_marks import Checkpoint, Heartbeat


class Tally:
    """Counts from a position on. The digest is that of `stream_marks.digest_of`, fed event by event."""

    def __init__(self, partitions: int, position: int) -> None:
        self._from = position
        self._counts = [0] * partitions
        self._digests = [sha256() for _ in range(partitions)]

    def take(self, partition: int, id: str) -> None:
        """An event goes into a partition."""
        self._counts[partition] += 1
        self._digests[partition].update(b"%s\n" % id.encode())

    def checkpoints(self, to: int) -> list[Checkpoint]:
        """One for each partition, of everything up to and including that position; counting begins anew."""
        made = [
            Checkpoint(
                partition=partition, from_seq=self._from, to_seq=to, count=count, sha256=digest.hexdigest()
            )
            for partition, (count, digest) in enumerate(zip(self._counts, self._digests, strict=True))
        ]
        self.__init__(len(self._counts), to)  # type: ignore[misc]
        return made

    def heartbeats(self, to: int) -> list[Heartbeat]:
        """One for each partition."""
        return [Heartbeat(partition=partition, to_seq=to) for partition in range(len(self._counts))]
