"""`counterfoil audit checkpoint`, `prove` and `export`: what an auditor takes away and checks without us."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from api.cli.exit_codes import refused
from api.cli.progress import progress
from api.cli.store_options import keys_option, operator_options, store_option, user_name
from api.cli.terminal_text import visible
from api.exporting import Exported
from api.exporting import export as write_export
from api.ledger import Ledger, require_policy
from api.log_key import log_signer
from api.log_proofs import LogProofs
from api.note_keys import NoteVerifier, verified_checkpoint
from api.operator_log import OperatorLog
from api.sequencing import sequencer
from api.settings import Settings, read_settings
from api.stamps import milliseconds, new_id
from api.stores import opened
from domain.events import AuditExported
from domain.identifiers import Position


@contextmanager
def _opened(store: str | None, keys: str | None) -> Iterator[tuple[Ledger, Settings]]:
    settings = read_settings(os.environ, store=store, keys=keys)
    ledger = opened(settings)
    try:
        require_policy(ledger, settings)
        yield ledger, settings
    finally:
        ledger.close()


@click.command()
@click.option(
    "--sign", is_flag=True, help="First sign what no checkpoint covers yet, as a running service does."
)
@click.option("--key", "only_key", is_flag=True, help="Print the public key of the log instead.")
@store_option
@keys_option
def checkpoint(sign: bool, only_key: bool, store: str | None, keys: str | None) -> None:
    """Print what the log is, signed: the last checkpoint.

    Keep it. Whoever has one can be shown later that the log still begins with what it was then. The
    signature is checked with the key of this log, which --key prints for others to keep.

    \b
    Example:
      counterfoil audit checkpoint > 2026-01-31.checkpoint
      counterfoil audit checkpoint --key
    """
    with _opened(store, keys) as (ledger, settings):
        if only_key:
            click.echo(log_signer(settings, ledger).verifier.text)
            return
        if sign:
            sequencer(settings, ledger).catch_up()
        head = ledger.tree.head()
        if head is None:
            raise refused("nothing is signed yet: run `counterfoil serve`, or --sign")
        verified_checkpoint(head.note, log_signer(settings, ledger).verifier)
    click.echo(head.note, nl=False)


@click.command()
@click.argument("position", type=click.IntRange(1))
@store_option
def prove(position: int, store: str | None) -> None:
    """Prove that an event stands in the log.

    Prints a C2SP tlog-proof: it holds the path from the event to the root of the last checkpoint, and that
    checkpoint. Whoever has the event as an export has it, and the public key of the log, can check it
    without this service.

    \b
    Example:
      counterfoil audit prove 4711 > 4711.tlog-proof
    """
    with _opened(store, None) as (ledger, _):
        found = LogProofs(ledger.tree).inclusion(Position(position))
    if found is None:
        raise refused(f"no checkpoint covers position {position} yet: `counterfoil audit checkpoint --sign`")
    click.echo(found, nl=False)


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--from", "first", type=click.IntRange(1), default=1, metavar="POSITION", help="[default: the first]"
)
@click.option(
    "--to", "last", type=click.IntRange(1), metavar="POSITION", help="[default: the last that is signed]"
)
@click.option(
    "--log-key",
    metavar="NAME+ID+KEY",
    help="The public key of the log, for those who cannot read the private one.",
)
@operator_options
def export(
    directory: Path,
    first: int,
    last: int | None,
    log_key: str | None,
    store: str | None,
    keys: str | None,
    by: str | None,
) -> None:
    """Write evidence that can be checked without us.

    It is a new directory with events, tree, checkpoints and a verifier.

    The events hold what the log holds: subjects, clients, addresses. The directory can be checked by
    anyone with Python and the package `cryptography`, without this service: python DIRECTORY/verify.py
    DIRECTORY. Events outside of --from and --to stand in it as hashes only. That it was taken away, and by
    whom, is recorded; where it cannot be, nothing is left of it.

    \b
    Example:
      counterfoil audit checkpoint --sign
      counterfoil audit export evidence
      python evidence/verify.py evidence
    """
    with _opened(store, keys) as (ledger, settings), progress() as told:
        key = NoteVerifier.from_text(log_key) if log_key else log_signer(settings, ledger).verifier
        done = write_export(ledger.recorder, ledger.tree, key, directory, first, last, told)
        try:
            _record(ledger, settings, done, by or user_name())
        except BaseException:
            shutil.rmtree(directory)
            raise
    click.echo(
        f"wrote {done.events} events, positions {done.first} to {done.last} of {done.size} that are signed"
    )
    click.echo(f"the key of the log: {key.text}")
    click.echo(f"Next: python {visible(str(directory))}/verify.py {visible(str(directory))}")


def _record(ledger: Ledger, settings: Settings, done: Exported, by: str) -> None:
    """Who takes the log away is a fact of the log."""
    log = OperatorLog(ledger, by=by, node=settings.node, new_id=new_id, clock=milliseconds)
    log.append(
        [
            AuditExported(
                id=new_id(),
                at=milliseconds(),
                origin=log.origin,
                by=by,
                after=Position(done.first - 1),
                up_to=Position(done.last),
                count=done.events,
                sha256=done.sha256,
            )
        ]
    )
