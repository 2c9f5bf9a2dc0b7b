"""What a sink reads of a record's envelope to put it beside the payload, and the payload inside another document."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from consumers.delivery import Delivery


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """The part of `counterfoil.audit/1` that receivers have fields of their own for."""

    id: str
    seq: int
    type: str
    outcome: str
    severity: int
    store: str
    time: datetime
    chain: str | None = None

    @property
    def time_text(self) -> str:
        """The time as it was published: RFC 3339, milliseconds, `Z`."""
        return f"{self.time:%Y-%m-%dT%H:%M:%S}.{self.time.microsecond // 1000:03d}Z"

    @property
    def milliseconds(self) -> int:
        """Milliseconds since the epoch, without a rounding error."""
        return int(self.time.replace(microsecond=0).timestamp()) * 1000 + self.time.microsecond // 1000


_DECODER: Final = msgspec.json.Decoder(Envelope)


def envelope_of(delivery: Delivery) -> Envelope:
    """The head of the record, without its event."""
    return _DECODER.decode(delivery.value)


def embedded(payload: bytes) -> msgspec.Raw | str:
    """The payload as a value in a JSON document: itself where it is an object, else its text."""
    return msgspec.Raw(payload) if payload.startswith(b"{") else payload.decode()
