"""The key-encryption key comes from a private file or a setting; a mistake is named, and the key never shown."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from api.kek_files import key_encryption_key, read_kek, write_new_kek
from api.private_files import exposed
from api.sealing import FILE_SETTING, SETTING, KeyEncryptionKey
from api.settings import SettingInvalid, read_settings

TEXT = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"
ID = KeyEncryptionKey.from_text(TEXT).id


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with the key, as it should be."""
    path = tmp_path / "kek"
    path.touch(0o600)
    path.write_text(TEXT + "\n")
    return path


def why_refused(file: Path) -> str:
    """The message, which names the setting and the file and never holds the key."""
    with pytest.raises(SettingInvalid) as caught:
        key_encryption_key(read_settings({FILE_SETTING: str(file)}))
    message = str(caught.value)
    assert FILE_SETTING in message
    assert str(file) in message
    assert TEXT[:8] not in message
    return message


def test_the_key_comes_from_the_setting_or_from_the_file(file: Path) -> None:
    """Without either there is none, as the embedded store needs none."""
    assert key_encryption_key(read_settings({})) is None
    for environment in ({SETTING: TEXT}, {FILE_SETTING: str(file)}):
        found = key_encryption_key(read_settings(environment))
        assert found is not None
        assert found.id == ID


def test_two_keys_are_a_mistake(file: Path) -> None:
    """Nobody has to guess which one counts."""
    with pytest.raises(SettingInvalid, match=f"both {SETTING} and {FILE_SETTING}"):
        read_settings({SETTING: TEXT, FILE_SETTING: str(file)})


@pytest.mark.parametrize("text", [TEXT[:-1], TEXT + "A", TEXT + "\n", "f" * 64, "correct horse battery"])
def test_a_malformed_key_is_a_mistake_that_is_not_shown(text: str) -> None:
    """At start, by name; not even the cause of the exception holds it."""
    with pytest.raises(SettingInvalid, match=SETTING) as caught:
        read_settings({SETTING: text})
    assert text.strip() not in str(caught.value)
    assert caught.value.__suppress_context__


def test_no_key_shows_in_the_settings(file: Path) -> None:
    """Law 5: what a log or a traceback prints of the settings is where the key is, at most."""
    assert TEXT not in repr(read_settings({SETTING: TEXT}))
    assert str(file) in repr(read_settings({FILE_SETTING: str(file)}))


@pytest.mark.parametrize("mode", [0o604, 0o620, 0o602, 0o610, 0o666, 0o660, 0o644])
def test_a_file_that_others_may_use_is_refused_with_the_command_to_run(file: Path, mode: int) -> None:
    """Running what the message says is enough."""
    file.chmod(mode)
    assert why_refused(file).endswith(f"run chmod 600 {file}")
    file.chmod(0o600)
    assert read_kek(file, FILE_SETTING).id == ID


@pytest.mark.parametrize(
    ("mode", "owner", "mounted", "refused"),
    [
        (0o400, 1000, False, False),
        (0o640, 1000, True, True),
        (0o640, 0, False, True),
        (0o640, 0, True, False),
        (0o440, 0, True, False),
        (0o660, 0, True, True),
        (0o644, 0, True, True),
    ],
)
def test_the_group_may_read_only_what_root_has_mounted(
    mode: int, owner: int, mounted: bool, refused: bool
) -> None:
    """An orchestrator gives a secret to a process that is not root in no other way; a private key never comes so."""
    assert exposed(mode, owner, mounted=mounted) is refused


def test_a_link_is_followed_and_the_file_behind_it_counts(file: Path, tmp_path: Path) -> None:
    """Orchestrators mount secrets as links, so that they can change them at once."""
    link = tmp_path / "link"
    link.symlink_to(file)
    assert read_kek(link, FILE_SETTING).id == ID
    file.chmod(0o644)
    assert "others may read" in why_refused(link)


@pytest.mark.parametrize(
    "prepare", [Path.mkdir, os.mkfifo, Path.unlink], ids=["directory", "pipe", "missing"]
)
def test_what_is_no_file_is_refused(file: Path, prepare: Callable[[Path], None]) -> None:
    """A pipe would block the start for ever."""
    file.unlink()
    if prepare is not Path.unlink:
        prepare(file)
        file.chmod(0o700)
    assert any(words in why_refused(file) for words in ("not a regular file", "No such file"))


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"\xff" * 43, b"A" * 42, TEXT.encode() + b"\n\n", TEXT.encode() * 2, b"A" * 10_000],
)
def test_a_file_with_anything_else_is_refused(file: Path, content: bytes) -> None:
    """Too short, too long, of other bytes, or with a second line."""
    file.write_bytes(content)
    assert "not one line with 32 bytes in base64" in why_refused(file)


def test_a_new_file_is_private_and_is_taken(tmp_path: Path) -> None:
    """0600 whatever the umask, and a key of its own each time."""
    ids = set()
    for umask in (0, 0o077, 0o777):
        file = tmp_path / f"kek-{umask}"
        before = os.umask(umask)
        try:
            ids.add(write_new_kek(file).id)
        finally:
            os.umask(before)
        assert file.stat().st_mode & 0o777 == 0o600
        assert read_kek(file, FILE_SETTING).id in ids
    assert len(ids) == 3


def test_a_file_is_never_overwritten(file: Path, tmp_path: Path) -> None:
    """Not through a link either, also where it leads nowhere."""
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    for taken in (file, link, tmp_path):
        with pytest.raises(SettingInvalid, match="exists already"):
            write_new_kek(taken)
    assert read_kek(file, FILE_SETTING).id == ID
    assert not (tmp_path / "nowhere").exists()


def test_a_failed_write_leaves_no_key_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a key would be refused later, when nobody remembers."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_new_kek(tmp_path / "kek")
    assert list(tmp_path.iterdir()) == []
