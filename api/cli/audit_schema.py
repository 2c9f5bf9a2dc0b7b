"""`counterfoil audit schema`: the JSON Schema of the records, for whoever validates them."""

from __future__ import annotations

import click

from consumers.record_schema import published_schema


@click.command()
def schema() -> None:
    """Print the JSON Schema of the stream's records.

    It is of draft 2020-12.

    \b
    Example:
      counterfoil audit schema > counterfoil.audit.1.schema.json
    """
    click.echo(published_schema(), nl=False)
