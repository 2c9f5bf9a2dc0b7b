"""`counterfoil audit lineage`: the family of a token, a chain or a subject, hop by hop."""

from __future__ import annotations

import time

import click

from api.cli.exit_codes import refused
from api.cli.lineage_tree import print_family
from api.cli.moment_names import MomentName, moment_named
from api.cli.opened_store import opened_ledger
from api.cli.printed import print_json
from api.cli.store_options import store_option
from api.cli.token_names import TokenName
from api.family_documents import family_document
from api.family_dot import family_dot
from api.family_svg import family_svg
from api.ledger import Ledger
from domain.identifiers import Position
from projections.family import MOST_TOKENS, Family, FamilyName, family_of
from projections.named_moments import Moment, MomentAsked
from projections.slices import finished


@click.command()
@click.argument("token_chain_or_subject", type=TokenName())
@click.option(
    "--at", type=MomentName(), metavar="POSITION|TIME", help="Up to then, with the states then and now."
)
@click.option(
    "--format",
    "output",
    type=click.Choice(["tree", "json", "dot", "svg"]),
    default="tree",
    show_default=True,
)
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=MOST_TOKENS,
    show_default=True,
    help="Tokens told at most.",
)
@click.option("--full", is_flag=True, help="Do not shorten identifiers.")
@store_option
def lineage(
    token_chain_or_subject: str,
    at: MomentAsked | None,
    output: str,
    limit: int,
    full: bool,
    store: str | None,
) -> None:
    """Tell a family of tokens hop by hop, or draw it.

    What each hop asked for, got and lost, who was refused what, and what became of it. Named by any token
    of it (its jti, or as it is; `-` reads it from standard input), or by a subject: then all its chains.

    \b
    Example:
      counterfoil audit lineage 01890a5d-ac96-774b-bcce-b302099a8057
      counterfoil audit lineage corp:u1 --at 2026-01-31T12:00:00Z --format svg > u1.svg
    """
    with opened_ledger(store) as ledger:
        named = _named(ledger, token_chain_or_subject)
        now = Moment(position=Position(ledger.recorder.last_position()), now=int(time.time() * 1000))
        then = now if at is None else moment_named(ledger.recorder, at)
        family = finished(family_of(ledger.recorder, named, then, now, limit))
    if not family.hops and not family.other_refusals:
        raise refused(f"up to position {then.position} the log knows nothing of {token_chain_or_subject!r}")
    _print(family, output, full=full)


def _named(ledger: Ledger, name: str) -> FamilyName:
    """A token names its chain; what is no token is a subject."""
    birth = ledger.births.birth(name)
    if birth is None:
        return FamilyName(kind="subject", name=name)
    return FamilyName(kind="chain", name=birth.chain, token=birth.jti)


def _print(family: Family, output: str, *, full: bool) -> None:
    match output:
        case "json":
            print_json(family_document(family))
        case "dot":
            click.echo(family_dot(family, full=full), nl=False)
        case "svg":
            click.echo(family_svg(family, full=full), nl=False)
        case _:
            print_family(family, full=full)
