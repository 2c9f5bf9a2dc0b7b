"""Exports on both stores: what the verifier finds, and that it needs nothing of ours to find it."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from api.audit_export.verify import Rules, verify
from api.exporting import NothingToExport, _write_sums, export, verifier
from api.note_keys import witness_signer
from api.sequencing import sequencer
from api.stores import opened
from domain.requests import ACCESS_TOKEN
from domain.signed_notes import parse_note
from tests.api.stored_log import SIGNER, TAMPERINGS, StoredLog
from tests.servers.postgres_database import Database
from tests.service_under_test import ServiceUnderTest, claims_of
from tests.stores import STORES, embedded_in, shared_on, store_settings


def live(sut: ServiceUnderTest) -> None:
    """A history with everything in it that the rules are about."""
    chains = [sut.chain() for _ in range(3)]
    sut.granted(sut.sign_in(sut.id_token()))
    actor = sut.first("agent", "agent")
    delegated = {"actor_token": actor, "actor_token_type": ACCESS_TOKEN}
    sut.granted(sut.exchange("agent", chains[0][1], "hr", **delegated))
    sut.post("/oauth/revoke", "travel", token=chains[0][1])
    sut.exchange("agent", chains[0][1], "hr")
    sut.operator.keys.rotate(300)
    sut.apply(limits__lifetime="4m")
    sut.chain()
    sut.operator.revoke("subject", claims_of(chains[1][0])["sub"])
    sut.chain()


@pytest.fixture(scope="module", params=STORES)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The export of a real history."""
    with store_settings(request, request.param) as settings:
        sut = ServiceUnderTest(tmp_path_factory.mktemp("service"), settings=settings)
        live(sut)
        sut.close()
        with closing(opened(sut.settings)) as ledger:
            sequencing = sequencer(sut.settings, ledger)
            sequencing.catch_up()
            folder = tmp_path_factory.mktemp("export") / "evidence"
            export(ledger.recorder, ledger.tree, sequencing.verifier, folder, 1, None, lambda *_: None)
        yield folder


@pytest.fixture
def copied(exported: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(exported, tmp_path / "copy"))


