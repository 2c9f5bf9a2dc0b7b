"""Where snapshots of folded state are kept beside the log, and how they are protected there.

A snapshot saves time and nothing else. The row can be deleted at any moment: whoever misses it folds the log.
"""

from __future__ import annotations

import hashlib
from typing import Final, Protocol

_DIGEST: Final = hashlib.sha256().digest_size


class SnapshotTable(Protocol):
    """One snapshot for each name. Everything raises StoreError."""

    def snapshot(self, name: str) -> tuple[int, bytes] | None:
        """The snapshot kept under a name, with its position."""

    def snapshot_position(self, name: str) -> int:
        """Its position alone, without reading it; 0 where there is none."""

    def keep_snapshot(self, name: str, position: int, data: bytes) -> None:
        """Keep it durably, unless one of that position or a later one is there already."""

    def forget_snapshot(self, name: str, position: int) -> None:
        """Remove the snapshot of that position, and only that one: it cannot be used, and would keep out others."""


class SnapshotDamaged(Exception):
    """What is in the table is not what was sealed."""


class Seal(Protocol):
    """How a snapshot is protected. A store that more can write to than its log needs one with a key."""

    def seal(self, name: str, data: bytes) -> bytes:
        """What is put into the table under that name."""

    def unseal(self, name: str, sealed: bytes) -> bytes:
        """What was sealed under that name. Raises SnapshotDamaged."""


class Checksum:
    """SHA-256: against damage, not against people. Whoever can write the embedded store can write its log as well."""

    def seal(self, name: str, data: bytes) -> bytes:
        """The digest, then the data."""
        return _digest(name, data) + data

    def unseal(self, name: str, sealed: bytes) -> bytes:
        """The data, if the digest is theirs. Raises SnapshotDamaged."""
        digest, data = sealed[:_DIGEST], sealed[_DIGEST:]
        if digest != _digest(name, data):
            raise SnapshotDamaged("its checksum is wrong")
        return data


def _digest(name: str, data: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\0" + data).digest()
