"""The name of a subject or a client, given at the command line."""

from __future__ import annotations

from typing import Any

import click


class Name(click.ParamType[Any]):
    """Anything but nothing: an empty name is a variable that a script forgot to set, and means nobody."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Fails for a name without a visible character."""
        named = str(value)
        if not named.strip():
            self.fail("the name is empty", param, ctx)
        return named
