"""`counterfoil store`: a PostgreSQL store gets its schema, and what an embedded store has in it."""

from __future__ import annotations

import os
from contextlib import closing

import click

from api.cli.exit_codes import mistake
from api.cli.progress import progress
from api.cli.store_options import keys_option
from api.cli.terminal_text import visible
from api.settings import read_settings
from api.store_copying import copy_store
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
      counterfoil store copy --from counterfoil.db --to postgresql://owner:secret@db/counterfoil
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


@store.command()
@click.option("--from", "source", metavar="PATH", required=True, help="The embedded store.")
@click.option(
    "--to",
    "target",
    metavar="URL",
    help="The migrated database, as the role that owns it.  [default: COUNTERFOIL_STORE]",
)
@keys_option
def copy(source: str, target: str | None, keys: str | None) -> None:
    """Copy an embedded store into a PostgreSQL database.

    Stop the service first: nobody may have the embedded store open. All of it or nothing: every event at
    its position, the hashes of client secrets, used assertions, pseudonyms, and the private signing keys,
    sealed under the key-encryption key. It is read back and compared before it is kept. The embedded store
    stays as it is; from then on, no service may be started on it.

    \b
    Example:
      counterfoil store migrate --store postgresql://owner:secret@db/counterfoil --role counterfoil
      counterfoil store copy --from counterfoil.db --to postgresql://owner:secret@db/counterfoil
    """
    here = read_settings(os.environ, store=source, keys=keys)
    there = read_settings(os.environ, store=target)
    if here.is_shared:
        raise mistake("--from names the embedded store, a file; only --to is a database")
    if not there.is_shared:
        raise mistake("--to names no database: give its URL, as postgresql://owner...")
    with progress() as told:
        copied = copy_store(here, there, told)
    click.echo(f"copied {copied.events} events, up to position {copied.last_position}")
    click.echo(f"SHA-256 over all of them, here and there: {copied.sha256}")
    click.echo(
        f"beside them: client secrets {copied.client_secrets}, used assertions {copied.claims}, "
        f"pseudonyms {copied.pseudonyms}, sealed secrets {copied.sealed}"
    )
    click.echo("Next: set COUNTERFOIL_STORE to the database, as its run-time role, and counterfoil serve")
    click.echo(f"No service may be started on {visible(str(here.store_path))} again")
