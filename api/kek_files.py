"""The key-encryption key in a file or a setting: how it comes into being, and how a process gets it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from api.private_files import PrivateFileRefused, read_private, sync_directory
from api.sealing import FILE_SETTING, KeyEncryptionKey, new_key_text
from api.settings import SettingInvalid, Settings

_MOST_READ: Final = 256
"""Bytes; more than any spelling of a key, so that a longer file is told from one that holds a key."""


def key_encryption_key(settings: Settings) -> KeyEncryptionKey | None:
    """The key of this process, from the setting or the file that it names; `None` if neither is set.

    Raises SettingInvalid, which never shows the key.
    """
    if settings.key_encryption_key:
        return KeyEncryptionKey.from_text(settings.key_encryption_key)  # checked when the settings were read
    if settings.key_encryption_key_file:
        return read_kek(Path(settings.key_encryption_key_file), FILE_SETTING)
    return None


def read_kek(file: Path, named_by: str) -> KeyEncryptionKey:
    """The key in a file, one line, which only the owner may read. Raises SettingInvalid with what named the file."""
    try:
        content = read_private(file, _MOST_READ, named_by, mounted=True)
    except PrivateFileRefused as error:
        raise SettingInvalid(str(error)) from None
    except OSError as error:
        raise SettingInvalid(f"cannot read {file} (see {named_by}): {error.strerror}") from None
    try:
        return KeyEncryptionKey.from_text(content.removesuffix(b"\n").decode("ascii"))
    except ValueError:
        # A UnicodeDecodeError, for one, would quote what it could not read.
        raise SettingInvalid(
            f"{file} (see {named_by}) is not one line with 32 bytes in base64: "
            "`counterfoil keys new-kek FILE` writes such a file"
        ) from None


def write_new_kek(file: Path) -> KeyEncryptionKey:
    """Write a new random key, durably, with mode 0600. Raises SettingInvalid where a file is already; OSError."""
    text = new_key_text()
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise SettingInvalid(
            f"{file} exists already, and what is sealed under a key is lost with it: name a new file"
        ) from None
    try:
        with os.fdopen(handle, "w", encoding="ascii") as written:
            os.fchmod(handle, 0o600)  # whatever the umask
            written.write(text + "\n")
            written.flush()
            os.fsync(handle)
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    sync_directory(file.parent)
    return KeyEncryptionKey.from_text(text)