def alone(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The verifier as an auditor runs it: none of our modules can be imported."""
    command = [sys.executable, "-I", str(folder / "verify.py"), str(folder), *arguments]
    return subprocess.run(command, cwd="/", text=True, capture_output=True, check=False)


def test_an_export_verifies_by_itself(exported: Path) -> None:
    """With what is in the directory and `cryptography` alone; it says how much was verified."""
    done = alone(exported)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    count = len((exported / "events.ndjson").read_text().splitlines())
    assert f"verified: {count} events, positions 1 to {count} of {count}" in done.stdout
    assert "0 things that began before the export" in done.stdout


def test_the_verifier_can_be_read(exported: Path) -> None:
    """Under 250 lines of code, from the standard library and `cryptography`."""
    text = (exported / "verify.py").read_text()
    assert text == verifier().read_text()
    assert len([line for line in text.splitlines() if line.strip()]) < 250
    imported = {
        line.split()[1].partition(".")[0]
        for line in text.splitlines()
        if line.startswith(("import ", "from "))
    }
    assert imported - set(sys.stdlib_module_names) == {"cryptography"}


@given(st.data())
@hypothesis_settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_flipped_bit_of_any_file_is_found(copied: Path, data: st.DataObject) -> None:
    """In events, tiles, checkpoints, facts, sums and the verifier; also where who did it wrote the sums again."""
    files = sorted(path for path in copied.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(files))
    before = path.read_bytes()
    at, bit = data.draw(st.integers(0, len(before) - 1)), data.draw(st.integers(0, 7))
    sums = (copied / "SHA256SUMS").read_bytes()
    try:
        path.write_bytes(before[:at] + bytes([before[at] ^ 1 << bit]) + before[at + 1 :])
        assert is_broken(copied)
        if path.name not in ("SHA256SUMS", "verify.py"):
            _write_sums(copied)
            assert is_broken(copied)
    finally:
        path.write_bytes(before)
        (copied / "SHA256SUMS").write_bytes(sums)


def is_broken(folder: Path) -> bool:
    try:
        verify(folder)
    except (ValueError, LookupError, TypeError, AttributeError, OSError):
        return True
    return False


@pytest.mark.parametrize("what", ["events.ndjson", "checkpoints", "tile", "export.json", "verify.py"])
def test_nothing_may_be_missing_or_added(copied: Path, what: str) -> None:
    """A file less, or one more, with the sums as they were."""
    path = copied / what
    added = (path if path.is_dir() else copied) / "added"
    added.write_text("x")
    assert is_broken(copied)
    added.unlink()
    assert not is_broken(copied)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert is_broken(copied)


def test_the_key_and_checkpoints_that_one_kept_are_believed_more_than_the_export(
    exported: Path, tmp_path: Path
) -> None:
    """An export of another log is refused by its key, and one that contradicts a cosigned checkpoint by that."""
    key = json.loads((exported / "export.json").read_text())["log_key"]
    size = json.loads((exported / "export.json").read_text())["size"]
    note = (exported / "checkpoints" / str(size)).read_text()
    cosigned = tmp_path / "cosigned"
    cosigned.write_text(
        witness_signer("auditor.example", b"\x05" * 32).cosign(parse_note(note), 1_800_000_000)
    )
    assert alone(exported, "--log-key", key, "--checkpoint", str(cosigned)).returncode == 0
    assert "another key" in alone(exported, "--log-key", SIGNER.verifier.text).stdout
    cosigned.write_text(note.replace(f"\n{size}\n", f"\n{size - 1}\n"))
    assert "signature" in alone(exported, "--checkpoint", str(cosigned)).stdout


@pytest.fixture(params=STORES)
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> StoredLog:
    """A log of nine events, signed."""
    if request.param == "sqlite":
        made = StoredLog(embedded_in(tmp_path), tmp_path)
    else:
        database: Database = request.getfixturevalue("database")
        made = StoredLog(shared_on(database), tmp_path, database.owner_url)
    made.append(9)
    made.sign()
    return made


def written(stored: StoredLog, folder: Path, first: int = 1, last: int | None = None) -> Path:
    with closing(stored.ledger()) as ledger:
        export(ledger.recorder, ledger.tree, SIGNER.verifier, folder, first, last, lambda *_: None)
    return folder


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_tampered_log_does_not_verify(stored: StoredLog, tmp_path: Path, tampering: str) -> None:
    """Whatever was done to a row after it was signed."""
    stored.tamper(*TAMPERINGS[tampering])
    with pytest.raises(ValueError, match=r"not of the events|another root|does not belong"):
        verify(written(stored, tmp_path / "evidence"))


def test_a_stretch_is_exported_with_the_hashes_of_the_rest(stored: StoredLog, tmp_path: Path) -> None:
    """It verifies against the same checkpoint; of the other events nothing is in it."""
    folder = written(stored, tmp_path / "evidence", 3, 5)
    assert [json.loads(line)["position"] for line in (folder / "events.ndjson").read_text().splitlines()] == [
        3,
        4,
        5,
    ]
    assert verify(folder).startswith("verified: 3 events, positions 3 to 5 of 9;")


@pytest.mark.parametrize(("first", "last"), [(10, None), (1, 10), (5, 4)])
def test_what_is_not_signed_is_not_exported(
    stored: StoredLog, tmp_path: Path, first: int, last: int | None
) -> None:
    """It says how far the checkpoint goes, and leaves no folder behind."""
    with pytest.raises(NothingToExport, match="covers positions 1 to 9"):
        written(stored, tmp_path / "evidence", first, last)
    assert not (tmp_path / "evidence").exists()


Events = list[tuple[int, str, dict[str, Any]]]


@pytest.fixture(scope="module")
def history(exported: Path) -> Events:
    """The events of the real history."""
    found = []
    for line in (exported / "events.ndjson").read_text().splitlines():
        document = json.loads(line)
        found.append((document["position"], document["type"], document["payload"]))
    return found


def judged(history: Events) -> None:
    rules = Rules(1)
    for position, kind, event in history:
        rules.apply(position, kind, json.dumps(event).encode())


def deepest(history: Events) -> int:
    """The place of the last child that has a child's child's lineage."""
    return max(
        i
        for i, (_, kind, event) in enumerate(history)
        if kind == "token.exchanged" and len(event["lineage"]) > 1
    )


def parent_of(history: Events, event: dict[str, Any]) -> dict[str, Any]:
    return next(e for _, _, e in history if e.get("jti") == event["lineage"][-1]["jti"])


def revocation(history: Events, kind: str, **what: Any) -> Events:
    """Put right before the last grandchild: everything after it moves one position on."""
    at = deepest(history)
    position, _, event = history[at]
    added = {"at": event["at"], "until": event["exp"], **what}
    rest = [(p + 1, k, e) for p, k, e in history[at:]]
    return [*history[:at], (position, kind, added), *rest]


def breaking(change: Callable[[dict[str, Any], dict[str, Any]], Any]) -> Callable[[Events], Events]:
    def broken(history: Events) -> Events:
        event = history[deepest(history)][2]
        change(event, parent_of(history, event))
        return history

    return broken


def revoking(kind: str, field: str, of: Callable[[dict[str, Any]], Any]) -> Callable[[Events], Events]:
    return lambda history: revocation(
        history, kind, **{field: of(history[deepest(history)][2]["lineage"][0])}
    )


RULES: dict[str, tuple[Callable[[Events], Events], str]] = {
    "token revoked": (revoking("token.revoked", "jti", lambda entry: entry["jti"]), "revoked token"),
    "chain revoked": (revoking("chain.revoked", "chain", lambda entry: entry["jti"]), "revoked chain"),
    "subject revoked": (
        revoking("subject.revoked", "subject", lambda entry: entry["subject"]),
        "revoked subject",
    ),
    "client revoked": (revoking("client.revoked", "client", lambda entry: entry["client"]), "revoked client"),
    "key compromised": (
        revoking("key.compromised", "kid", lambda entry: entry["kid"]),
        "key that is gone|compromised",
    ),
    "subject disabled": (
        revoking("subject.disabled", "subject", lambda entry: entry["subject"]),
        "disabled subject",
    ),
    "outlives": (breaking(lambda event, _: event.update(exp=event["lineage"][-1]["exp"] + 1)), "outlives"),
    "more scope": (breaking(lambda event, _: event["scope"].append("everything")), "scope"),
    "never born": (breaking(lambda event, _: event["lineage"][0].update(jti="never")), "chain|never born"),
    "hidden parent": (breaking(lambda event, _: event["lineage"].pop(1)), "scope"),
    "other birth": (
        breaking(lambda event, _: event["lineage"][-1].update(client="hr")),
        "its birth does not",
    ),
    "other policy": (breaking(lambda event, _: event.update(policy=1)), "not in force"),
    "other key": (breaking(lambda event, _: event.update(kid="unknown")), "never published"),
    "twice": (
        lambda history: [*history, (history[-1][0] + 1, *history[deepest(history)][1:])],
        "earlier token",
    ),
    "expired": (breaking(lambda event, _: event.update(at=event["lineage"][0]["exp"] * 1000)), "expired"),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_log_that_broke_a_rule_is_found_however_well_it_is_signed(history: Events, rule: str) -> None:
    """The whole history passes; with one thing in it that must never have been, it does not."""
    judged(history)
    change, said = RULES[rule]
    with pytest.raises(ValueError, match=said):
        judged(change(copy.deepcopy(history)))


def test_too_deep_is_found(history: Events) -> None:
    """A policy that allowed less than was done."""
    changed = copy.deepcopy(history)
    for _, kind, event in changed:
        if kind == "policy.applied":
            event["policy"]["limits"]["depth"] = 1
    with pytest.raises(ValueError, match="too deep"):
        judged(changed)


def test_nothing_may_stand_behind_a_payload() -> None:
    """Whoever reads it would see less than what was hashed."""
    with pytest.raises(ValueError, match="something behind"):
        Rules(1).apply(1, "key.published", b'{"at":0,"kid":"k"}{}')
