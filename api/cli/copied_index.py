"""The options by which a command finds a copy of the stream in Elasticsearch or OpenSearch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from api.cli.exit_codes import mistake
from consumers.copy_of_index import Index
from consumers.sinks.credential import required_secret, secret_of
from consumers.sinks.http_receiver import HttpOptions

Command = TypeVar("Command", bound=Callable[..., Any])
_OPTIONS: Final = (
    click.option("--url", metavar="URL", help="Address of the cluster: https://host:9200."),
    click.option(
        "--index", metavar="PATTERN", help="Index, alias or pattern.  [default: counterfoil-audit*]"
    ),
    click.option("--api-key-file", metavar="FILE", help="File with the encoded API key."),
    click.option("--username", metavar="NAME", help="User, for basic authentication."),
    click.option("--password-file", metavar="FILE", help="File with the user's password."),
    click.option("--ca-file", metavar="FILE", help="CA certificates (PEM).  [default: the system's]"),
    click.option(
        "--plain-http", is_flag=True, help="Allow http:// in --url: whoever listens reads all of it."
    ),
)


def index_options(command: Command) -> Command:
    """An option for each argument of `index_of`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def index_of(
    *,
    url: str | None,
    index: str | None,
    api_key_file: str | None,
    username: str | None,
    password_file: str | None,
    ca_file: str | None,
    plain_http: bool,
) -> Index:
    """Where to look and as whom. Raises CommandFailed, SinkMisconfigured."""
    if not url:
        raise mistake("--against elasticsearch needs --url")
    if api_key_file and username:
        raise mistake("give --api-key-file or --username, not both")
    if bool(username) != bool(password_file):
        raise mistake("--username and --password-file go together")
    return Index(
        http=HttpOptions(url=url, plain_http=plain_http, ca_file=ca_file or ""),
        pattern=index or "counterfoil-audit*",
        api_key=secret_of("api_key", api_key_file or "", ""),
        username=username or "",
        password=required_secret("password", password_file, "") if password_file else None,
    )
