"""What of a caller's words may stand in the log (law 5): a token or secret sent in the wrong parameter may not."""

from __future__ import annotations

import re
from typing import Final

from domain.identifiers import sha256_hex

SECRET_PREFIX: Final = "cfs_"
"""Every client secret starts with it, so that scanners, and this module, know one when they see it."""
_LONGEST: Final = 200
_SUSPICIOUS: Final = re.compile(r"eyJ[A-Za-z0-9_-]{8,}|" + SECRET_PREFIX)


def recordable(word: str) -> str:
    """The word itself, or its hash where it is long or could be a token or a secret. A hash matches nothing."""
    if len(word) > _LONGEST or (_could_be_suspicious(word) and _SUSPICIOUS.search(word)):
        return f"sha256-{sha256_hex(word)}"
    return word


def _could_be_suspicious(word: str) -> bool:
    """A pattern that begins in two ways is tried at every character; these are not."""
    return "eyJ" in word or SECRET_PREFIX in word
