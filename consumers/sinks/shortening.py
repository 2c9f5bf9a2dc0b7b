"""A record that is too large for its receiver, made smaller: its fields are cut, never the message.

Cut is only what the log stored (`event`). What tells the record from others stays: id, seq, prev_seq, type, time,
store, chain, outcome, severity. The SHA-256 and size of the whole event stand beside what is left of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

import msgspec

from consumers.delivery import Delivery

CUT: Final = "…"
"""Behind a text, and in the last place of a list, that was longer."""
_STEPS: Final = ((1024, 64), (256, 16), (64, 8), (24, 4))
"""Characters of a text and entries of a list or an object that are left, from one attempt to the next."""
_ENCODE: Final = msgspec.json.Encoder(order="sorted").encode


class _Event(msgspec.Struct):
    event: msgspec.Raw = msgspec.Raw(b"null")


_EVENT: Final = msgspec.json.Decoder(_Event)


def shortened(delivery: Delivery, render: Callable[[Delivery], bytes], limit: int) -> bytes | None:
    """The rendering of the record with as much of its event as `limit` bytes allow; `None` if nothing helps."""
    whole = bytes(_EVENT.decode(delivery.value).event)
    stub = {"sha256": sha256(whole).hexdigest(), "size": len(whole)}
    event = msgspec.json.decode(whole)
    attempts = [{**_cut(event, *step), **stub} for step in _STEPS] if isinstance(event, dict) else []
    for attempt in (*attempts, stub):
        document = {**delivery.document(), "event": attempt, "truncated": True}
        rendered = render(replace(delivery, value=_ENCODE(document)))
        if len(rendered) <= limit:
            return rendered
    return None


def _cut(value: Any, characters: int, entries: int) -> Any:
    match value:
        case str():
            return value if len(value) <= characters else value[: characters - 1] + CUT
        case list():
            kept = [_cut(entry, characters, entries) for entry in value[:entries]]
            return kept if len(value) <= entries else [*kept, CUT]
        case dict():
            # Names are ours, and few; a mapping needs all it can get of the first level.
            return {name: _cut(entry, characters, entries) for name, entry in value.items()}
        case _:
            return value
