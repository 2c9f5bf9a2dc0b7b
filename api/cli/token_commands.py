"""`counterfoil token`: what a client does, over HTTP, to try things out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from api.cli.client_login import logged_in, login_options
from api.cli.printed import print_json
from api.metadata import INTROSPECTION_PATH, REVOCATION_PATH, TOKEN_PATH
from domain.requests import ACCESS_TOKEN, ID_TOKEN, JWT

TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_SHORT_TYPES: Final = {"access_token": ACCESS_TOKEN, "jwt": JWT, "id_token": ID_TOKEN}

Command = TypeVar("Command", bound=Callable[..., Any])


class TokenText(click.ParamType[Any]):
    """A token; `-` reads a line from standard input, so that it need not stand in the shell's history."""

    name = "token"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        """Nothing is checked here: the service has to refuse what is wrong."""
        return sys.stdin.readline().strip() if value == "-" else str(value)


class TokenType(click.ParamType[Any]):
    """A token type URN (RFC 8693 §3), or its last word."""

    name = "type"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        """Words that are no short name go to the service as they are."""
        return _SHORT_TYPES.get(value, str(value))


def target_options(command: Command) -> Command:
    """For which service, and with which rights: `audience`, `resource` and `scope`."""
    audience = click.option(
        "--audience", multiple=True, help="The target, by name or audience; may be repeated."
    )
    resource = click.option(
        "--resource", metavar="URI", multiple=True, help="The target, by URI; may be repeated."
    )
    scope = click.option("--scope", help="The scope asked for, separated by spaces.  [default: all there is]")
    return audience(resource(scope(command)))


@click.group()
def token() -> None:
    """Ask a running service for tokens, over HTTP.

    The client's secret comes from OAUTH_CLIENT_SECRET, a file, standard input or a prompt. Tokens may be
    given as `-` to read them from standard input.

    \b
    Example:
      export OAUTH_CLIENT_ID=agent OAUTH_CLIENT_SECRET=cfs_...
      counterfoil token exchange --subject-token - --audience hr < token.txt
    """


@token.command()
@login_options
@target_options
def request(
    url: str,
    client_id: str,
    client_secret_file: str | None,
    audience: tuple[str, ...],
    resource: tuple[str, ...],
    scope: str | None,
) -> None:
    """Get a first token for the client itself.

    Uses the client_credentials grant (RFC 6749 §4.4).

    \b
    Example:
      counterfoil token request --client-id agent --audience hr
    """
    form = _filled(grant_type="client_credentials", audience=audience, resource=resource, scope=scope)
    print_json(logged_in(url, client_id, client_secret_file).post(TOKEN_PATH, form))


@token.command()
@login_options
@click.option("--subject-token", type=TokenText(), required=True, help="The token to exchange.")
@click.option("--subject-token-type", type=TokenType(), default="access_token", show_default=True)
@click.option("--actor-token", type=TokenText(), help="The token of who acts.")
@click.option("--actor-token-type", type=TokenType(), help="[default: access_token, with an actor token]")
@click.option("--requested-token-type", type=TokenType(), help="access_token or jwt; the token is the same.")
@target_options
def exchange(url: str, client_id: str, client_secret_file: str | None, **parameters: Any) -> None:
    """Exchange a token for a narrower one (RFC 8693).

    \b
    Example:
      counterfoil token exchange --client-id agent --subject-token "$TOKEN" \\
        --audience hr --scope profile.read
    """
    if parameters["actor_token"] is not None and parameters["actor_token_type"] is None:
        parameters["actor_token_type"] = ACCESS_TOKEN
    form = _filled(grant_type=TOKEN_EXCHANGE, **parameters)
    print_json(logged_in(url, client_id, client_secret_file).post(TOKEN_PATH, form))


@token.command()
@login_options
@click.argument("token", type=TokenText())
def introspect(url: str, client_id: str, client_secret_file: str | None, token: str) -> None:
    """Ask whether a token is active (RFC 7662).

    Only the client that serves one of the token's audiences, or holds the token, is told.

    \b
    Example:
      counterfoil token introspect --client-id hr-service "$TOKEN"
    """
    print_json(logged_in(url, client_id, client_secret_file).post(INTROSPECTION_PATH, {"token": token}))


@token.command()
@login_options
@click.argument("token", type=TokenText())
def revoke(url: str, client_id: str, client_secret_file: str | None, token: str) -> None:
    """Revoke a token of this client (RFC 7009).

    Everything below it dies with it. To revoke as an operator, whosever token it is: `counterfoil revoke token TOKEN`.

    \b
    Example:
      counterfoil token revoke --client-id agent "$TOKEN"
    """
    logged_in(url, client_id, client_secret_file).post(REVOCATION_PATH, {"token": token})
    click.echo("done: if it was a living token of this client, it is revoked now")


def _filled(**parameters: Any) -> dict[str, Any]:
    """Only what was given: an empty parameter is not an absent one."""
    return {name: value for name, value in parameters.items() if value not in (None, ())}
