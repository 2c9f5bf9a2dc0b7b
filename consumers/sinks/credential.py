"""A secret of a sink: never in the file of sinks, but in a file of its own or in a variable of the environment."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consumers.delivery import SinkMisconfigured

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """Where a secret is. It is read anew for every use, so that a rotated file needs no restart."""

    option: str
    """The name of the option without `_file` and `_env`, for messages."""
    file: str = ""
    env: str = ""

    def read(self) -> str:
        """The secret, without the line end behind it. Raises SinkMisconfigured, naming the option."""
        value = _content(self.file, self.option) if self.file else os.environ.get(self.env, "")
        value = value.strip()
        if not value:
            raise SinkMisconfigured(f"{self._named} is empty or not there")
        if not (value.isascii() and value.isprintable()):
            raise SinkMisconfigured(f"{self._named} holds more than one line of printable ASCII")
        return value

    @property
    def _named(self) -> str:
        return (
            f"{self.option}_file {self.file}"
            if self.file
            else f"the variable of {self.option}_env, {self.env},"
        )


def secret_of(option: str, file: str, env: str) -> Secret | None:
    """The secret that the options `<option>_file` or `<option>_env` name; None where neither is set.

    Raises SinkMisconfigured where both are, or where there is nothing to read.
    """
    if file and env:
        raise SinkMisconfigured(f"set {option}_file or {option}_env, not both")
    if not (file or env):
        return None
    secret = Secret(option=option, file=file, env=env)
    secret.read()
    return secret


def required_secret(option: str, file: str, env: str) -> Secret:
    """The same where there must be one. Raises SinkMisconfigured."""
    secret = secret_of(option, file, env)
    if secret is None:
        raise SinkMisconfigured(f"{option}_file or {option}_env has to be given")
    return secret


def _content(file: str, option: str) -> str:
    try:
        status = Path(file).stat()
        # An orchestrator mounts secrets as files of root that the group of the process may read.
        harmless = stat.S_IRGRP if status.st_uid == 0 else 0
        if status.st_mode & _OTHERS & ~harmless:
            raise SinkMisconfigured(f"others may read {option}_file {file}: run chmod 600 {file}")
        return Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise SinkMisconfigured(f"{option}_file {file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SinkMisconfigured(f"{option}_file {file} is no text") from None
