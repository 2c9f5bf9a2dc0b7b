"""`counterfoil audit replay`: every recorded decision, taken again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from api.cli.exit_codes import REFUSED, mistake
from api.cli.opened_store import opened_log
from api.cli.places import Place, PlaceName
from api.cli.printed import json_line, print_json
from api.cli.progress import progress
from api.cli.state_file import keep_state, read_state
from api.cli.store_options import store_option
from api.cli.terminal_text import visible
from domain.identifiers import Position
from eventstore.store import LogStore
from projections.collecting_seldom import collecting_seldom
from projections.replay import Replay
from projections.replay_findings import TOLD, Difference, Findings
from projections.replay_state import ReplayStateUnusable, resumed, written_down

KEEP_EVERY: Final = 10.0
"""Seconds after which the state file is written again."""


@click.command()
@click.option(
    "--from", "start", type=PlaceName(), help="From that position or time on.  [default: the first event]"
)
@click.option(
    "--to", "end", type=PlaceName(), help="Up to that position, or before that time.  [default: now]"
)
@click.option(
    "--state",
    "state",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep here how far it is, and go on from there the next time.",
)
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@store_option
@click.pass_context
def replay(
    ctx: click.Context,
    start: Place | None,
    end: Place | None,
    state: Path | None,
    output: str,
    store: str | None,
) -> None:
    """Take every recorded decision again, and compare.

    Folds the log again and decides each request with the policy, the keys and the revocations of its
    moment: right before its own position and, where it was decided on an earlier state, there too. Whatever
    comes out differently is shown with both sides. Ends with 0 if nothing does, else with 1.

    \b
    Example:
      counterfoil audit replay
      counterfoil audit replay --from 2026-01-31 --to 2026-02-01
      counterfoil audit replay --state replay.json      # go on where the last one ended
    """
    with opened_log(store) as log:
        last = Position(min(log.last_position(), end.last(log) if end else log.last_position()))
        walk = _begun(log, start, state)
        with progress() as told, collecting_seldom():
            for position in _kept(walk, last, state):
                told("deciding again", position, last)
    if output == "json":
        print_json(_document(walk))
    else:
        _print(walk)
    if walk.findings.tally.differences:
        ctx.exit(REFUSED)


def _begun(log: LogStore, start: Place | None, state: Path | None) -> Replay:
    after = None if start is None else start.before(log)
    kept = None if state is None else read_state(state)
    if kept is None:
        return Replay(log, after or Position(0))
    try:
        return resumed(log, kept, after)
    except ReplayStateUnusable as error:
        raise mistake(f"{state}: {error}: remove it to begin anew, or name another file") from None


def _kept(walk: Replay, last: Position, state: Path | None) -> Iterator[Position]:
    """Walk on, and write down now and then, and at the end, how far it is."""
    kept_at = time.monotonic()
    for position in walk.run(last):
        if state is not None and time.monotonic() - kept_at > KEEP_EVERY:
            keep_state(state, written_down(walk))
            kept_at = time.monotonic()
        yield position
    if state is not None:
        keep_state(state, written_down(walk))


def _print(walk: Replay) -> None:
    findings: Findings = walk.findings
    for difference in findings.differences:
        _print_difference(difference)
    tally = findings.tally
    untold = tally.differences - len(findings.differences)
    if untold:
        click.echo(f"and {untold} more; only the first {TOLD} are shown")
    click.echo(
        f"positions {walk.after + 1} to {walk.position}: {tally.events} events, "
        f"{tally.decisions} decisions taken again, {tally.elsewhere} of them on an earlier state too"
    )
    if tally.overtaken:
        click.echo(f"{tally.overtaken} revocations found nothing alive: another one came first")
    if tally.incomplete:
        click.echo(
            f"{tally.incomplete} decisions of older versions do not say all that was asked: not taken again"
        )
    click.echo(f"{tally.differences} differences" if tally.differences else "no difference")


def _print_difference(difference: Difference) -> None:
    where = "" if difference.decided_at is None else f", on the state at {difference.decided_at}"
    click.echo(visible(f"{difference.type} at {difference.position}{where}: {difference.what}"))
    for side, fields in (("recorded", difference.recorded), ("again", difference.again)):
        click.echo(f"  {side:<8}  {'nothing' if fields is None else json_line(fields)}")


def _document(walk: Replay) -> dict[str, Any]:
    return {
        "from": walk.after + 1,
        "to": walk.position,
        "tally": walk.findings.tally,
        "differences": walk.findings.differences,
    }
