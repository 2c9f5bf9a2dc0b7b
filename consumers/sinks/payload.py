"""What a sink sends for a record: the bytes that a formatter makes of it, and those bytes as one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from consumers.delivery import Delivery, Verdict

Formatter = Callable[[Delivery], bytes]
"""From a record to its payload in UTF-8. The same record always gives the same bytes."""

BROKEN_LINE: Final = Verdict("refused", "the mapping put a line break into its payload")


def native(delivery: Delivery) -> bytes:
    """The envelope `counterfoil.audit/1`, byte for byte as it was published."""
    return delivery.value


def line_of(payload: bytes) -> bytes | None:
    """The payload with a newline behind it; `None` where it would be read as more than one line."""
    return None if b"\n" in payload or b"\r" in payload else payload + b"\n"
