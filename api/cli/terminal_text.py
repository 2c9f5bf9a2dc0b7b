"""Words of others on a terminal: nothing in them may move the cursor, forge a line or hide itself."""

from __future__ import annotations

import unicodedata
from typing import Final

_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories: controls, invisible formatting (direction overrides), surrogates, unassigned, line breaks."""


def visible(unverified_text: str) -> str:
    """The text with every character that a terminal would act on, or not show, as an escape."""
    return "".join(_escaped(c) if unicodedata.category(c) in _UNSAFE else c for c in unverified_text)


def _escaped(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
