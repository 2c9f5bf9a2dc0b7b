"""`counterfoil audit review`: which rights a period used, and a policy without the others."""

from __future__ import annotations

from pathlib import Path

import click

from api.cli.backtest_words import backtest_document, print_backtest
from api.cli.exit_codes import REFUSED, mistake
from api.cli.opened_store import opened_ledger
from api.cli.places import Place, PlaceName
from api.cli.printed import print_json
from api.cli.progress import progress
from api.cli.review_words import print_review, review_document
from api.cli.store_options import store_option
from api.cli.terminal_text import visible
from api.cli.times import readable
from api.ledger import Ledger
from api.policy_file import PolicyFileError, read_policy
from api.policy_text import policy_text
from api.stamps import milliseconds
from domain.identifiers import Position
from domain.policy import Policy
from domain.policy_difference import difference
from projections.access_review import AccessReview
from projections.backtest import Backtest
from projections.backtest_findings import Backtested
from projections.collecting_seldom import collecting_seldom
from projections.narrower_policy import narrower
from projections.recorded_walk import Told
from projections.unused_rights import unused_rights


@click.command()
@click.option(
    "--since", type=PlaceName(), default="30d", show_default=True, help="From that position or time on."
)
@click.option(
    "--propose",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a policy file without what was not used, and prove that the period would have passed it.",
)
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@store_option
@click.pass_context
def review(ctx: click.Context, since: Place, propose: Path | None, output: str, store: str | None) -> None:
    """Say which rights nobody used; propose a narrower policy.

    Also which clients did nothing, which got a token for an audience for the first time, and how deep chains
    went. --propose writes a narrower policy and decides the period's requests again by it: ends with 1 if one
    would come out otherwise than by the policy in force. It puts nothing in force.

    \b
    Example:
      counterfoil audit review --since 90d
      counterfoil audit review --since 90d --propose narrower.toml && counterfoil policy plan narrower.toml
    """
    if propose is not None and propose.exists():
        raise mistake(f"{propose} exists: name a file that does not")
    with opened_ledger(store) as ledger, progress() as told, collecting_seldom():
        log = ledger.recorder
        policy, end = ledger.authority.policy, Position(log.last_position())
        reviewed = AccessReview(ledger.authority, since.before(log))
        reviewed.run(log, end, told)
        fresh = reviewed.first_seen(log)
        proposal = None if propose is None else _proposed(policy, reviewed)
        proof = None if proposal is None else _proved(ledger, proposal, reviewed, told)
    unused = list(unused_rights(policy, reviewed.used))
    if propose is not None and proposal is not None:
        propose.write_text(_text(proposal, reviewed), encoding="utf-8")
    changes = () if proposal is None else difference(policy, proposal)
    if output == "json":
        proved = {} if proof is None else {"changes": changes, "backtest": backtest_document(proof)}
        print_json({**review_document(reviewed, unused, fresh), **proved})
    else:
        print_review(reviewed, unused, fresh)
        if propose is not None and proof is not None:
            _print_proposal(propose, changes, proof)
    ctx.exit(REFUSED if proof is not None and proof.groups else 0)


def _proposed(policy: Policy, reviewed: AccessReview) -> Policy:
    """The narrower policy, read back as `policy check` reads it."""
    edges = {*reviewed.edges, *reviewed.earlier_edges}
    wanted = narrower(policy, reviewed.used, edges)
    try:
        read = read_policy(policy_text(wanted).encode(), "the proposal")
    except PolicyFileError as error:
        raise mistake(f"what this period used is no whole policy; choose a longer one. {error}") from None
    if read != wanted:
        raise mistake("the policy in force says what no policy file can say: nothing can be proposed")
    return read


def _proved(ledger: Ledger, proposal: Policy, reviewed: AccessReview, told: Told) -> Backtested:
    """By the policy in force, not by the record: an earlier policy may have decided a part of the period."""
    test = Backtest(proposal, against=ledger.authority.policy)
    return test.run(ledger.recorder, reviewed.after, reviewed.position, told)


def _text(proposal: Policy, reviewed: AccessReview) -> str:
    period = f"positions {reviewed.after + 1} to {reviewed.position} of the log, {reviewed.tokens} tokens"
    remarks = (
        f"Proposed by an access review at {readable(milliseconds())}: what {period} used of the policy in force.",
        "Read it before you apply it: what is seldom needed, and was not needed then, is missing.",
    )
    return policy_text(proposal, remarks)


def _print_proposal(file: Path, changes: tuple[str, ...], proof: Backtested) -> None:
    click.echo(f"\nA narrower policy is in {visible(str(file))}:")
    for change in changes:
        click.echo(f"  {visible(change)}")
    if not changes:
        click.echo("  nothing to narrow: it is what is in force")
    click.echo("\nThe period's requests, by it and by the policy in force:")
    print_backtest(proof)
