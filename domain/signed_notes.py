"""Signed notes and what is written in them (C2SP signed-note, tlog-checkpoint, tlog-proof): text, read strictly.

A note that could be written in two ways is refused: who compares notes compares bytes. No signature is checked here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from domain.merkle import HASH

ED25519: Final = 0x01
COSIGNATURE: Final = 0x04
"""Signature types of C2SP signed-note: of a log, and of a witness with its time."""
PROOF_HEADER: Final = "c2sp.org/tlog-proof@v1"
MOST_SIGNATURES: Final = 16
LONGEST: Final = 65_536
"""Characters of a note or a proof."""

_NAME: Final = re.compile(r"[^\s+]+")
_SIGNATURE: Final = re.compile(r"\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class NoteMalformed(Exception):
    """It is no note of this form. The text says where it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSignature:
    """One signature line."""

    name: str
    key_id: bytes
    signature: bytes
    """Without the key id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A text that ends with a newline, and the signatures under it."""

    text: str
    signatures: tuple[NoteSignature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a log says of itself: its name, how many entries it has, and the root over them."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The text of its note."""
        return f"{self.origin}\n{self.size}\n{_text_of(self.root)}\n"


def key_id(name: str, kind: int, public_key: bytes) -> bytes:
    """Four bytes by which a key is found again."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public_key).digest()[:4]


def verifier_key(name: str, kind: int, public_key: bytes) -> str:
    """A public key as signed notes name it: `name+id+key`."""
    return f"{name}+{key_id(name, kind, public_key).hex()}+{_text_of(bytes([kind]) + public_key)}"


def parse_verifier_key(text: str) -> tuple[str, int, bytes]:
    """Name, kind and the 32 bytes of an Ed25519 key. Raises NoteMalformed."""
    name, _, rest = text.partition("+")
    identity, _, encoded = rest.partition("+")
    key = _bytes_of(encoded)
    if not _NAME.fullmatch(name) or len(key) != 1 + HASH or key[0] not in (ED25519, COSIGNATURE):
        raise NoteMalformed("a verifier key is NAME+ID+KEY, with an Ed25519 key")
    if key_id(name, key[0], key[1:]).hex() != identity:
        raise NoteMalformed("the id of the verifier key is not that of its name and key")
    return name, key[0], key[1:]


def note_text(note: Note) -> str:
    """The note as it is published."""
    lines = [f"\u2014 {s.name} {_text_of(s.key_id + s.signature)}\n" for s in note.signatures]
    return f"{note.text}\n{''.join(lines)}"


def parse_note(text: str) -> Note:
    """Read a note. Raises NoteMalformed."""
    body, found, signed = text.rpartition("\n\n")
    if not found or not body or not signed.endswith("\n") or len(text) > LONGEST:
        raise NoteMalformed("a note is a text, an empty line and signature lines")
    if any(ord(character) < 0x20 and character != "\n" for character in text):
        raise NoteMalformed("a note has no control characters")
    lines = signed[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NoteMalformed(f"a note has at most {MOST_SIGNATURES} signatures")
    return Note(text=body + "\n", signatures=tuple(map(_signature, lines)))


def _signature(line: str) -> NoteSignature:
    match = _SIGNATURE.fullmatch(line)
    value = _bytes_of(match[2]) if match else b""
    if match is None or len(value) < 5:
        raise NoteMalformed("a signature line is a dash, a name and base64")
    return NoteSignature(name=match[1], key_id=value[:4], signature=value[4:])


def parse_checkpoint(text: str) -> Checkpoint:
    """The text of a note as a checkpoint; extension lines, which ours never have, are refused. Raises NoteMalformed."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not _NAME.fullmatch(lines[0]) or not _NUMBER.fullmatch(lines[1]):
        raise NoteMalformed("a checkpoint is an origin, a size and a root, a line each")
    root = _bytes_of(lines[2])
    if len(root) != HASH:
        raise NoteMalformed("the root of a checkpoint is 32 bytes in base64")
    return Checkpoint(origin=lines[0], size=int(lines[1]), root=root)


def origin_of(issuer: str) -> str:
    """The name of the log of an issuer: the place of its `/log`, without the scheme."""
    parts = urlsplit(issuer)
    return quote(f"{parts.netloc}{parts.path.rstrip('/')}/log", safe="/:.[]@-_~%")


def proof_text(index: int, hashes: Sequence[bytes], note: str) -> str:
    """An inclusion proof (C2SP tlog-proof): it needs nothing but the keys of the log to be checked."""
    return "".join([f"{PROOF_HEADER}\nindex {index}\n", *_hash_lines(hashes), "\n", note])


def parse_proof(text: str) -> tuple[int, tuple[bytes, ...], str]:
    """Index, hashes, and the checkpoint's note. Raises NoteMalformed."""
    head, _, note = text.partition("\n\n")
    lines = head.split("\n")
    if len(lines) < 2 or lines[0] != PROOF_HEADER or not note or len(text) > LONGEST:
        raise NoteMalformed(f"a proof begins with {PROOF_HEADER}, and ends with a checkpoint")
    word, _, number = lines[1].partition(" ")
    if word != "index" or not _NUMBER.fullmatch(number):
        raise NoteMalformed("the second line of a proof is its index")
    return int(number), _hashes(lines[2:]), note


def consistency_text(old: int, hashes: Sequence[bytes], note: str) -> str:
    """A consistency proof up to a checkpoint: what C2SP tlog-witness calls the body of `add-checkpoint`."""
    return "".join([f"old {old}\n", *_hash_lines(hashes), "\n", note])


def parse_consistency(text: str) -> tuple[int, tuple[bytes, ...], str]:
    """The old size, hashes, and the note of the newer checkpoint. Raises NoteMalformed."""
    head, _, note = text.partition("\n\n")
    lines = head.split("\n")
    word, _, number = lines[0].partition(" ")
    if word != "old" or not _NUMBER.fullmatch(number) or not note or len(text) > LONGEST:
        raise NoteMalformed("a consistency proof begins with the old size, and ends with a checkpoint")
    return int(number), _hashes(lines[1:]), note


def _hash_lines(hashes: Sequence[bytes]) -> list[str]:
    return [_text_of(value) + "\n" for value in hashes]


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    hashes = tuple(map(_bytes_of, lines))
    if len(hashes) > 63 or any(len(value) != HASH for value in hashes):
        raise NoteMalformed("a proof has at most 63 hashes of 32 bytes, in base64")
    return hashes


def _text_of(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes_of(text: str) -> bytes:
    """Only the one way to write it: unused bits are zero."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if not value or _text_of(value) != text:
        raise NoteMalformed("not base64 as RFC 4648 §4 writes it")
    return value
