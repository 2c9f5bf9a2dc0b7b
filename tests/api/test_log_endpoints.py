"""`/log` over HTTP, at a running service: a client that trusts its key alone can prove what it is told."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest

from api.note_keys import NoteVerifier, verified_checkpoint, witness_signer
from api.stores import opened
from api.witness import CONSISTENCY, LogRefused, Witness
from domain.event_leaf import event_leaf
from domain.merkle import root_of, verify_consistency, verify_inclusion
from domain.signed_notes import Checkpoint, parse_consistency, parse_note, parse_proof
from domain.tiles import nodes, width_of
from tests.service_under_test import ServiceUnderTest


def signed_up_to(sut: ServiceUnderTest, position: int) -> Checkpoint:
    """The checkpoint, once it covers the position: the sequencer of the service works beside it."""
    key = NoteVerifier.from_text(sut.http.get("/log/key").text.strip())
    while True:
        answer = sut.http.get("/log/checkpoint")
        if answer.status_code == 200:
            checkpoint = verified_checkpoint(answer.text, key)
            if checkpoint.size >= position:
                return checkpoint
        time.sleep(0.05)


def test_every_event_is_proved_to_a_client(sut: ServiceUnderTest) -> None:
    """Signed by the log's key, which is under the name of the issuer; from the tiles too."""
    sut.chain()
    checkpoint = signed_up_to(sut, sut.position())
    assert checkpoint.origin == sut.url.removeprefix("http://") + "/log"
    key = NoteVerifier.from_text(sut.http.get("/log/key").text.strip())
    for found in sut.operator_ledger.recorder.read(limit=checkpoint.size):
        answer = sut.http.get("/log/proof/inclusion", params={"position": found.position})
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        index, proof, note = parse_proof(answer.text)
        now = verified_checkpoint(note, key)
        leaf = event_leaf(found.position, found.event.type, found.event.tags, found.event.data)
        verify_inclusion(leaf, index, now.size, proof, now.root)
        assert index == found.position - 1

    def tile(level: int, index: int) -> bytes:
        width = width_of(level, index, checkpoint.size)
        answer = sut.http.get(f"/log/tile/{level}/{index:03}" + ("" if width == 256 else f".p/{width}"))
        assert "immutable" in answer.headers["cache-control"]
        return answer.content

    assert root_of(checkpoint.size, nodes(tile)) == checkpoint.root


def test_a_newer_checkpoint_is_proved_to_continue_an_older_one(sut: ServiceUnderTest) -> None:
    """From every size that there was."""
    old = signed_up_to(sut, 1)
    sut.chain()
    signed_up_to(sut, sut.position())
    key = NoteVerifier.from_text(sut.http.get("/log/key").text.strip())
    size, proof, note = parse_consistency(
        sut.http.get("/log/proof/consistency", params={"old": old.size}).text
    )
    new = verified_checkpoint(note, key)
    assert (size, new.size > old.size) == (old.size, True)
    verify_consistency(old.size, old.root, new.size, new.root, proof)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/log/proof/inclusion", 400),
        ("/log/proof/inclusion?position=0", 400),
        ("/log/proof/inclusion?position=1&position=2", 400),
        ("/log/proof/inclusion?position=-1", 400),
        ("/log/proof/inclusion?position=99999999", 404),
        ("/log/proof/inclusion?position=" + "9" * 100, 400),
        ("/log/proof/consistency", 400),
        ("/log/proof/consistency?old=99999999", 404),
        ("/log/tile/0/999", 404),
        ("/log/tile/0/000.p/256", 404),
        ("/log/tile/0/000.p/999", 400),
        ("/log/tile/0/0", 400),
        ("/log/tile/0/../../readyz", 404),
        ("/log/tile/99999/000.p/1", 404),
        ("/log/tile/-1/000", 400),
        ("/log/tile/entries/000", 404),
        ("/log", 404),
    ],
)
def test_what_is_not_there_or_makes_no_sense_is_said(sut: ServiceUnderTest, path: str, status: int) -> None:
    """With an error of the usual form; it leaves no event."""
    signed_up_to(sut, 1)
    with sut.gains():
        answer = sut.http.get(path)
        assert (answer.status_code, "error" in answer.json()) == (status, True)


