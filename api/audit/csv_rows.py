"""Events as CSV for spreadsheets (RFC 4180). A cell that a spreadsheet would take for a formula is made text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any, Final

from api.cli.printed import json_line
from api.event_documents import event_document
from consumers.audit_record import rfc3339
from consumers.severities import FAILURES
from projections.audit_search import RecordedEvent

COLUMNS: Final = (
    "position",
    "type",
    "time",
    "outcome",
    "reason",
    "client",
    "subject",
    "chain",
    "jti",
    "audiences",
    "scope",
    "by",
    "address",
    "node",
    "request",
    "event",
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What OWASP's "CSV Injection" names."""


def csv_text(rows: Iterable[Iterable[str]]) -> bytes:
    """Rows, each ended by CR LF, in UTF-8."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return written.getvalue().encode()


def harmless(cell: str) -> str:
    """The same text for people; an apostrophe before it keeps a spreadsheet from computing it."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def event_row(recorded: RecordedEvent) -> list[str]:
    """The columns of one event; the last has all of it, as JSON."""
    document = event_document(recorded)
    event = recorded.event
    origin = document["origin"]
    return [
        str(recorded.position),
        event.TYPE,
        rfc3339(event.at),
        "failure" if event.TYPE in FAILURES else "success",
        *(_shown(document.get(name)) for name in COLUMNS[4:12]),
        *(_shown(origin.get(name)) for name in ("address", "node", "request")),
        json_line(document),
    ]


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return " ".join(map(str, value.values()))
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
