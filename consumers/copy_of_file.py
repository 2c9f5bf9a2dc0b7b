"""A copy in files: JSON documents, one a line, plain or compressed with gzip, as the file sink writes them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import IO, Final

import msgspec

from consumers.copied_records import Copied, Unreadable, copied_document

LONGEST_LINE: Final = 8 * 1024 * 1024
"""Bytes; no record of ours is so long in any shape."""
_GZIP: Final = b"\x1f\x8b"
_DECODE: Final = msgspec.json.Decoder().decode


def copies_in_files(paths: Sequence[Path]) -> Iterator[Copied | Unreadable]:
    """The records of the files, which are read in this order as one. Raises OSError."""
    for path in paths:
        with closing(_opened(path)) as file:
            yield from _records(file, path)


def _opened(path: Path) -> IO[bytes]:
    file = path.open("rb")
    compressed = file.read(2) == _GZIP
    file.close()
    return gzip.open(path) if compressed else path.open("rb")  # type: ignore[return-value]


def _records(file: IO[bytes], path: Path) -> Iterator[Copied | Unreadable]:
    number = 0
    while True:
        number += 1
        place = f"{path}:{number}"
        try:
            line = file.readline(LONGEST_LINE)
        except (EOFError, gzip.BadGzipFile) as error:
            yield Unreadable(place, str(error))
            return
        if not line:
            return
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            yield Unreadable(place, f"the line is longer than {LONGEST_LINE} bytes")
            return
        if line.strip():
            yield _record(line, place)


def _record(line: bytes, place: str) -> Copied | Unreadable:
    try:
        return copied_document(_DECODE(line), place, in_chains=True)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Unreadable(place, str(error))
