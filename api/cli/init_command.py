"""`counterfoil init`: from nothing to a store that `counterfoil serve` accepts."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from api.cli.applied_policy import print_secrets, print_secrets_as_json
from api.cli.exit_codes import mistake
from api.cli.opened_store import operator_at
from api.cli.policy_source import policy_from
from api.cli.store_options import json_option, operator_options
from api.cli.terminal_text import visible
from api.ledger import Ledger
from api.secret_operations import NewSecret
from api.settings import Settings, read_settings
from api.stores import created
from domain.policy import Policy


@click.command()
@click.option(
    "--policy",
    "policy_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The policy to start with.  [default: the sample policy]",
)
@operator_options
@json_option
def init(
    policy_file: Path | None, store: str | None, keys: str | None, by: str | None, as_json: bool
) -> None:
    """Create the event store, the first key and the first secrets.

    Writes the store, a directory with the first signing key, and the policy: the sample policy unless
    you name one. Generated secrets are shown this once; the store keeps only their hashes.

    \b
    Example:
      counterfoil init --policy policy.toml
      counterfoil init --store /var/lib/counterfoil/log.db --json
    """
    settings = read_settings(os.environ, store=store, keys=keys)
    policy = policy_from(policy_file)
    ledger = created(settings)
    try:
        secrets = _begin(ledger, settings, policy, by)
    finally:
        ledger.close()
    if as_json:
        print_secrets_as_json(secrets)
        return
    click.echo(f"event store   {visible(settings.store_name)}")
    click.echo(f"signing keys  {'sealed in the store' if settings.is_shared else settings.keys_path}")
    click.echo(f"issuer        {visible(policy.issuer)}")
    print_secrets(secrets)
    given = {
        "store": "" if settings.is_shared else store,
        "keys": keys,
    }  # what has a password is not repeated
    where = [f" --{name} {shlex.quote(value)}" for name, value in given.items() if value]
    click.echo(f"Next: counterfoil serve{''.join(where)}")


def _begin(ledger: Ledger, settings: Settings, policy: Policy, by: str | None) -> list[NewSecret]:
    if ledger.authority.policy.issuer:
        raise mistake(
            f"{settings.store_name} has a policy already: change it with `counterfoil policy apply FILE`"
        )
    operator = operator_at(ledger, settings, by)
    if not ledger.authority.registry.keys:
        operator.keys.first(policy.signing_algorithm)
    _, secrets = operator.policy.apply(policy)
    return secrets
