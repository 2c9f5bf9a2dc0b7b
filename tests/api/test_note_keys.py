"""Signatures under notes: only those of the key that is asked for, under the text as it is."""

from __future__ import annotations

import pytest

from api.note_keys import NoteForged, NoteSigner, NoteVerifier, verified_checkpoint, witness_signer
from domain.merkle import leaf_hash
from domain.signed_notes import Checkpoint, NoteMalformed, parse_note

LOG = NoteSigner("sts.example/log", b"\x01" * 32)
WITNESS = witness_signer("auditor.example", b"\x02" * 32)
CHECKPOINT = Checkpoint(origin="sts.example/log", size=7, root=leaf_hash(b"root"))
NOTE = LOG.sign(CHECKPOINT.text())


def test_a_checkpoint_is_believed_by_the_key_of_its_log() -> None:
    """Also with a cosignature under it, which is believed by the key of the witness; its time is signed too."""
    assert verified_checkpoint(NOTE, LOG.verifier) == CHECKPOINT
    cosigned = WITNESS.cosign(parse_note(NOTE), 1_800_000_000)
    assert verified_checkpoint(cosigned, LOG.verifier) == CHECKPOINT
    signature = NoteVerifier.from_text(WITNESS.verifier.text).signed(parse_note(cosigned))
    assert int.from_bytes(signature.signature[:8], "big") == 1_800_000_000
    assert WITNESS.cosign(parse_note(cosigned), 1_800_000_000) == cosigned


@pytest.mark.parametrize(
    "signer",
    [NoteSigner("sts.example/log", b"\x03" * 32), NoteSigner("other.example/log", b"\x01" * 32), WITNESS],
)
def test_another_key_or_name_is_not_believed(signer: NoteSigner) -> None:
    """Whoever signed it."""
    with pytest.raises(NoteForged):
        verified_checkpoint(signer.sign(CHECKPOINT.text()), LOG.verifier)


def test_a_checkpoint_of_another_log_is_not_believed() -> None:
    """Even where our own key signed it: a key is for one log."""
    other = Checkpoint(origin="other.example/log", size=7, root=CHECKPOINT.root)
    with pytest.raises(NoteForged):
        verified_checkpoint(LOG.sign(other.text()), LOG.verifier)


def test_no_flipped_bit_is_believed() -> None:
    """Every bit of every byte of the note."""
    raw = NOTE.encode()
    for at in range(len(raw)):
        for bit in range(8):
            changed = raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :]
            with pytest.raises((NoteForged, NoteMalformed, UnicodeDecodeError)):
                verified_checkpoint(changed.decode(), LOG.verifier)
