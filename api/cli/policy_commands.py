"""`counterfoil policy`: check a file, see what it would change, put it in force."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from api.cli.applied_policy import print_secrets, print_secrets_as_json
from api.cli.exit_codes import mistake
from api.cli.opened_store import opened_ledger, opened_operator
from api.cli.store_options import json_option, operator_options, store_option
from api.cli.terminal_text import visible
from api.policy_file import read_policy_file
from domain.policy import Policy
from domain.policy_difference import difference

DIFFERENT: Final = 2
"""Exit code of `policy plan --exit-code` where the file is not what is in force."""

_COLOURS: Final = {"widens": "yellow", "narrows": "green", "warning": "red"}

_file = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.group()
def policy() -> None:
    """Check, plan and apply the policy file.

    \b
    Example:
      counterfoil policy check policy.toml
      counterfoil policy plan policy.toml
      counterfoil policy apply policy.toml
    """


@policy.command()
@_file
def check(file: Path) -> None:
    """Read a policy file and say what is wrong with it.

    Needs no event store, so it fits a pre-commit hook.

    \b
    Example:
      counterfoil policy check policy.toml
    """
    checked = read_policy_file(file)
    click.echo(
        f"{visible(str(file))} is a policy of {visible(checked.issuer)}: {len(checked.clients)} clients, "
        f"{len(checked.resources)} resources, {len(checked.trusted_issuers)} trusted issuers"
    )


@policy.command()
@_file
@store_option
@click.option("--exit-code", is_flag=True, help=f"Exit with {DIFFERENT} if the file would change anything.")
@click.pass_context
def plan(ctx: click.Context, file: Path, store: str | None, exit_code: bool) -> None:
    """Say, in words, what a policy file would change.

    Compares the file with the policy in force and changes nothing. Exits with 0 either way, unless you
    ask for --exit-code.

    \b
    Example:
      counterfoil policy plan policy.toml --exit-code || echo "not in force yet"
    """
    planned = read_policy_file(file)
    with opened_ledger(store) as ledger:
        in_force = ledger.authority.policy
    if in_force.issuer not in ("", planned.issuer):
        raise mistake(
            f"this store is for the issuer {in_force.issuer}; a policy for {planned.issuer} needs a store of its own"
        )
    _print_changes(in_force, planned)
    ctx.exit(DIFFERENT if exit_code and planned != in_force else 0)


@policy.command()
@_file
@operator_options
@json_option
def apply(file: Path, store: str | None, keys: str | None, by: str | None, as_json: bool) -> None:
    """Put a policy file in force.

    Running servers decide by it from their next request on. Clients that have no secret yet get one,
    shown this once. Applying what is in force already changes nothing.

    \b
    Example:
      counterfoil policy apply policy.toml --by alice
    """
    wanted = read_policy_file(file)
    with opened_operator(store, keys, by) as (operator, ledger, _):
        before = ledger.authority.policy
        event, secrets = operator.policy.apply(wanted)
        position = ledger.authority.policy_position
    if as_json:
        print_secrets_as_json(secrets)
        return
    _print_changes(before, wanted)
    if event is not None:
        click.echo(f"In force from position {position} on.")
    print_secrets(secrets)


def _print_changes(in_force: Policy, wanted: Policy) -> None:
    for change in difference(in_force if in_force.issuer else None, wanted):
        click.secho(visible(change), fg=_COLOURS.get(change.partition(":")[0]))
    if in_force == wanted:
        click.echo("Nothing changes: this policy is in force.")
