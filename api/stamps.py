"""What every event is stamped with: an id of its own, and the time."""

from __future__ import annotations

import time

import uuid_utils


def new_id() -> str:
    """A UUIDv7 (RFC 9562 §5.7): ids that follow time keep the index of the log small and warm."""
    return str(uuid_utils.uuid7())


def milliseconds() -> int:
    """The time of this node, in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
