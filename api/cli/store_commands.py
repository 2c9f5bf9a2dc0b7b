"""`counterfoil store`: the schema of a PostgreSQL store."""

from __future__ import annotations

import os
from contextlib import closing

import click

from api.cli.exit_codes import mistake
from api.cli.terminal_text import visible
from api.settings import read_settings
from eventstore.postgres_connections import owner_connection
from eventstore.postgres_migration import migrate as migrate_schema
from eventstore.postgres_outages import OutagesTold

owner_option = click.option(
    "--store",
    metavar="URL",
    help="The database, as a role that owns it.  [default: COUNTERFOIL_STORE]",
)


@click.group()
def store() -> None:
    """Prepare a PostgreSQL store.

    \b
    Example:
      counterfoil store migrate --store postgresql://owner:secret@db/counterfoil --role counterfoil
    """


@store.command()
@owner_option
@click.option(
    "--role", "roles", metavar="ROLE", multiple=True, help="The role that nodes and commands log in as."
)
def migrate(store: str | None, roles: tuple[str, ...]) -> None:
    """Create the schema, or bring it up to date.

    For the owner of the database, who need not be a superuser. The roles named may then append to the log
    through its functions, read it, and do nothing else to it; every other command, and the nodes, are to
    log in as one of them. It can be run again, and by several at once.

    \b
    Example:
      counterfoil store migrate --store postgresql://owner:secret@db/counterfoil --role counterfoil
    """
    settings = read_settings(os.environ, store=store)
    if not settings.is_shared:
        raise mistake("an embedded store has nothing to migrate: name a database, as postgresql://...")
    with OutagesTold(), closing(owner_connection(settings.store)) as connection:
        before, after = migrate_schema(connection, roles)
    if before == after:
        click.echo(f"schema {after}: nothing to change")
    else:
        click.echo(f"schema {after}, where {f'schema {before}' if before else 'nothing'} was")
    for role in roles:
        click.echo(f"{visible(role)} may append to the log and read it")
