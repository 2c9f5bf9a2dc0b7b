"""Whom the `token` commands ask, and as which client. A secret never stands on the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from api.cli.exit_codes import mistake
from api.cli.token_service import TokenService

SECRET_VARIABLE: Final = "OAUTH_CLIENT_SECRET"

Command = TypeVar("Command", bound=Callable[..., Any])

_url = click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="Where the service is.")
_client_id = click.option(
    "--client-id",
    metavar="CLIENT",
    envvar="OAUTH_CLIENT_ID",
    required=True,
    show_envvar=True,
    help="Who asks.",
)
_client_secret_file = click.option(
    "--client-secret-file",
    metavar="FILE",
    help=f"Its secret; `-` reads a line of standard input.  [default: {SECRET_VARIABLE}, else you are asked]",
)


def login_options(command: Command) -> Command:
    """`url`, `client_id` and `client_secret_file`."""
    return _url(_client_id(_client_secret_file(command)))


def logged_in(url: str, client_id: str, client_secret_file: str | None) -> TokenService:
    """The service, asked as that client. Raises CommandFailed where no secret can be had."""
    return TokenService(url, client_id, _secret(client_id, client_secret_file))


def _secret(client_id: str, file: str | None) -> str:
    if file == "-":
        return sys.stdin.readline().strip()
    if file is not None:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise mistake(f"cannot read the secret in {file}: {error}") from None
    if secret := os.environ.get(SECRET_VARIABLE):
        return secret
    if not sys.stdin.isatty():
        raise mistake(
            f"the secret of {client_id} is missing: set {SECRET_VARIABLE}, or give --client-secret-file"
        )
    prompted: str = click.prompt(f"Secret of {client_id}", hide_input=True, err=True)
    return prompted