def test_the_last_event_is_signed_on_the_way_out(sut: ServiceUnderTest) -> None:
    """Whatever was recorded just before the service is stopped."""
    sut.chain()
    sut.restart()
    with closing(opened(sut.settings)) as ledger:
        head = ledger.tree.head()
    assert head is not None
    assert head.size >= sut.position()


@pytest.fixture
def witness(sut: ServiceUnderTest, tmp_path: Path) -> Witness:
    """One that has cosigned what the service has signed so far."""
    signed_up_to(sut, 1)
    key = NoteVerifier.from_text(sut.http.get("/log/key").text.strip())
    made = Witness(tmp_path, key, witness_signer("auditor", b"\x06" * 32), lambda: 1_800_000_000)
    made.look(lambda path: fetched(sut, path))
    return made


def fetched(sut: ServiceUnderTest, path: str) -> str | None:
    answer = sut.http.get(path)
    return None if answer.status_code == 404 else answer.text


def test_a_witness_cosigns_what_continues_the_log(
    sut: ServiceUnderTest, witness: Witness, tmp_path: Path
) -> None:
    """It keeps one note, with the signature of the log and its own; its time is in it."""
    before = (tmp_path / "checkpoint").read_text()
    sut.chain()
    checkpoint = signed_up_to(sut, sut.position())
    assert witness.look(lambda path: fetched(sut, path)).size >= checkpoint.size
    note = parse_note((tmp_path / "checkpoint").read_text())
    assert witness._signer.verifier.signed(note).signature[:8] == (1_800_000_000).to_bytes(8, "big")
    assert note.text != parse_note(before).text
    assert not list(tmp_path.glob("refused-*"))


def test_a_witness_refuses_a_log_that_went_back(
    sut: ServiceUnderTest, witness: Witness, tmp_path: Path
) -> None:
    """An older checkpoint, genuinely signed, and no proof that it continues: as a restored backup answers."""
    old = sut.http.get("/log/checkpoint").text
    sut.chain()
    signed_up_to(sut, sut.position())
    witness.look(lambda path: fetched(sut, path))
    kept = (tmp_path / "checkpoint").read_text()
    with pytest.raises(LogRefused, match=r"NOT WHAT IT WAS.*positions, and had"):
        witness.look(lambda path: None if path.startswith(CONSISTENCY) else old)
    assert (tmp_path / "checkpoint").read_text() == kept
    assert [file.read_text() for file in tmp_path.glob("refused-*")] == [old]


@pytest.mark.parametrize(
    "replaced", [("old ", "old 9"), ("\n\n", "\nAAAA\n\n"), ("\u2014", "-"), ("old ", "new ")]
)
def test_a_witness_refuses_what_proves_nothing(
    sut: ServiceUnderTest, witness: Witness, tmp_path: Path, replaced: tuple[str, str]
) -> None:
    """A proof from another size, with hashes too many, without a signature, or no proof at all."""
    kept = (tmp_path / "checkpoint").read_text()
    sut.chain()
    signed_up_to(sut, sut.position())
    with pytest.raises(LogRefused):
        witness.look(lambda path: (fetched(sut, path) or "").replace(*replaced, 1))
    assert (tmp_path / "checkpoint").read_text() == kept


def test_a_witness_refuses_another_history_under_the_same_key(
    sut: ServiceUnderTest, witness: Witness
) -> None:
    """Larger, and signed by the log's own key: a split view."""
    signer = sut.service.sequencing._sequencer._signer  # type: ignore[union-attr]
    forged = signer.sign(Checkpoint(origin=signer.verifier.name, size=10**6, root=b"\x01" * 32).text())

    def split(path: str) -> str:
        return (fetched(sut, path) or "").partition("\n\n")[0] + "\n\n" + forged

    with pytest.raises(LogRefused, match="NOT WHAT IT WAS"):
        witness.look(split)


def test_a_witness_does_not_go_on_from_what_somebody_else_kept(witness: Witness, tmp_path: Path) -> None:
    """Its own file, edited: without its signature it is not its memory."""
    note = (tmp_path / "checkpoint").read_text()
    (tmp_path / "checkpoint").write_text("".join(note.splitlines(keepends=True)[:-1]))
    with pytest.raises(LogRefused, match="not what this witness cosigned"):
        witness.look(lambda _: note)
