"""Dead letters in a file (JSON lines), for those without Kafka: written through before the record counts as done."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

import msgspec

from consumers.dead_letters import DeadLetter, DeadLettersUnavailable


class _Line(msgspec.Struct, kw_only=True):
    id: str
    seq: int
    type: str
    outcome: str
    sink: str
    reason: str
    attempts: int
    key: str
    value: str
    """Base64: it need not be JSON, nor text."""


class DeadLetterFile:
    """Appends. Mode 0600: it holds what the log holds."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def keep(self, letters: Sequence[DeadLetter]) -> None:
        """Append and wait for the disk. Raises DeadLettersUnavailable."""
        lines = b"".join(msgspec.json.encode(_line(letter)) + b"\n" for letter in letters)
        try:
            descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                # Begins with a newline of its own where a crash left half a line.
                os.write(descriptor, (b"" if self._ends_whole() else b"\n") + lines)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise DeadLettersUnavailable(f"{self._file}: {error.strerror}") from error

    def close(self) -> None:
        """Nothing stays open."""

    def _ends_whole(self) -> bool:
        with self._file.open("rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return True
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"


def _line(letter: DeadLetter) -> _Line:
    delivery = letter.delivery
    return _Line(
        id=delivery.id,
        seq=delivery.seq,
        type=delivery.type,
        outcome=delivery.outcome,
        sink=letter.sink,
        reason=letter.reason,
        attempts=letter.attempts,
        key=delivery.key.decode(errors="replace"),
        value=b64encode(delivery.value).decode(),
    )
