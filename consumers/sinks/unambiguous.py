"""An index knows one type for a field, and three fields of our events have two: they become objects always.

Without this a monthly index would learn one of the two from whichever event comes first, and refuse the other for the
rest of the month. It holds for the event wherever a mapping puts it.
"""

from __future__ import annotations

from typing import Any, Final

AMBIGUOUS: Final = frozenset({"by", "credential", "policy"})
"""Fields that are an object in some types of events and a value in others."""
_WHERE: Final = (("event",), ("counterfoil", "event"), ("unmapped", "counterfoil", "event"))
"""In the envelope, in ECS, in OCSF."""


def make_unambiguous(document: dict[str, Any]) -> None:
    """`"by": "x"` becomes `"by": {"value": "x"}`; the document is changed in place."""
    for path in _WHERE:
        event: Any = document
        for name in path:
            event = event.get(name) if isinstance(event, dict) else None
        if isinstance(event, dict):
            for name in AMBIGUOUS & event.keys():
                if not isinstance(event[name], dict | None):
                    event[name] = {"value": event[name]}
