"""Any event, recorded at a time that a calendar knows."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from domain.events import Event
from tests.eventstore.any_event import any_event

TIMES = st.integers(0, 253_402_300_799_999)
"""Milliseconds since the epoch, up to the end of the year 9999."""


def any_publishable_event() -> st.SearchStrategy[Event]:
    """An event of any type; `at` is a time that RFC 3339 can say."""
    return st.builds(lambda event, at: replace(event, at=at), any_event(), TIMES)
