"""`counterfoil keys`: signing keys come, go, and are disowned."""

from __future__ import annotations

import click

from api.cli.opened_store import opened_ledger, opened_operator
from api.cli.printed import print_json, print_table
from api.cli.store_options import json_option, operator_options, store_option
from api.cli.terminal_text import visible
from api.cli.times import readable
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


@keys.command()
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


@keys.command()
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
