"""A witness: somebody else's memory of a log. It cosigns what continues what it cosigned before, and nothing else.

All it keeps is a folder: its key, the last checkpoint that it cosigned, and evidence of what it refused.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from api.head_file import HeadFile
from api.note_keys import NoteForged, NoteSigner, NoteVerifier, verified_checkpoint
from domain.merkle import ProofInvalid, verify_consistency
from domain.signed_notes import Checkpoint, NoteMalformed, parse_consistency, parse_note

CHECKPOINT: Final = "/log/checkpoint"
CONSISTENCY: Final = "/log/proof/consistency?old="

Fetch = Callable[[str], str | None]
"""The text at a path of the log's service, `None` where it answers 404. Raises what it likes where there is none."""


class LogRefused(Exception):
    """The log is not what it was, or not signed as it must be. What it said is kept as evidence."""


class Witness:
    """Watches one log from one folder. Blocking. Raises OSError."""

    def __init__(self, folder: Path, log: NoteVerifier, signer: NoteSigner, clock: Callable[[], int]) -> None:
        """`clock` in seconds since the epoch."""
        self._folder = folder
        self._log = log
        self._signer = signer
        self._clock = clock
        self._kept = HeadFile(folder / "checkpoint")

    def look(self, fetch: Fetch) -> Checkpoint:
        """Fetch the last checkpoint, prove that it continues the one kept, cosign it and keep it. Raises LogRefused."""
        kept = self._kept.read()
        before = None if kept is None else self._own(kept)
        said = self._said(fetch, before)
        try:
            checkpoint, note = self._continued(said, before)
        except (NoteMalformed, NoteForged, ProofInvalid) as error:
            raise LogRefused(self._refusal(said, before, str(error))) from None
        if before is None or checkpoint.size > before.size:
            self._kept.replace(kept, self._signer.cosign(parse_note(note), self._clock()))
        return checkpoint

    def _own(self, note: str) -> Checkpoint:
        """What we kept, which we have signed ourselves."""
        try:
            self._signer.verifier.signed(parse_note(note))
            return verified_checkpoint(note, self._log)
        except (NoteMalformed, NoteForged) as error:
            raise LogRefused(
                f"{self._kept.path} is not what this witness cosigned for that log key: {error}. "
                "Restore it, or begin anew in an empty folder"
            ) from None

    def _said(self, fetch: Fetch, before: Checkpoint | None) -> str:
        """The log's answer, kept as it is; a log that lost what we cosigned answers 404, and shows what it has."""
        answer = None if before is None else fetch(f"{CONSISTENCY}{before.size}")
        answer = fetch(CHECKPOINT) if answer is None else answer
        if answer is None:
            raise LogRefused("the log has no checkpoint" + ("" if before is None else ", and once had one"))
        return answer

    def _continued(self, said: str, before: Checkpoint | None) -> tuple[Checkpoint, str]:
        if before is None:
            return verified_checkpoint(said, self._log), said
        if not said.startswith("old "):
            smaller = verified_checkpoint(said, self._log)
            raise ProofInvalid(f"the log has {smaller.size} positions, and had {before.size}")
        old, proof, note = parse_consistency(said)
        checkpoint = verified_checkpoint(note, self._log)
        if old != before.size:
            raise ProofInvalid(f"a proof from {before.size} was asked for, not from {old}")
        verify_consistency(before.size, before.root, checkpoint.size, checkpoint.root, proof)
        return checkpoint, note

    def _refusal(self, said: str, before: Checkpoint | None, why: str) -> str:
        evidence = self._folder / f"refused-{self._clock()}"
        evidence.write_text(said, encoding="utf-8")
        kept = (
            ""
            if before is None
            else f" It contradicts the checkpoint of {before.size} positions in {self._kept.path}."
        )
        return f"THE LOG IS NOT WHAT IT WAS: {why}.{kept} Nothing was cosigned; what it said is in {evidence}: keep it"
