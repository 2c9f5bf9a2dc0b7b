"""The process log: one line of JSON for each record, on standard error.

It is for operators and says how the process fares; what was decided stands in the event store. Nothing of a request
is logged but what an operator's message names: no query, no body, and of an exception only where it happened, for
its text may quote what was sent.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, TextIO

from api.recordable import SECRET_PREFIX

_SECRET: Final = re.compile(rf"eyJ[A-Za-z0-9_-]{{8,}}[A-Za-z0-9_.-]*|{SECRET_PREFIX}[A-Za-z0-9_-]+")
"""A token or a client secret, should one ever get into a message."""
_QUIET: Final = ("uvicorn.error", "httpx", "httpcore", "asyncio")
"""These speak of single connections and requests; only their warnings are for an operator."""

MOST_TEXTS: Final = 256
LONGEST_TEXT: Final = 200
"""What is remembered of what was said: texts, and characters of each."""


class JsonLines(logging.Formatter):
    """`at`, `level`, `logger`, `message`; JSON escapes control characters and all that is not ASCII (CWE-117)."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the message holds."""
        entry: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _SECRET.sub("[redacted]", record.getMessage()),
        }
        if record.exc_info and record.exc_info[0] is not None:
            entry["exception"] = record.exc_info[0].__qualname__
            entry["where"] = _frames(record.exc_info[2])
        return json.dumps(entry)


class Sparing(logging.Filter):
    """Lets the same thing be said once a second, and counts how often it was not: a flood must not fill the disk."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], tuple[int, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """The same is the same logger and the same text before its arguments are put in."""
        said, second = (record.name, str(record.msg)[:LONGEST_TEXT]), int(record.created)
        last, unsaid = self._last.get(said, (0, 0))
        if second == last:
            self._last[said] = (last, unsaid + 1)
            return False
        if len(self._last) >= MOST_TEXTS:
            self._last.clear()
        self._last[said] = (second, 0)
        if unsaid:
            record.msg = f"{record.msg} (and {unsaid} more of these)"
        return True


def _frames(trace: TracebackType | None) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]


def log_to(stream: TextIO, level: str) -> None:
    """Send every record of this process, from that level on, to the stream."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    handler.addFilter(Sparing())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    sys.excepthook = _log_uncaught


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger("counterfoil").critical("the process ends", exc_info=(kind, error, trace))
