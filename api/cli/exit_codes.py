"""How a command ends. Scripts depend on these numbers; they never change their meaning."""

from __future__ import annotations

from typing import IO, Any, Final

import click

from api.cli.terminal_text import visible

DONE: Final = 0
REFUSED: Final = 1
"""Refused by the service, or nothing matched."""
MISTAKE: Final = 2
"""The command line, a setting, a policy file or what was asked for has to be changed."""
UNAVAILABLE: Final = 3
"""The event store, or the service that was asked over HTTP, cannot be reached or used."""


class CommandFailed(click.ClickException):
    """Ends the command with a line on standard error that says what to change; a policy file may need several."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click itself documents the override

    def show(self, file: IO[Any] | None = None) -> None:
        """`counterfoil: ...`, whatever stands in the message."""
        for line in self.message.split("\n"):
            click.echo(f"counterfoil: {visible(line)}", file=file, err=file is None)


def refused(message: str) -> CommandFailed:
    """Nothing is wrong with the command line; the answer is no, or nothing."""
    return CommandFailed(message, REFUSED)


def mistake(message: str) -> CommandFailed:
    """Who called has to change something."""
    return CommandFailed(message, MISTAKE)


def unavailable(message: str) -> CommandFailed:
    """It may work later."""
    return CommandFailed(message, UNAVAILABLE)
