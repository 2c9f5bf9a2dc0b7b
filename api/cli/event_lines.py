"""An event as one line of a table, so that a table can grow while events come."""

from __future__ import annotations

from typing import Final

import click

from api.cli.event_words import words
from api.cli.terminal_text import visible
from api.cli.times import readable
from projections.audit_search import RecordedEvent

_WIDTH_OF_TYPE: Final = 25
_COLOURS: Final = {
    "denied": "yellow",
    "forged": "red",
    "revoked": "red",
    "compromised": "red",
    "disabled": "red",
    "issued": "green",
    "exchanged": "green",
}

HEADER: Final = f"{'position':>8}  {'at (UTC)':<24}  {'event':<{_WIDTH_OF_TYPE}}  what"


def event_line(recorded: RecordedEvent, *, full: bool) -> str:
    """Nothing in it can end the line or move the cursor."""
    event = recorded.event
    colour = _COLOURS.get(event.TYPE.replace("_", ".").split(".")[-1])
    kind = click.style(f"{event.TYPE:<{_WIDTH_OF_TYPE}}", fg=colour)
    what = visible(words(event, full=full))
    return f"{recorded.position:>8}  {readable(event.at)}  {kind}  {what}"
