"""A token named at the command line: by its `jti`, or by itself."""

from __future__ import annotations

import base64
import json
import sys
from typing import Any

import click


class TokenName(click.ParamType[Any]):
    """The `jti`; read from an access token without verifying it, for a `jti` authorises nothing.

    `-` reads a line from standard input, so that a token need not stand in the shell's history.
    """

    name = "token or jti"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Fails for what has the shape of a JWT and is none; the message never quotes it."""
        named = sys.stdin.readline().strip() if value == "-" else str(value)
        if named.count(".") != 2:
            return named
        try:
            segment = named.split(".")[1]
            unverified_claims = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
            return str(unverified_claims["jti"])
        except (ValueError, KeyError, TypeError):
            self.fail("the token cannot be read: give its jti, or the token as it was issued", param, ctx)
