"""The options of every command that works on the event store itself, beside a running server."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

store_option = click.option(
    "--store", metavar="PATH", help="The event store.  [default: COUNTERFOIL_STORE, else counterfoil.db]"
)
keys_option = click.option(
    "--keys",
    metavar="DIRECTORY",
    help="The private signing keys.  [default: COUNTERFOIL_KEYS, else STORE.keys]",
)
by_option = click.option(
    "--by", metavar="NAME", help="Who does this, as the log will say.  [default: your user name]"
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def operator_options(command: Command) -> Command:
    """What a command needs that changes something: `store`, `keys` and `by`."""
    return store_option(keys_option(by_option(command)))


def user_name() -> str:
    """The name of the user that runs this process, or `uid-<number>` where it has none, as in a container."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"
