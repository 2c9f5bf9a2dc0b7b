"""Any event, recorded at a time that a calendar knows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from eventsourcing.dcb.api import DCBSequencedEvent
from hypothesis import strategies as st

from consumers.audit_record import record_of
from domain.events import Event
from eventstore.codec import encode
from tests.eventstore.any_event import any_event

TIMES = st.integers(0, 253_402_300_799_999)
"""Milliseconds since the epoch, up to the end of the year 9999."""


def any_publishable_event() -> st.SearchStrategy[Event]:
    """An event of any type; `at` is a time that RFC 3339 can say, `id` one that may be."""
    ids = st.uuids().map(str)
    return st.builds(lambda event, at, id: replace(event, at=at, id=id), any_event(), TIMES, ids)


def envelope(event: Event) -> dict[str, Any]:
    """The envelope of an event, decoded, as a sink gets it."""
    document: dict[str, Any] = json.loads(record_of(DCBSequencedEvent(encode(event), 7), 6, "store-1").value)
    return document
