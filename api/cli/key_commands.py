"""`counterfoil keys`: signing keys come, go, and are disowned."""

from __future__ import annotations

from pathlib import Path

import click

from api.cli.exit_codes import mistake
from api.cli.kid_arguments import KidCommand
from api.cli.opened_store import opened_ledger, opened_operator, secret_table
from api.cli.printed import print_json, print_table
from api.cli.store_options import json_option, operator_options, store_option
from api.cli.terminal_text import visible
from api.cli.times import readable
from api.kek_files import key_encryption_key, read_kek, write_new_kek
from api.resealing import Resealing
from api.sealing import FILE_SETTING, SETTING
from domain.identifiers import Kid
from domain.keys import Key


@click.group()
def keys() -> None:
    """List, rotate, retire and disown signing keys.

    \b
    Example:
      counterfoil keys list
      counterfoil keys rotate
    """


@keys.command("list")
@store_option
@json_option
def list_keys(store: str | None, as_json: bool) -> None:
    """List every key the log knows.

    A key is published, then signing, then verifying (its last tokens are still alive), then retired; or
    compromised.

    \b
    Example:
      counterfoil keys list
    """
    with opened_ledger(store) as ledger:
        known = list(ledger.authority.registry.keys.values())
    if as_json:
        print_json([_facts(key) for key in known])
        return
    rows = [
        (key.kid, key.alg, key.state, readable(key.signs_from * 1000), str(key.published)) for key in known
    ]
    print_table(["kid", "alg", "state", "signs from", "published at"], rows)


def _facts(key: Key) -> dict[str, str | int]:
    return {
        "kid": key.kid,
        "alg": key.alg,
        "state": key.state,
        "signs_from": key.signs_from,
        "published_at": key.published,
    }


@keys.command()
@operator_options
def rotate(store: str | None, keys: str | None, by: str | None) -> None:
    """Publish a new key, which signs a little later.

    It stands in the JWKS at once; a running server lets it sign after COUNTERFOIL_JWKS_MAX_AGE seconds,
    when every verifier can know it. The key before it stays until its last token has expired.

    \b
    Example:
      counterfoil keys rotate
    """
    with opened_operator(store, keys, by) as (operator, _, settings):
        kid, signs_from = operator.keys.rotate(settings.jwks_max_age)
    click.echo(f"published {kid}; it signs from {readable(signs_from * 1000)} on")


@keys.command(cls=KidCommand)
@click.argument("kid")
@operator_options
def retire(kid: str, store: str | None, keys: str | None, by: str | None) -> None:
    """Take a superseded key out of the JWKS.

    Servers do this by themselves when its last token has expired; before that, its living tokens are
    refused from here on.

    \b
    Example:
      counterfoil keys retire hPsjyL2MDSdBxTk5lH5PpsMOIfXw0gIHhhS-r7pB2Nk
    """
    with opened_operator(store, keys, by) as (operator, _, __):
        operator.keys.retire(Kid(kid))
    click.echo(f"retired {visible(kid)}")


@keys.command(cls=KidCommand)
@click.argument("kid")
@operator_options
def compromise(kid: str, store: str | None, keys: str | None, by: str | None) -> None:
    """Disown a key that has leaked.

    Every token it signed is dead, and so is everything made from those tokens. If it was the signing
    key, a new one takes over at once.

    \b
    Example:
      counterfoil keys compromise hPsjyL2MDSdBxTk5lH5PpsMOIfXw0gIHhhS-r7pB2Nk
    """
    with opened_operator(store, keys, by) as (operator, _, __):
        successor = operator.keys.compromise(Kid(kid))
    click.echo(f"compromised {visible(kid)}: every token it signed is dead")
    if successor is not None:
        click.echo(f"{successor} signs from now on")


@keys.command("new-kek")
@click.argument("file", type=click.Path(path_type=Path))
def new_kek(file: Path) -> None:
    """Write a new key-encryption key to a file.

    Nodes that share a PostgreSQL store seal its secrets under this key; each needs the same one. Keep a
    copy apart from the backups of the database: neither is worth anything without the other.

    \b
    Example:
      counterfoil keys new-kek /etc/counterfoil/kek
    """
    kek = write_new_kek(file)
    click.echo(f"wrote the key-encryption key {kek.id} to {visible(str(file))}, which only you may read")
    click.echo(f"Next: give it to every node, as {FILE_SETTING}={visible(str(file))}")


@keys.command()
@click.option(
    "--new-key-file",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path),
    help="The key to change to, as `counterfoil keys new-kek FILE` writes it.",
)
@store_option
def reseal(new_key_file: Path, store: str | None) -> None:
    """Seal the secrets of the store under a new key.

    All of them or none. Every node must then get the new key and be restarted: until it is, it works
    with what it has opened, and can neither start again nor learn of a new signing key. So rotate no
    signing key in between, and keep the old key as long as backups that were made under it.

    \b
    Example:
      counterfoil keys new-kek new.kek
      counterfoil keys reseal --new-key-file new.kek
    """
    with opened_operator(store, None, None) as (_, ledger, settings):
        table = secret_table(ledger)
        present, new = key_encryption_key(settings), read_kek(new_key_file, "--new-key-file")
        if present is None:
            raise mistake(f"the present key is needed too: set {FILE_SETTING} or {SETTING}")
        count = Resealing(table, present, new).run()
    click.echo(
        f"sealed {count} {'secret' if count == 1 else 'secrets'} under the key-encryption key {new.id}"
    )
    click.echo(f"Next: on every node, change {FILE_SETTING} (or {SETTING}) to it and restart")
