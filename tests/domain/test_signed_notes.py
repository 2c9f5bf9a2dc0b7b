"""Notes, checkpoints and proofs as text: what is written is read again, and nothing else is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.merkle import leaf_hash
from domain.signed_notes import (
    ED25519,
    Checkpoint,
    Note,
    NoteMalformed,
    NoteSignature,
    consistency_text,
    note_text,
    origin_of,
    parse_checkpoint,
    parse_consistency,
    parse_note,
    parse_proof,
    parse_verifier_key,
    proof_text,
    verifier_key,
)

ROOT = leaf_hash(b"root")
TEXT = Checkpoint(origin="sts.example/log", size=7, root=ROOT).text()
SIGNATURE = NoteSignature(name="sts.example/log", key_id=b"\x01\x02\x03\x04", signature=b"\x05" * 64)
NOTE = note_text(Note(text=TEXT, signatures=(SIGNATURE,)))


def test_the_verifier_key_of_the_specification() -> None:
    """The example key of the Go implementation of signed notes has the id that C2SP computes."""
    text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    name, kind, key = parse_verifier_key(text)
    assert (name, kind, len(key)) == ("PeterNeumann", ED25519, 32)
    assert verifier_key(name, kind, key) == text


def test_what_is_written_is_read_again() -> None:
    """Notes, checkpoints, inclusion and consistency proofs."""
    note = parse_note(NOTE)
    assert note.signatures == (SIGNATURE,)
    assert parse_checkpoint(note.text) == Checkpoint(origin="sts.example/log", size=7, root=ROOT)
    assert parse_proof(proof_text(3, [ROOT, ROOT], NOTE)) == (3, (ROOT, ROOT), NOTE)
    assert parse_proof(proof_text(0, [], NOTE)) == (0, (), NOTE)
    assert parse_consistency(consistency_text(3, [ROOT], NOTE)) == (3, (ROOT,), NOTE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT,
        NOTE[:-1],
        NOTE + "\n",
        NOTE.replace("\u2014", "-"),
        NOTE.replace("\u2014 ", "\u2014  "),
        NOTE.replace("log\n7", "log\r\n7"),
        NOTE.replace("\u2014 sts.example/log ", "\u2014 "),
        NOTE + NOTE.splitlines(keepends=True)[-1] * 16,
    ],
)
def test_what_is_no_note_is_refused(text: str) -> None:
    """Without signatures, cut short, with other dashes, spaces or line ends, or with too many signatures."""
    with pytest.raises(NoteMalformed):
        parse_note(text)


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("7", "07"),
        TEXT.replace("7", "-7"),
        TEXT.replace("7", "9" * 20),
        TEXT + "extension\n",
        TEXT.replace("sts.example/log", "sts example"),
        TEXT.replace("sts.example/log", ""),
        TEXT.replace("=\n", "\n"),
        TEXT[:-2] + "\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    """A size with a zero before it, further lines, a root that is cut short."""
    with pytest.raises(NoteMalformed):
        parse_checkpoint(text)


@given(st.integers(0, len(NOTE) - 1), st.characters(codec="utf-8"))
def test_a_note_is_written_in_one_way(at: int, character: str) -> None:
    """Whatever is read, however it was changed, is written again as it was: no two texts are one note."""
    changed = NOTE[:at] + character + NOTE[at + 1 :]
    try:
        note = parse_note(changed)
    except NoteMalformed:
        return
    assert note_text(note) == changed


def test_the_origin_is_the_place_of_the_log_without_its_scheme() -> None:
    """As C2SP tlog-tiles asks; a character that a key name must not have is escaped."""
    assert origin_of("https://sts.example") == "sts.example/log"
    assert origin_of("https://sts.example/tenant/") == "sts.example/tenant/log"
    assert origin_of("http://127.0.0.1:8080") == "127.0.0.1:8080/log"
    assert origin_of("https://sts.example/a+b c") == "sts.example/a%2Bb%20c/log"
