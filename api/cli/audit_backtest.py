"""`counterfoil audit backtest`: recorded requests, decided by another policy."""

from __future__ import annotations

from pathlib import Path

import click

from api.cli.backtest_words import backtest_document, print_backtest
from api.cli.exit_codes import REFUSED
from api.cli.opened_store import opened_log
from api.cli.places import Place, PlaceName
from api.cli.printed import print_json
from api.cli.progress import progress
from api.cli.store_options import store_option
from api.policy_file import read_policy_file
from domain.identifiers import Position
from projections.backtest import Backtest
from projections.collecting_seldom import collecting_seldom


@click.command()
@click.argument("policy_file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--since", type=PlaceName(), help="From that position or time on.  [default: the first event]")
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--exit-code", is_flag=True, help=f"Exit with {REFUSED} if anything would be otherwise.")
@store_option
@click.pass_context
def backtest(
    ctx: click.Context,
    policy_file: Path,
    since: Place | None,
    output: str,
    exit_code: bool,
    store: str | None,
) -> None:
    """Say what another policy would have decided.

    Takes every recorded issuance, exchange and refusal again as if that policy had been in force, with the
    revocations, keys and credentials of its moment. Tells which it would deny, newly allow or answer with
    another token, by reason, client and way, with positions to look at. Changes nothing.

    \b
    Example:
      counterfoil audit backtest policy.toml --since 30d
      counterfoil audit backtest policy.toml --format json --exit-code
    """
    policy = read_policy_file(policy_file)
    with opened_log(store) as log, progress() as told, collecting_seldom():
        after = Position(0) if since is None else since.before(log)
        found = Backtest(policy).run(log, after, Position(log.last_position()), told)
    if output == "json":
        print_json(backtest_document(found))
    else:
        print_backtest(found)
    ctx.exit(REFUSED if exit_code and found.groups else 0)
