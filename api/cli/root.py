"""`counterfoil`: the commands there are, and how every one of them ends when something is wrong."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import click

from api.cli.exit_codes import MISTAKE, CommandFailed
from api.cli.lazy_group import LazyGroup, attribute

COMMANDS: Final = {
    "demo": ("api.cli.demo_command:demo", "Take the tour: a chain of tokens, its trail, its revocation."),
    "init": ("api.cli.init_command:init", "Create the event store, the first key and the first secrets."),
    "serve": ("api.cli.serve_command:serve", "Run the service."),
    "sequence": ("api.cli.sequence_command:sequence", "Sign checkpoints from a process of its own."),
    "store": ("api.cli.store_commands:store", "Prepare a PostgreSQL store."),
    "policy": ("api.cli.policy_commands:policy", "Check, plan and apply the policy file."),
    "client": ("api.cli.client_commands:client", "List clients and rotate their secrets."),
    "keys": ("api.cli.key_commands:keys", "List, rotate, retire and disown signing keys."),
    "subject": (
        "api.cli.subject_commands:subject",
        "Disable, enable, show or erase a subject.",
    ),
    "revoke": ("api.cli.revoke_commands:revoke", "Pull the plug: a token, a chain, a subject or a client."),
    "token": ("api.cli.token_commands:token", "Ask a running service for tokens, over HTTP."),
    "kafka": ("api.cli.kafka_commands:kafka", "Prepare Kafka for the audit stream."),
    "publish": ("api.cli.publish_command:publish", "Follow the log into Kafka."),
    "stream": ("api.cli.stream_command:stream", "Deliver the audit stream to a SIEM."),
    "dlq": ("api.cli.dlq_commands:dlq", "List what a sink refused, and deliver it again."),
    "audit": ("api.cli.audit_commands:audit", "Read the log: every decision, and the tree of a chain."),
    "witness": (
        "api.cli.witness_command:witness",
        "Watch a log from elsewhere, and cosign it.",
    ),
}


@contextmanager
def _failures_told() -> Iterator[None]:
    """Every foreseen failure becomes one line and an exit code; a bug keeps its traceback."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        raise CommandFailed(_with_hint(error), MISTAKE) from None
    except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
        raise
    except Exception as error:
        failure = attribute("api.cli.failures:failure_of")(error)
        if failure is None:
            raise
        raise failure from None


def _with_hint(error: click.UsageError) -> str:
    hint = f" (see `{error.ctx.command_path} --help`)" if error.ctx is not None else ""
    return error.format_message().rstrip(".") + hint


class _Root(LazyGroup):
    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        with _failures_told():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        with _failures_told():
            return super().invoke(ctx)


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"counterfoil {attribute('importlib.metadata:version')('counterfoil')}")
        ctx.exit()


@click.command(cls=_Root, commands_at=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version.",
)
def main() -> None:
    """Counterfoil keeps the stub of every token it tears off.

    An OAuth 2.0 token-exchange service (RFC 8693) whose every decision is an event in an event store.
    Settings come from COUNTERFOIL_* variables; options win over them.

    \b
    counterfoil demo              see what it does, in a minute
    counterfoil init              a store, a key and secrets for the sample policy
    counterfoil serve             answer requests on http://127.0.0.1:8080

    \b
    Exit codes: 0 done, 1 refused or nothing matched, 2 something to change on the
    command line, in a setting or in a policy file, 3 store or service unavailable.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a character gets its escape; a command must not fail for that.
            stream.reconfigure(errors="backslashreplace")
