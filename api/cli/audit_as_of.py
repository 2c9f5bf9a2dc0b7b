"""`counterfoil audit as-of`: what was true at a position."""

from __future__ import annotations

from typing import Any

import click

from api.cli.as_of_tables import print_as_of
from api.cli.exit_codes import mistake
from api.cli.moment_names import MomentName, moment_named
from api.cli.names import Name
from api.cli.opened_store import opened_ledger
from api.cli.printed import print_json
from api.cli.store_options import store_option
from api.cli.token_names import TokenName
from api.past_documents import as_of_document
from projections.as_of import ABOUT, TokensWanted, as_of
from projections.named_moments import MomentAsked
from projections.slices import finished


@click.command("as-of")
@click.argument("position_or_time", type=MomentName())
@click.option(
    "--chain", type=TokenName(), metavar="TOKEN_OR_JTI", help="Tokens of the chain with this first token."
)
@click.option("--subject", type=Name(), metavar="SUBJECT", help="Tokens of this subject.")
@click.option("--client", type=Name(), metavar="CLIENT", help="Tokens and ways of this client.")
@click.option(
    "--audience",
    type=Name(),
    metavar="AUDIENCE",
    help="Tokens and ways for this resource, by audience or name.",
)
@click.option("--expired", is_flag=True, help="List tokens that had expired, too.")
@click.option(
    "--after", type=click.IntRange(0), metavar="POSITION", default=0, help="Tokens born after that."
)
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="Tokens listed."
)
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--full", is_flag=True, help="Do not shorten identifiers in the tables.")
@store_option
def as_of_command(
    position_or_time: MomentAsked,
    expired: bool,
    after: int,
    limit: int,
    output: str,
    full: bool,
    store: str | None,
    **about: str | None,
) -> None:
    """Say what was true then: tokens, ways, policy and keys.

    The moment is a position, or a time: then it is the last position whose event is not later. Order is
    position; a time only finds one. Tokens that had not expired are listed, the dead ones
    with why; ways say who could act for whom.

    \b
    Example:
      counterfoil audit as-of 4711 --subject corp:u1
      counterfoil audit as-of 2026-01-31T12:00:00Z --audience https://hr.example --format json
    """
    wanted = _wanted(about, expired=expired, after=after, limit=limit)
    with opened_ledger(store) as ledger:
        found = finished(as_of(ledger.recorder, moment_named(ledger.recorder, position_or_time), wanted))
    if output == "json":
        print_json(as_of_document(found))
    else:
        print_as_of(found, full=full)


def _wanted(about: dict[str, str | None], **how: Any) -> TokensWanted:
    given = [(kind, name) for kind in ABOUT if (name := about[kind]) is not None]
    if len(given) > 1:
        raise mistake("give at most one of --chain, --subject, --client, --audience")
    kind, name = given[0] if given else (None, "")
    return TokensWanted(about=kind, name=name, **how)
