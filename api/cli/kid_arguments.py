"""The `kid` of a key, given at the command line."""

from __future__ import annotations

import re
from typing import Final

import click

_KID_LIKE_AN_OPTION: Final = re.compile(r"-[A-Za-z0-9_-]{42}")


class KidCommand(click.Command):
    """A command that is given a `kid`: one thumbprint in 64 begins with `-`, and is no option for that."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """What has the length and the letters of a thumbprint goes behind the options, where nothing is one."""
        if "--" not in args:
            kids = [argument for argument in args if _KID_LIKE_AN_OPTION.fullmatch(argument)]
            args = [*(argument for argument in args if argument not in kids), "--", *kids]
        return super().parse_args(ctx, args)
