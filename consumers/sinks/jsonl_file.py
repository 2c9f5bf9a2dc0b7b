"""One line for each record in a file that rotates: accepted is what was synced to the disk."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from glob import escape
from hashlib import blake2b
from os import SEEK_END
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta

from consumers.delivery import ACCEPTED, DUPLICATE, Delivery, Sink, SinkUnavailable, Verdict
from consumers.sinks.file_tail import last_lines
from consumers.sinks.line_file import LineFile, failure, sync_folder
from consumers.sinks.payload import BROKEN_LINE, Formatter, line_of, native

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The keys of a `[sinks.NAME]` table with `kind = "jsonl"`."""

    path: Annotated[str, Meta(min_length=1)]
    """The file that is written to; its folder must exist."""
    rotate_bytes: Annotated[int, Meta(ge=0)] = 0
    """The size from which on it is renamed and a new one begun; 0 for never."""
    rotate_daily: bool = False
    """Whether it is renamed when a day (UTC) has ended."""
    remember: Annotated[int, Meta(ge=0, le=200_000)] = 10_000
    """How many of the last lines a record is compared with, so that one that comes again is not written again."""
    group_readable: bool = False
    """Whether new files have mode 0640 instead of 0600, for an agent that reads them."""


class JsonlSink:
    """The open file, and what stands in its last lines."""

    largest_batch = 1000
    largest_bytes = 4_194_304

    def __init__(
        self, options: Options, formatter: Formatter, clock: Callable[[], float] = time.time
    ) -> None:
        """Opens the file. Raises SinkUnavailable, SinkMisconfigured."""
        self._options, self._formatter, self._clock = options, formatter, clock
        self._path = Path(options.path)
        self._seen: dict[bytes, None] = {}
        self._file: LineFile | None = None
        self._opened()

    def deliver(self, batch: Sequence[Delivery]) -> Sequence[Verdict]:
        """Append and sync. Raises SinkUnavailable or SinkMisconfigured, and then nothing was written."""
        self._opened()
        verdicts, lines = self._sorted(batch)
        if lines:
            data = b"".join(lines.values())
            try:
                self._file_for(len(data)).append(data)
            except BaseException:
                self.close()
                raise
            self._remember(lines)
        return verdicts

    def close(self) -> None:
        """Let go of the file."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _sorted(self, batch: Sequence[Delivery]) -> tuple[list[Verdict], dict[bytes, bytes]]:
        """A verdict for each record, and the lines of the new ones by their digests."""
        verdicts: list[Verdict] = []
        lines: dict[bytes, bytes] = {}
        for delivery in batch:
            line = line_of(self._formatter(delivery))
            if line is None:
                verdicts.append(BROKEN_LINE)
                continue
            digest = _digest(line[:-1])
            known = self._options.remember and (digest in self._seen or digest in lines)
            verdicts.append(DUPLICATE if known else ACCEPTED)
            if not known:
                lines[digest if self._options.remember else len(verdicts).to_bytes(8)] = line
        return verdicts, lines

    def _file_for(self, size: int) -> LineFile:
        """The file to append to. Raises SinkUnavailable, SinkMisconfigured."""
        file = self._opened()
        if file.size and self._is_full(file, size):
            self._rotate()
            self.close()
            return self._opened()
        return file

    def _opened(self) -> LineFile:
        if self._file is not None and not self._file.is_in_place():
            _LOG.warning("%s was moved or deleted: a new file is begun", self._path)
            self._seen.clear()  # what stood in it may be gone, and is not missing twice
            self.close()
        if self._file is None:
            self._file = self._newly_opened()
        return self._file

    def _newly_opened(self) -> LineFile:
        file = LineFile(self._path, 0o640 if self._options.group_readable else 0o600)
        try:
            if file.torn:
                _LOG.warning("%s: a torn last line of %d bytes was cut off", self._path, file.torn)
            self._remember(_digest(line) for line in self._tail(file))
        except BaseException:
            file.close()
            raise
        return file

    def _tail(self, file: LineFile) -> list[bytes]:
        """The last lines of the file and, where it was begun lately, of the one before it."""
        lines = file.last_lines(self._options.remember)
        missing = self._options.remember - len(lines)
        before = max(
            self._path.parent.glob(f"{escape(self._path.stem)}-*Z-*{escape(self._path.suffix)}"), default=None
        )
        if not missing or before is None:
            return lines
        try:
            with before.open("rb") as old:
                return [*last_lines(old.fileno(), old.seek(0, SEEK_END), missing), *lines]
        except OSError as error:
            raise failure(before, error) from None

    def _is_full(self, file: LineFile, more: int) -> bool:
        if self._options.rotate_bytes and file.size + more > self._options.rotate_bytes:
            return True
        return self._options.rotate_daily and _day(file.written_at) != _day(self._clock())

    def _rotate(self) -> None:
        try:
            self._path.rename(self._name_for_the_old())
            sync_folder(self._path.parent)
        except OSError as error:
            raise failure(self._path, error) from None

    def _name_for_the_old(self) -> Path:
        moment = datetime.fromtimestamp(self._clock(), UTC)
        for number in range(1, 10_000):
            name = f"{self._path.stem}-{moment:%Y%m%dT%H%M%SZ}-{number:04d}{self._path.suffix}"
            old = self._path.with_name(name)
            if not old.exists():
                return old
        raise SinkUnavailable(f"{self._path} is rotated too often: raise rotate_bytes")

    def _remember(self, digests: Iterable[bytes]) -> None:
        for digest in digests:
            self._seen.pop(digest, None)
            self._seen[digest] = None
        while len(self._seen) > self._options.remember:
            del self._seen[next(iter(self._seen))]


def open_sink(options: Options, formatter: Formatter = native) -> Sink:
    """The sink, with its file open. Raises SinkUnavailable, SinkMisconfigured."""
    return JsonlSink(options, formatter)


def _digest(line: bytes) -> bytes:
    return blake2b(line, digest_size=16).digest()


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
