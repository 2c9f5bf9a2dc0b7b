"""`audit checkpoint`, `prove`, `export` and `witness`, as they are run."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.signed_notes import parse_checkpoint, parse_note, parse_proof, parse_verifier_key
from tests.api.cli.conftest import Counterfoil
from tests.api.cli.served import ROOT, served


def test_a_log_is_signed_proved_exported_and_verified(
    counterfoil: Counterfoil, secrets: dict[str, str], tmp_path: Path
) -> None:
    """Without a running service; nothing is there before it is signed."""
    assert "nothing is signed yet" in counterfoil("audit", "checkpoint", ends=1).stderr
    assert "audit checkpoint --sign" in counterfoil("audit", "export", str(tmp_path / "out"), ends=2).stderr
    note = counterfoil("audit", "checkpoint", "--sign").stdout
    size = parse_checkpoint(parse_note(note).text).size
    assert counterfoil("audit", "checkpoint").stdout == note
    index, _, of = parse_proof(counterfoil("audit", "prove", "2").stdout)
    assert (index, of) == (1, note)
    assert "no checkpoint covers" in counterfoil("audit", "prove", str(size + 1), ends=1).stderr
    key = counterfoil("audit", "checkpoint", "--key").stdout.strip()
    assert parse_verifier_key(key)[0] == parse_checkpoint(parse_note(note).text).origin
    told = counterfoil("audit", "export", str(tmp_path / "out")).stdout
    assert f"wrote {size} events" in told
    assert key in told
    command = [
        sys.executable,
        "-I",
        str(tmp_path / "out" / "verify.py"),
        str(tmp_path / "out"),
        "--log-key",
        key,
    ]
    assert subprocess.run(command, text=True, capture_output=True, check=True).stdout.startswith("verified: ")
    (taken,) = exports(counterfoil)
    assert (taken["after"], taken["up_to"], taken["count"]) == (0, size, size)
    assert taken["sha256"] == hashlib.sha256((tmp_path / "out" / "SHA256SUMS").read_bytes()).hexdigest()
    assert "exists" in counterfoil("audit", "export", str(tmp_path / "out"), ends=3).stderr
    assert len(exports(counterfoil)) == 1


def exports(counterfoil: Counterfoil) -> list[dict[str, Any]]:
    """What the log says of exports."""
    found = counterfoil("audit", "log", "--type", "audit.exported", "--format", "ndjson")
    return [json.loads(line) for line in found.stdout.splitlines()]


def test_the_log_key_is_a_private_file_of_its_own(
    counterfoil: Counterfoil, secrets: dict[str, str], store: Path
) -> None:
    """Not one of the keys that sign tokens; others may not read it, and it is not used where they can."""
    counterfoil("audit", "checkpoint", "--sign")
    file = store.with_name(store.name + ".keys") / "log-key"
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    assert "chmod 600" in counterfoil("audit", "checkpoint", "--key", ends=2).stderr


def test_a_restored_backup_is_not_signed(
    counterfoil: Counterfoil, secrets: dict[str, str], store: Path
) -> None:
    """The head file beside the store remembers; the command says what to do."""
    before = store.read_bytes()
    counterfoil("subject", "disable", "corp:u1")
    counterfoil("audit", "checkpoint", "--sign")
    for leftover in ("-wal", "-shm"):
        store.with_name(store.name + leftover).unlink(missing_ok=True)
    store.write_bytes(before)
    told = counterfoil("audit", "checkpoint", "--sign", ends=3).stderr
    assert "rolled back" in told
    assert "Restore a copy of the store" in told


def test_a_witness_watches_a_running_service(
    counterfoil: Counterfoil, secrets: dict[str, str], store: Path, tmp_path: Path
) -> None:
    """It cosigns; and once the service is a restored backup under the same key, it says so and ends with 1."""
    folder = str(tmp_path / "witness")
    before = store.read_bytes()
    counterfoil("subject", "disable", "corp:u1")
    counterfoil("audit", "checkpoint", "--sign")
    key = counterfoil("audit", "checkpoint", "--key").stdout.strip()
    with served(store) as (_, url):
        told = counterfoil(
            "witness", url, "--log-key", key, "--folder", folder, "--name", "auditor", "--once"
        )
        assert "the key of this witness: auditor+" in told.stdout
        assert "cosigned" in told.stdout
    cosigned = parse_note((tmp_path / "witness" / "checkpoint").read_text())
    assert [signature.name for signature in cosigned.signatures][1:] == ["auditor"]
    for leftover in ("-wal", "-shm", ".head", ".head.lock"):
        store.with_name(store.name + leftover).unlink(missing_ok=True)
    store.write_bytes(before)
    counterfoil("audit", "checkpoint", "--sign")
    with served(store) as (_, url):
        refused = counterfoil(
            "witness", url, "--log-key", key, "--folder", folder, "--name", "auditor", "--once", ends=1
        )
    assert "THE LOG IS NOT WHAT IT WAS" in refused.stderr


def test_checkpoints_are_signed_from_a_process_of_its_own(
    counterfoil: Counterfoil, secrets: dict[str, str], store: Path
) -> None:
    """Beside a service that signs none; told to stop, it signs what is there and ends with 0."""
    with sequencing(store) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "signing\n"
        before = counterfoil("audit", "checkpoint").stdout
        counterfoil("subject", "disable", "corp:u1")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    after = counterfoil("audit", "checkpoint").stdout
    sizes = [parse_checkpoint(parse_note(note).text).size for note in (before, after)]
    assert sizes[1] == sizes[0] + 1


@contextmanager
def sequencing(store: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "sequence", "--store", str(store)],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_service_without_proofs_signs_nothing(
    counterfoil: Counterfoil, secrets: dict[str, str], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not while it runs, and not on its way out."""
    monkeypatch.setenv("COUNTERFOIL_PROOFS", "false")
    with served(store) as (process, url):
        assert httpx.get(f"{url}/log/checkpoint").status_code == 404
        process.terminate()
        process.wait(30)
    assert "nothing is signed" in counterfoil("audit", "checkpoint", ends=1).stderr
