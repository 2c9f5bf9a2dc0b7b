"""The process log: one line a record, whatever stands in it, and no secret."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from api.logs import log_to

TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1MSJ9.c2lnbmF0dXJl"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Takes this process's log, and gives the logging of the test run back."""
    root, hook = logging.getLogger(), sys.excepthook
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    found = io.StringIO()
    log_to(found, "info")
    yield found
    sys.excepthook = hook
    root.handlers = handlers
    root.setLevel(level)


@pytest.mark.parametrize("text", ["a\r\nb", "\x1b[2J", "\u2028", "\u202e", "\x00", "é"])
def test_a_record_is_one_line_of_ascii(stream: io.StringIO, text: str) -> None:
    """Nothing in a message can end the line or reach a terminal raw (CWE-117), and nothing is lost."""
    logging.getLogger("counterfoil").warning("it says %s", text)
    logged = stream.getvalue()
    assert logged.isascii()
    assert logged.splitlines() == [logged[:-1]]
    assert json.loads(logged)["message"] == f"it says {text}"


@pytest.mark.parametrize("secret", [TOKEN, "cfs_abcdefghijklmnop"])
def test_what_looks_like_a_secret_is_left_out(stream: io.StringIO, secret: str) -> None:
    """Should a token or a client secret ever get into a message, the line does not carry it (law 5)."""
    logging.getLogger("somebody.else").error("unexpected: %r", ValueError(secret))
    assert "[redacted]" in stream.getvalue()
    assert secret not in stream.getvalue()


def test_an_exception_is_known_by_its_place_alone(stream: io.StringIO) -> None:
    """Type and frames are logged; its text, which may quote what was sent, is not."""
    try:
        int("planted")
    except ValueError:
        logging.getLogger("counterfoil").exception("it failed")
    entry = json.loads(stream.getvalue())
    assert entry["exception"] == "ValueError"
    assert "test_an_exception_is_known_by_its_place_alone" in entry["where"][-1]
    assert "planted" not in stream.getvalue()


def test_what_ends_the_process_is_logged_too(stream: io.StringIO) -> None:
    """An exception that nobody caught is one JSON line, not a traceback with values in it."""
    try:
        raise RuntimeError("planted")
    except RuntimeError as error:
        sys.excepthook(RuntimeError, error, error.__traceback__)
    assert json.loads(stream.getvalue())["level"] == "critical"
    assert "planted" not in stream.getvalue()


def test_chatter_of_libraries_is_left_out(stream: io.StringIO) -> None:
    """httpx logs whole URLs, queries too; only warnings of libraries that see requests are kept."""
    logging.getLogger("httpx").info("HTTP Request: GET https://idp.example/jwks?secret=1")
    logging.getLogger("counterfoil.housekeeping").info("kept")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["kept"]


def test_a_flood_is_one_line_a_second(stream: io.StringIO) -> None:
    """A caller can cause the same warning ten thousand times a second; the disk must not fill with it."""
    log = logging.getLogger("counterfoil.flood")
    records = [
        log.makeRecord(log.name, logging.WARNING, "", 0, "too many from %s", (n,), None) for n in range(7)
    ]
    for record, second in zip(records, (10.1, 10.2, 10.9, 11.0, 11.5, 12.0, 13.0), strict=True):
        record.created = second
        log.handle(record)
    logging.getLogger("counterfoil.other").warning("too many from %s", 8)
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == [
        "too many from 0",
        "too many from 3 (and 2 more of these)",
        "too many from 5 (and 1 more of these)",
        "too many from 6",
        "too many from 8",
    ]
