"""`counterfoil revoke ... --dry-run`: what a revocation would kill, told to people and to programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import click

from api.cli.exit_codes import mistake, refused
from api.cli.opened_store import opened_ledger
from api.cli.printed import print_json, print_table
from api.cli.progress import progress
from api.cli.terminal_text import visible
from api.cli.times import readable
from api.stamps import milliseconds
from projections.blast_radius import BlastRadius, blast_radius
from projections.revocation_targets import Kind, revocation_target

SHOWN: Final = 10
"""Of each kind; programs get all of them."""


Command = TypeVar("Command", bound=Callable[..., Any])


def rehearsal_options(command: Command) -> Command:
    """`--dry-run`, and `--json` for what that says."""
    dry_run = click.option("--dry-run", is_flag=True, help="Revoke nothing; say what would die.")
    as_json = click.option("--json", "as_json", is_flag=True, help="With --dry-run: all of it, as JSON.")
    return dry_run(as_json(command))


def is_rehearsal(dry_run: bool, as_json: bool) -> bool:
    """In an incident nobody must believe to have revoked what was only counted."""
    if as_json and not dry_run:
        raise mistake("--json is what --dry-run prints: add --dry-run, or leave it out to revoke")
    return dry_run


def rehearse(kind: Kind, name: str, store: str | None, as_json: bool) -> None:
    """Print what would die, and change nothing."""
    with opened_ledger(store) as ledger, progress() as told:
        target = revocation_target(ledger.authority, ledger.births, kind, name)
        if target is None:
            raise refused(f"the log knows no {kind} {name!r}")
        radius = blast_radius(ledger.recorder, ledger.authority, target, milliseconds(), told)
    if as_json:
        print_json(radius_document(radius))
    else:
        print_radius(radius, visible(f"{kind} {name}"))


def print_radius(radius: BlastRadius, what: str) -> None:
    """A sentence, and who it hits hardest."""
    if not radius.tokens:
        click.echo(f"nothing to revoke: {what} has no token that is alive, up to position {radius.position}")
        return
    click.echo(
        f"revoking {what} would kill {radius.tokens} living tokens of {len(radius.chains)} chains, "
        f"{len(radius.clients)} clients, {len(radius.audiences)} audiences and {len(radius.subjects)} subjects"
    )
    if radius.suspended:
        click.echo(f"{radius.suspended} of them are refused for now anyway")
    click.echo(f"the last of them would expire by itself at {readable(radius.last_expiry * 1000)}")
    for name, counted in _kinds(radius).items():
        rows = [(key, str(count)) for key, count in counted.most_common(SHOWN)]
        print_table([name, "tokens"], rows)
        if len(counted) > SHOWN:
            click.echo(f"and {len(counted) - SHOWN} more")
    click.echo(
        f"Nothing was revoked. This is as of position {radius.position}: {visible(what)} may get more until then"
    )


def radius_document(radius: BlastRadius) -> Mapping[str, Any]:
    """All of it; times are NumericDates."""
    return {
        "position": radius.position,
        "tokens": radius.tokens,
        "suspended": radius.suspended,
        "chains": sorted(radius.chains),
        "last_expiry": radius.last_expiry or None,
        **{f"{name}s": dict(counted.most_common()) for name, counted in _kinds(radius).items()},
    }


def _kinds(radius: BlastRadius) -> dict[str, Counter[Any]]:
    return {"client": radius.clients, "audience": radius.audiences, "subject": radius.subjects}
