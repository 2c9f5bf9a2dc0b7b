"""What a person, or a program, is told after a policy was put in force."""

from __future__ import annotations

from collections.abc import Sequence

import click

from api.cli.printed import print_json, print_table
from api.secret_operations import NewSecret


def print_secrets(secrets: Sequence[NewSecret]) -> None:
    """The only time that anybody sees them."""
    if not secrets:
        return
    click.echo("\nNew client secrets. They are shown this once; the store keeps only their hashes.")
    print_table(["client", "secret"], [(new.client, new.secret) for new in secrets])


def print_secrets_as_json(secrets: Sequence[NewSecret]) -> None:
    """`{"clients": {name: secret}}`, and nothing else."""
    print_json({"clients": {new.client: new.secret for new in secrets}})
