"""Writes an export: the events of a stretch of the log as they were hashed, the tree, what was signed, and a verifier.

`docs/proofs.md` says what is in it. Nothing of it is secret but the events themselves.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eventsourcing.dcb.api import DCBSequencedEvent

from api import audit_export
from api.note_keys import NoteVerifier, verified_checkpoint
from domain.merkle import HASH
from domain.tiles import WIDTH, stored, width_of
from eventstore.store import LogStore
from eventstore.tree_store import SignedHead, TreeStore

FORMAT: Final = "counterfoil export v1"
Told = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written."""

    events: int
    first: int
    last: int
    size: int
    sha256: str
    """Of its list of hashes, and so of every file in it."""


class NothingToExport(Exception):
    """There is no checkpoint, or none that covers what is asked for. The text says what to do."""


def export(
    log: LogStore, tree: TreeStore, key: NoteVerifier, folder: Path, first: int, last: int | None, told: Told
) -> Exported:
    """Write an export into a folder, which is made. Raises NothingToExport, NoteForged, TileMissing, StoreError.

    FileExistsError where the folder exists: an export is whole or not there, so nothing is added to one.
    """
    heads = tree.heads()
    size = heads[-1].size if heads else 0
    last = size if last is None else last
    if not 1 <= first <= last <= size:
        raise NothingToExport(
            f"the last checkpoint covers positions 1 to {size}, and {first} to {last} are asked for: "
            "`counterfoil audit checkpoint --sign` signs what is there"
        )
    for head in heads:
        verified_checkpoint(head.note, key)
    folder.mkdir(parents=True)
    (folder / "export.json").write_text(
        json.dumps(
            {"format": FORMAT, "from": first, "to": last, "size": size, "log_key": key.text},
            separators=(",", ":"),
        )
        + "\n"
    )
    _write_checkpoints(folder / "checkpoints", heads)
    _write_tiles(folder / "tile", tree, size)
    count = _write_events(folder / "events.ndjson", log, first, last, told)
    shutil.copyfile(verifier(), folder / "verify.py")
    _write_sums(folder)
    sums = hashlib.sha256((folder / "SHA256SUMS").read_bytes()).hexdigest()
    return Exported(events=count, first=first, last=last, size=size, sha256=sums)


def verifier() -> Path:
    """The stand-alone verifier, as it is shipped."""
    return Path(audit_export.__file__).with_name("verify.py")


def _write_checkpoints(folder: Path, heads: Sequence[SignedHead]) -> None:
    folder.mkdir()
    for head in heads:
        (folder / str(head.size)).write_text(head.note, encoding="utf-8")


def _write_tiles(folder: Path, tree: TreeStore, size: int) -> None:
    level = 0
    while size >> 8 * level:
        for index in range(-(-(size >> 8 * level) // WIDTH)):
            width = width_of(level, index, size)
            place = folder / tile_path(level, index, width)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(stored(tree.tile, level, index, width)[: width * HASH])
        level += 1


def tile_path(level: int, index: int, width: int) -> str:
    """The path of a tile below `tile/`, as C2SP tlog-tiles writes it."""
    parts = [f"{index % 1000:03}"]
    while index := index // 1000:
        parts.insert(0, f"x{index % 1000:03}")
    partial = "" if width == WIDTH else f".p/{width}"
    return f"{level}/{'/'.join(parts)}{partial}"


def _write_events(file: Path, log: LogStore, first: int, last: int, told: Told) -> int:
    count = 0
    with file.open("wb") as lines:
        for found in log.read(after=first - 1):
            if found.position > last:
                break
            lines.write(event_line(found))
            count += 1
            if count % 1000 == 0:
                told("exporting", found.position, last)
    return count


def event_line(found: DCBSequencedEvent) -> bytes:
    """One line: position, type and tags as JSON, and the payload as it was hashed, byte for byte."""
    event = found.event
    head = json.dumps(
        {"position": found.position, "type": event.type, "tags": event.tags}, separators=(",", ":")
    )
    return head[:-1].encode() + b',"payload":' + event.data + b"}\n"


def _write_sums(folder: Path) -> None:
    """As `sha256sum` writes and checks them."""
    lines = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.relative_to(folder)}\n")
    (folder / "SHA256SUMS").write_text("".join(lines))
