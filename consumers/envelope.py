"""Envelopes that come back: read from a file, a topic or an index, by whoever did not make them himself."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec

from consumers.audit_record import SCHEMA


class NotARecord(ValueError):
    """This is no record of the audit stream; the text says why, and never what stands there."""


class _Envelope(msgspec.Struct):
    id: str
    type: str
    time: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
    seq: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    prev_seq: int | None
    store: str
    chain: str | None
    outcome: Literal["success", "failure"]
    severity: Annotated[int, msgspec.Meta(ge=1, le=5)]
    schema: str
    event: dict[str, Any]


_HEAD: Final = msgspec.json.Decoder(_Envelope)
FIELDS: Final = frozenset(_Envelope.__struct_fields__) | {"truncated"}
"""The fields of an envelope; what a pipeline puts beside them is its own."""


def read_envelope(value: bytes) -> dict[str, Any]:
    """The envelope in these bytes. Raises NotARecord: no JSON, not our schema, or a field that every record has."""
    try:
        head = _HEAD.decode(value)
        document: dict[str, Any] = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotARecord(str(error)) from None
    if head.schema != SCHEMA:
        raise NotARecord(f"its schema is {head.schema!r}, not {SCHEMA!r}")
    return document


def envelope_of(document: dict[str, Any]) -> dict[str, Any]:
    """The envelope of a document in our own shape, or in that of ECS or OCSF, which both carry it whole.

    Raises NotARecord where it carries none.
    """
    unmapped = document.get("unmapped")
    for place in (
        document,
        document.get("counterfoil"),
        unmapped.get("counterfoil") if isinstance(unmapped, dict) else 0,
    ):
        if isinstance(place, dict) and place.get("schema") == SCHEMA:
            return {name: value for name, value in place.items() if name in FIELDS}
    raise NotARecord("it holds no envelope of " + SCHEMA)
