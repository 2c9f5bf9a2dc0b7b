"""The header `Retry-After` (RFC 9110 §10.2.3): seconds, or the date at which to come back."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST: Final = 3600.0
"""Seconds; a receiver that says more is asked once an hour."""


def seconds_to_wait(header: str | None, now: datetime | None = None) -> float:
    """Seconds from `now` on; 0 where the header is missing or says nothing that can be understood."""
    if not header:
        return 0.0
    header = header.strip()
    if header.isascii() and header.isdigit():
        return min(float(header[:9]), LONGEST)
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    wait = (until - (now or datetime.now(UTC))).total_seconds()
    return min(max(wait, 0.0), LONGEST)
