"""Keys that sign notes: of the log, and of a witness. Ed25519, and never a key that signs tokens."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.signed_notes import (
    COSIGNATURE,
    ED25519,
    Checkpoint,
    Note,
    NoteMalformed,
    NoteSignature,
    key_id,
    note_text,
    parse_checkpoint,
    parse_note,
    parse_verifier_key,
    verifier_key,
)

SEED: Final = 32
"""Bytes of a private key."""


class NoteForged(Exception):
    """The note does not carry the signature that it must."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteVerifier:
    """A public key under a name."""

    name: str
    kind: int
    key: bytes

    @classmethod
    def from_text(cls, text: str) -> NoteVerifier:
        """From `name+id+key`. Raises NoteMalformed."""
        name, kind, key = parse_verifier_key(text)
        return cls(name=name, kind=kind, key=key)

    @property
    def text(self) -> str:
        """As `name+id+key`."""
        return verifier_key(self.name, self.kind, self.key)

    def signed(self, note: Note) -> NoteSignature:
        """Its signature under the note. Raises NoteForged where there is none, or more than one, or one is wrong."""
        own = key_id(self.name, self.kind, self.key)
        found = [s for s in note.signatures if s.name == self.name and s.key_id == own]
        if len(found) != 1:
            raise NoteForged(f"the note does not have one signature of {self.name}")
        message, signature = self._signed_bytes(note.text, found[0].signature)
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, message)
        except InvalidSignature:
            raise NoteForged(f"the signature of {self.name} is wrong") from None
        return found[0]

    def _signed_bytes(self, text: str, signature: bytes) -> tuple[bytes, bytes]:
        """C2SP tlog-cosignature v1: a witness signs its time with the text."""
        if self.kind == ED25519:
            return text.encode(), signature
        time = int.from_bytes(signature[:8], "big")
        return f"cosignature/v1\ntime {time}\n{text}".encode(), signature[8:]


class NoteSigner:
    """A private key under a name."""

    def __init__(self, name: str, seed: bytes, kind: int = ED25519) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier: Final = NoteVerifier(
            name=name, kind=kind, key=self._key.public_key().public_bytes_raw()
        )

    def sign(self, text: str) -> str:
        """A note with this one signature."""
        signature = self._key.sign(text.encode())
        return note_text(Note(text=text, signatures=(self._line(signature),)))

    def cosign(self, note: Note, now: int) -> str:
        """The note with one signature more: that it was seen at that time, in seconds since the epoch."""
        message = f"cosignature/v1\ntime {now}\n{note.text}".encode()
        line = self._line(struct.pack(">Q", now) + self._key.sign(message))
        others = tuple(s for s in note.signatures if (s.name, s.key_id) != (line.name, line.key_id))
        return note_text(Note(text=note.text, signatures=(*others, line)))

    def _line(self, signature: bytes) -> NoteSignature:
        verifier = self.verifier
        return NoteSignature(
            name=verifier.name,
            key_id=key_id(verifier.name, verifier.kind, verifier.key),
            signature=signature,
        )


def witness_signer(name: str, seed: bytes) -> NoteSigner:
    """The signer of a witness."""
    return NoteSigner(name, seed, COSIGNATURE)


def verified_checkpoint(text: str, log: NoteVerifier) -> Checkpoint:
    """The checkpoint of a note that this log signed. Raises NoteMalformed, NoteForged."""
    note = parse_note(text)
    log.signed(note)
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != log.name:
        raise NoteForged(f"the checkpoint is one of {checkpoint.origin}, not of {log.name}")
    return checkpoint


__all__ = [
    "NoteForged",
    "NoteMalformed",
    "NoteSigner",
    "NoteVerifier",
    "verified_checkpoint",
    "witness_signer",
]
