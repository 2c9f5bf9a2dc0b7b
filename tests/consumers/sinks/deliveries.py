"""Records for the tests of sinks: real envelopes around events that are made up."""

from __future__ import annotations

import json
from typing import Any

from consumers.audit_record import rfc3339
from consumers.delivery import Delivery

STORE = "0198f2aa-0000-7000-8000-000000000001"


def delivery(seq: int, *, event_type: str = "token.exchanged", severity: int = 1, **event: Any) -> Delivery:
    """The record at a position, with these fields in its event."""
    id = f"0198f2aa-0000-7000-8000-{seq:012x}"
    stored = {"at": 1_764_110_000_000 + seq, "chain": "chain-1", "id": id, **event}
    envelope = {
        "chain": "chain-1",
        "event": stored,
        "id": id,
        "outcome": "success",
        "prev_seq": seq - 1,
        "schema": "counterfoil.audit/1",
        "seq": seq,
        "severity": severity,
        "store": STORE,
        "time": rfc3339(1_764_110_000_000 + seq),
        "type": event_type,
    }
    value = json.dumps(envelope, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    return Delivery(id=id, seq=seq, type=event_type, outcome="success", key=b"chain-1", value=value)


def deliveries(first: int, last: int) -> list[Delivery]:
    """The records at these positions, both included."""
    return [delivery(seq) for seq in range(first, last + 1)]
