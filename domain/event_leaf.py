"""What the tree says of one event: a digest that binds its position, its type, its tags and the bytes of its payload.

The digest is all that an entry of the tree holds. It is safe to publish: every payload carries a random UUID, so
nobody can guess an event and try it. Every part has its length before it, so no two events share an encoding.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from domain.merkle import leaf_hash

_EVENT: Final = b"counterfoil event v1\n"
_VOID: Final = b"counterfoil void v1\n"


def event_entry(position: int, event_type: str, tags: Sequence[str], payload: bytes) -> bytes:
    """The entry of an event, 32 bytes. Its index in the tree is its position minus one."""
    parts = [_EVENT, position.to_bytes(8, "big"), _sized(event_type.encode())]
    parts.append(len(tags).to_bytes(4, "big"))
    parts += [_sized(tag.encode()) for tag in tags]
    parts.append(_sized(payload))
    return hashlib.sha256(b"".join(parts)).digest()


def void_entry(position: int) -> bytes:
    """The entry of a position at which no event was ever recorded: the tree says that too."""
    return hashlib.sha256(_VOID + position.to_bytes(8, "big")).digest()


def event_leaf(position: int, event_type: str, tags: Sequence[str], payload: bytes) -> bytes:
    """The leaf hash of an event."""
    return leaf_hash(event_entry(position, event_type, tags, payload))


def _sized(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part
