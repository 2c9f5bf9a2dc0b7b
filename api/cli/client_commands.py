"""`counterfoil client`: who may ask, and new secrets for them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import click

from api.cli.applied_policy import print_secrets, print_secrets_as_json
from api.cli.opened_store import opened_ledger, opened_operator
from api.cli.printed import print_json, print_table
from api.cli.store_options import json_option, operator_options, store_option
from api.cli.times import Duration
from domain.identifiers import ClientId
from domain.policy import Client


@click.group()
def client() -> None:
    """List clients and rotate their secrets.

    Clients come from the policy; secrets do not.

    \b
    Example:
      counterfoil client list
      counterfoil client secret rotate agent --overlap 10m
    """


@client.command("list")
@store_option
@json_option
def list_clients(store: str | None, as_json: bool) -> None:
    """List the clients of the policy in force.

    \b
    Example:
      counterfoil client list --json
    """
    with opened_ledger(store) as ledger:
        registry = ledger.authority.registry
        secrets = {name: _counting(registry.credentials_of(name)) for name in registry.policy.clients}
        clients = list(registry.policy.clients.values())
    if as_json:
        print_json([_facts(entry, secrets[entry.name]) for entry in clients])
        return
    rows = [
        (
            entry.name,
            entry.authentication,
            " ".join(entry.grants),
            str(secrets[entry.name]),
            "yes" if entry.disabled else "",
        )
        for entry in clients
    ]
    print_table(["client", "authentication", "grants", "secrets", "disabled"], rows)


def _facts(entry: Client, secrets: int) -> dict[str, Any]:
    return {
        "client": entry.name,
        "authentication": entry.authentication,
        "grants": entry.grants,
        "secrets": secrets,
        "disabled": entry.disabled,
    }


def _counting(credentials: Mapping[str, int | None]) -> int:
    """How many of the secrets count now."""
    now = int(time.time())
    return sum(1 for until in credentials.values() if until is None or until > now)


@client.group()
def secret() -> None:
    """Rotate the secrets of clients.

    \b
    Example:
      counterfoil client secret rotate agent
    """


@secret.command()
@click.argument("client")
@click.option(
    "--overlap",
    type=Duration(),
    default="10m",
    show_default=True,
    help="How long the older secrets still count; 0s ends them now.",
)
@operator_options
@json_option
def rotate(
    client: str, overlap: int, store: str | None, keys: str | None, by: str | None, as_json: bool
) -> None:
    """Give a client a new secret.

    The new secret counts at once and is shown this once; the older ones count until the overlap is over.

    \b
    Example:
      counterfoil client secret rotate agent --overlap 1h
      counterfoil client secret rotate agent --overlap 0s    # it has leaked
    """
    with opened_operator(store, keys, by) as (operator, _, __):
        new = operator.secrets.rotate(ClientId(client), overlap)
    if as_json:
        print_secrets_as_json([new])
    else:
        print_secrets([new])
