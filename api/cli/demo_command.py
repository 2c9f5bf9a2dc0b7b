"""`counterfoil demo`: the tour."""

from __future__ import annotations

import click

from api.cli.lazy_group import attribute


@click.command()
@click.option("--keep", is_flag=True, help="Keep the store and the service for a look around.")
def demo(keep: bool) -> None:
    """Take the tour: a chain of tokens, its trail, its revocation.

    Runs a service of its own on a loopback port, in a directory of its own; nothing of yours is touched.

    \b
    Example:
      counterfoil demo --keep
    """
    attribute("api.demo:run")(keep=keep)
