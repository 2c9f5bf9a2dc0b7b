"""A token named at the command line: by its `jti`, or by itself."""

from __future__ import annotations

import base64
import binascii
import json
import sys

from api.cli.exit_codes import mistake


def jti_of(token_or_jti: str) -> str:
    """The `jti`; read from an access token without verifying it, for a `jti` authorises nothing.

    `-` reads a line from standard input, so that a token need not stand in the shell's history.
    Raises CommandFailed for what has the shape of a JWT and is none.
    """
    named = sys.stdin.readline().strip() if token_or_jti == "-" else token_or_jti
    if named.count(".") != 2:
        return named
    try:
        segment = named.split(".")[1]
        unverified_claims = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
        jti = unverified_claims["jti"]
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise mistake("the token cannot be read: give its `jti`, or the token as it was issued") from None
    return str(jti)
