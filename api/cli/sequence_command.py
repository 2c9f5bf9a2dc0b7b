"""`counterfoil sequence`: sign checkpoints from a process of its own."""

from __future__ import annotations

import os
import signal
import sys

import click

from api.cli.store_options import keys_option, store_option
from api.ledger import require_policy
from api.logs import log_to
from api.sequencing import Sequencing, sequencer
from api.settings import read_settings
from api.stores import opened


@click.command()
@store_option
@keys_option
def sequence(store: str | None, keys: str | None) -> None:
    """Sign checkpoints from a process of its own.

    A running service does this itself, in a thread beside its requests. Where that shall cost it nothing
    at all, set COUNTERFOIL_PROOFS=false for the service and run this beside it, on the same store. Logs
    JSON lines to standard error; SIGTERM and Ctrl-C end it after what is there is signed.

    \b
    Example:
      COUNTERFOIL_PROOFS=false counterfoil serve
      counterfoil sequence
    """
    settings = read_settings(os.environ, store=store, keys=keys)
    ledger = opened(settings)
    try:
        require_policy(ledger, settings)
        sequencer(settings, ledger).catch_up()
        log_to(sys.stderr, settings.log_level)
        sequencing = Sequencing(settings, ledger)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sequencing.tell_to_stop())
        click.echo("signing")
        sequencing.run()
        sequencing.end()
    finally:
        ledger.close()
