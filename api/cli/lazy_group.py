"""A group of commands that imports a command's module when the command is asked for, so that `--help` is fast."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import click


class LazyGroup(click.Group):
    """`commands_at`: name → where the command is (`module:attribute`), and the line that `--help` shows for it."""

    def __init__(
        self, *arguments: Any, commands_at: Mapping[str, tuple[str, str]] | None = None, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self.commands_at: Final = dict(commands_at or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table: what a new user needs first stands first."""
        return [*self.commands_at, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command, unless it is no command of ours."""
        if cmd_name not in self.commands_at:
            return super().get_command(ctx, cmd_name)
        command: click.Command = attribute(self.commands_at[cmd_name][0])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """From the table alone; nothing is imported."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, short_help) for name, (_, short_help) in self.commands_at.items()])


def attribute(place: str) -> Any:
    """What `module:attribute` names. Raises ImportError, AttributeError."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
