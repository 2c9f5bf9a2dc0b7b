"""Dead letters of `--from-log`: whole lines, whatever a crash left before them."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path

import pytest

from consumers.dead_letter_file import DeadLetterFile
from consumers.dead_letters import DeadLetter, DeadLettersUnavailable
from consumers.delivery import Delivery


def letter(seq: int) -> DeadLetter:
    """One, with a value that is no text."""
    delivery = Delivery(
        id=f"id-{seq}", seq=seq, type="token.issued", outcome="success", key=b"k", value=b"\xff\n"
    )
    return DeadLetter(delivery=delivery, sink="soc", reason="no such field", attempts=2, topic="")


def test_letters_are_lines_and_only_their_owner_may_read_them(tmp_path: Path) -> None:
    """Everything that is needed to find the event in the log, and the record itself."""
    file = tmp_path / "letters.jsonl"
    DeadLetterFile(file).keep([letter(1), letter(2)])
    DeadLetterFile(file).keep([letter(3)])
    documents = [json.loads(line) for line in file.read_text().splitlines()]
    assert [each["seq"] for each in documents] == [1, 2, 3]
    assert documents[0]["reason"] == "no such field"
    assert b64decode(documents[0]["value"]) == b"\xff\n"
    assert file.stat().st_mode & 0o077 == 0


def test_half_a_line_does_not_spoil_the_next(tmp_path: Path) -> None:
    """After a crash in the middle of a line, what is kept next stands on a line of its own."""
    file = tmp_path / "letters.jsonl"
    file.write_text('{"id":"ha')
    DeadLetterFile(file).keep([letter(1)])
    assert json.loads(file.read_text().splitlines()[1])["id"] == "id-1"


def test_a_folder_that_is_gone_is_an_outage(tmp_path: Path) -> None:
    """The record stays in the line until the letter can be kept."""
    with pytest.raises(DeadLettersUnavailable):
        DeadLetterFile(tmp_path / "gone" / "letters.jsonl").keep([letter(1)])
