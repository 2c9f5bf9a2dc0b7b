"""The key-encryption key at the command line: made, and changed for all that is sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import Result

from api.cli import key_commands
from api.kek_files import read_kek
from api.sealed_secrets import SealedSecrets, SecretTable, keep_kek_check
from api.sealing import FILE_SETTING, SETTING
from tests.api.sqlite_secret_table import SQLiteSecretTable

Counterfoil = Callable[..., Result]


@pytest.fixture
def keks(counterfoil: Counterfoil, tmp_path: Path) -> tuple[Path, Path]:
    """The files of the present and the new key."""
    files = (tmp_path / "present.kek", tmp_path / "new.kek")
    for file in files:
        counterfoil("keys", "new-kek", str(file))
    return files


@pytest.fixture
def sealed(
    secrets: dict[str, str], keks: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SecretTable]:
    """An initialised store that has sealed secrets, and the setting that opens them."""
    present = read_kek(keks[0], "test")
    with closing(SQLiteSecretTable(tmp_path / "sealed.db")) as table:
        keep_kek_check(table, present)
        SealedSecrets(table, present).keep("a", b"first secret")
        monkeypatch.setattr(key_commands, "secret_table", lambda _: table)
        monkeypatch.setenv(FILE_SETTING, str(keks[0]))
        yield table


def test_a_new_key_is_written_and_not_shown(counterfoil: Counterfoil, tmp_path: Path) -> None:
    """Only its id is; and nothing is overwritten."""
    file = tmp_path / "kek"
    result = counterfoil("keys", "new-kek", str(file))
    text = file.read_text()
    assert read_kek(file, "test").id in result.stdout
    assert f"{FILE_SETTING}={file}" in result.stdout
    assert text.strip() not in result.output
    assert "exists already" in counterfoil("keys", "new-kek", str(file), ends=2).stderr
    assert file.read_text() == text
    assert "No such file" in counterfoil("keys", "new-kek", str(tmp_path / "none" / "kek"), ends=3).stderr


def test_all_secrets_are_sealed_under_the_new_key(
    counterfoil: Counterfoil, sealed: SecretTable, keks: tuple[Path, Path]
) -> None:
    """The command says what to do next; with the old key, the same again is a mistake."""
    new = read_kek(keks[1], "test")
    result = counterfoil("keys", "reseal", "--new-key-file", str(keks[1]))
    assert f"sealed 1 secret under the key-encryption key {new.id}" in result.stdout
    assert f"on every node, change {FILE_SETTING}" in result.stdout
    assert SealedSecrets(sealed, new).read("a") == b"first secret"
    assert (
        "nothing would change" in counterfoil("keys", "reseal", "--new-key-file", str(keks[0]), ends=2).stderr
    )


def test_the_present_key_is_needed(
    counterfoil: Counterfoil, sealed: SecretTable, keks: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings that give it are named; and a wrong one is told apart, by its id."""
    monkeypatch.delenv(FILE_SETTING)
    assert SETTING in counterfoil("keys", "reseal", "--new-key-file", str(keks[1]), ends=2).stderr
    third = keks[0].with_name("third.kek")
    counterfoil("keys", "new-kek", str(third))
    monkeypatch.setenv(FILE_SETTING, str(third))
    result = counterfoil("keys", "reseal", "--new-key-file", str(keks[1]), ends=2)
    assert read_kek(third, "test").id in result.stderr


def test_damage_is_no_mistake_of_the_operator(
    counterfoil: Counterfoil, sealed: SecretTable, keks: tuple[Path, Path]
) -> None:
    """Exit code 3, and the row is named."""
    sealed.keep_sealed("odd", b"")
    assert (
        "odd is no sealed value"
        in counterfoil("keys", "reseal", "--new-key-file", str(keks[1]), ends=3).stderr
    )


def test_a_bad_new_key_is_named_by_its_option(
    counterfoil: Counterfoil, sealed: SecretTable, keks: tuple[Path, Path]
) -> None:
    """Missing, or open to others."""
    keks[1].chmod(0o644)
    for file in (keks[1], keks[1].with_name("none")):
        assert "--new-key-file" in counterfoil("keys", "reseal", "--new-key-file", str(file), ends=2).stderr


def test_the_embedded_store_has_nothing_sealed(
    counterfoil: Counterfoil, secrets: dict[str, str], keks: tuple[Path, Path]
) -> None:
    """Its keys are in a directory, and the message says so."""
    result = counterfoil("keys", "reseal", "--new-key-file", str(keks[1]), ends=2)
    assert result.stderr == (
        "counterfoil: the embedded store keeps its keys in a directory; there is nothing sealed\n"
    )
