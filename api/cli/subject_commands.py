"""`counterfoil subject`: refuse a subject on every path, and stop refusing it."""

from __future__ import annotations

import click

from api.cli.names import Name
from api.cli.opened_store import opened_operator
from api.cli.store_options import operator_options
from api.cli.terminal_text import visible
from domain.identifiers import Subject


@click.group()
def subject() -> None:
    """Disable a subject, or enable it again.

    \b
    Example:
      counterfoil subject disable corp:u-1842
    """


@subject.command()
@click.argument("subject", type=Name())
@operator_options
def disable(subject: str, store: str | None, keys: str | None, by: str | None) -> None:
    """Refuse a subject on every path, from now on.

    Its tokens are suspended, not revoked: those still alive work again once it is enabled. To end them
    for good, add `counterfoil revoke subject SUBJECT`.

    \b
    Example:
      counterfoil subject disable corp:u-1842
    """
    with opened_operator(store, keys, by) as (operator, _, __):
        changed = operator.disable_subject(Subject(subject))
    click.echo(f"{visible(subject)} is {'disabled' if changed else 'disabled already'}")


@subject.command()
@click.argument("subject", type=Name())
@operator_options
def enable(subject: str, store: str | None, keys: str | None, by: str | None) -> None:
    """Refuse a subject no longer.

    \b
    Example:
      counterfoil subject enable corp:u-1842
    """
    with opened_operator(store, keys, by) as (operator, _, __):
        changed = operator.enable_subject(Subject(subject))
    click.echo(f"{visible(subject)} is {'enabled' if changed else 'not disabled'}")
