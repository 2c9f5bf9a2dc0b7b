"""`counterfoil audit log`: events, filtered; a table for people, NDJSON for programs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final, TypeVar

import click

from api.cli.event_lines import HEADER, event_line
from api.cli.exit_codes import mistake, refused
from api.cli.opened_store import opened_ledger
from api.cli.printed import json_line
from api.cli.store_options import store_option
from api.cli.times import Moment
from api.cli.token_names import TokenName
from api.event_documents import event_document
from domain.identifiers import Position
from projections.audit_search import AuditFilter, AuditPage, AuditSearch, RecordedEvent, UnknownType

PAGE: Final = 1000
"""Events read at once."""
LATEST: Final = 50
"""Events in a table, unless more are asked for."""
LOOK_AGAIN: Final = 0.5
"""Seconds between two looks of `--follow`."""

Command = TypeVar("Command", bound=Callable[..., Any])
Show = Callable[[RecordedEvent], str]

_CONDITIONS: Final = (
    click.option("--token", type=TokenName(), metavar="TOKEN_OR_JTI", help="Its birth and its revocation."),
    click.option(
        "--chain", type=TokenName(), metavar="TOKEN_OR_JTI", help="The chain with this first token."
    ),
    click.option("--subject", metavar="SUBJECT", help="Of this subject."),
    click.option("--client", metavar="CLIENT", help="Of this client."),
    click.option(
        "--type", "types", metavar="TYPE", multiple=True, help="Of this type, or group: token, key."
    ),
    click.option("--since", type=Moment(), help="From then on: 15m, 2026-01-31, 2026-01-31T12:00:00Z."),
    click.option("--until", type=Moment(), help="Before then."),
)
_OUTPUT: Final = click.option(
    "--format",
    "output",
    type=click.Choice(["table", "ndjson"]),
    help="[default: table on a terminal, else ndjson]",
)
_LIMIT: Final = click.option(
    "--limit", type=click.IntRange(1), help=f"At most so many.  [default: {LATEST} in a table, else all]"
)
_AFTER: Final = click.option(
    "--after", type=click.IntRange(0), metavar="POSITION", help="After this position, oldest first."
)


def conditions(command: Command) -> Command:
    """An option for each field of AuditFilter."""
    for option in reversed(_CONDITIONS):
        command = option(command)
    return command


@click.command()
@conditions
@_AFTER
@_LIMIT
@click.option("--follow", is_flag=True, help="Wait for more, until interrupted.")
@_OUTPUT
@click.option("--full", is_flag=True, help="Do not shorten identifiers in the table.")
@store_option
def log(
    after: int | None,
    limit: int | None,
    follow: bool,
    output: str | None,
    full: bool,
    store: str | None,
    **wanted: Any,
) -> None:
    """List events: who asked, what was decided, and why.

    Every condition given must hold. A table shows the latest events, oldest first. Programs get one
    JSON document per line; to go on later, pass the last position as --after.

    \b
    Example:
      counterfoil audit log --client agent --type token.exchange_denied
      counterfoil audit log --type token --type subject.revoked --since 1h
      counterfoil audit log --follow --format ndjson | jq .reason
    """
    as_table = output == "table" or (output is None and sys.stdout.isatty())
    if as_table and limit is None and after is None:
        limit = LATEST
    with opened_ledger(store) as ledger:
        found = _Found(AuditSearch(ledger.recorder), AuditFilter(**wanted))
        show = _table_line(full) if as_table else _ndjson_line
        try:
            found.print(found.once(after, limit), show, header=as_table)
            if follow:
                with suppress(KeyboardInterrupt):
                    found.print(found.later(), show)
        except UnknownType as error:
            raise mistake(str(error)) from None
    if not found.count and not follow:
        raise refused(f"nothing matched, up to position {found.position}")


class _Found:
    """What was found so far: how many, and up to where was looked."""

    def __init__(self, search: AuditSearch, wanted: AuditFilter) -> None:
        self._search = search
        self._wanted = wanted
        self.count = 0
        self.position = Position(0)

    def once(self, after: int | None, limit: int | None) -> Iterator[AuditPage]:
        """What is there: the latest, or those after a position."""
        if after is None and limit is not None:
            yield self._search.latest(self._wanted, limit)
            return
        self.position = Position(after or 0)
        left = limit
        while left is None or left > 0:
            page = self._search.page(self._wanted, self.position, min(PAGE, left or PAGE))
            yield page
            if not page.events:
                return
            left = None if left is None else left - len(page.events)

    def later(self) -> Iterator[AuditPage]:
        """What comes, for ever."""
        while True:
            page = self._search.page(self._wanted, self.position, PAGE)
            yield page
            if not page.events:
                time.sleep(LOOK_AGAIN)

    def print(self, pages: Iterator[AuditPage], show: Show, *, header: bool = False) -> None:
        """Print the pages while they come; the header before the first event."""
        for page in pages:
            for recorded in page.events:
                if header and not self.count:
                    click.echo(HEADER)
                click.echo(show(recorded))
                self.count += 1
            self.position = page.position


def _table_line(full: bool) -> Show:
    return lambda recorded: event_line(recorded, full=full)


def _ndjson_line(recorded: RecordedEvent) -> str:
    return json_line(event_document(recorded))
