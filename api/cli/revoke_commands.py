"""`counterfoil revoke`: pull the plug, at the log itself."""

from __future__ import annotations

import click

from api.cli.exit_codes import refused
from api.cli.names import Name
from api.cli.opened_store import opened_operator
from api.cli.revoke_rehearsal import is_rehearsal, rehearsal_options, rehearse
from api.cli.store_options import operator_options
from api.cli.terminal_text import visible
from api.cli.token_names import TokenName
from api.operator_log import OperatorMistake
from domain.identifiers import Position
from projections.revocation_targets import Kind


@click.group()
def revoke() -> None:
    """Pull the plug: a token, a chain, a subject or a client.

    Works on the log itself, beside running servers; each refuses what is dead from its next request on.
    The effect goes downward only: what a token was made from stays alive.

    \b
    Example:
      counterfoil revoke token 01890a5d-ac96-774b-bcce-b302099a8057
      counterfoil revoke client agent --dry-run
      counterfoil revoke client agent
    """


@revoke.command()
@click.argument("token_or_jti", type=TokenName())
@operator_options
@rehearsal_options
def token(
    token_or_jti: str, store: str | None, keys: str | None, by: str | None, dry_run: bool, as_json: bool
) -> None:
    """Revoke one token and everything below it.

    Name it by its `jti`, or give the token itself; `-` reads it from standard input.

    \b
    Example:
      pbpaste | counterfoil revoke token -
    """
    if is_rehearsal(dry_run, as_json):
        rehearse("token", token_or_jti, store, as_json)
        return
    _revoke("token", token_or_jti, store, keys, by)


@revoke.command()
@click.argument("token_or_jti", type=TokenName())
@operator_options
@rehearsal_options
def chain(
    token_or_jti: str, store: str | None, keys: str | None, by: str | None, dry_run: bool, as_json: bool
) -> None:
    """Revoke a first token and all that descend from it.

    `counterfoil audit chain TOKEN_OR_JTI` says which token is the first.

    \b
    Example:
      counterfoil revoke chain 01890a5d-ac96-774b-bcce-b302099a8057
    """
    if is_rehearsal(dry_run, as_json):
        rehearse("chain", token_or_jti, store, as_json)
        return
    _revoke("chain", token_or_jti, store, keys, by)


@revoke.command()
@click.argument("subject", type=Name())
@operator_options
@rehearsal_options
def subject(
    subject: str, store: str | None, keys: str | None, by: str | None, dry_run: bool, as_json: bool
) -> None:
    """Revoke all tokens of a subject, and below.

    It may get new ones; to refuse it altogether, add `counterfoil subject disable SUBJECT`.

    \b
    Example:
      counterfoil revoke subject corp:u-1842
    """
    if is_rehearsal(dry_run, as_json):
        rehearse("subject", subject, store, as_json)
        return
    _revoke("subject", subject, store, keys, by)


@revoke.command()
@click.argument("client", type=Name())
@operator_options
@rehearsal_options
def client(
    client: str, store: str | None, keys: str | None, by: str | None, dry_run: bool, as_json: bool
) -> None:
    """Revoke all tokens of a client, and below.

    \b
    Example:
      counterfoil revoke client agent
    """
    if is_rehearsal(dry_run, as_json):
        rehearse("client", client, store, as_json)
        return
    _revoke("client", client, store, keys, by)


def _revoke(kind: Kind, name: str, store: str | None, keys: str | None, by: str | None) -> None:
    with opened_operator(store, keys, by) as (operator, ledger, _):
        try:
            position = operator.revoke(kind, name)
        except OperatorMistake as error:
            raise refused(str(error)) from None
        is_known = kind in {"token", "chain"} or ledger.births.born_after(kind, name, Position(0)) is not None
    if position is None:
        click.echo(f"nothing to revoke: {kind} {visible(name)} has no token that is alive")
    else:
        click.echo(f"revoked {kind} {visible(name)} at position {position}")
    if not is_known:
        click.echo(f"the log knows no token of {kind} {visible(name)}: is the name right?", err=True)
