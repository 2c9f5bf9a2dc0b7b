"""Private signing keys as files: one PKCS#8 PEM for each `kid`, in a directory that only its owner may enter."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import Final

from api.private_files import OTHERS, PrivateFileRefused, read_private, sync_directory
from api.private_keys import KeyUnavailable, require_thumbprint
from api.signing_keys import SigningKey
from domain.identifiers import Kid

SETTING: Final = "COUNTERFOIL_KEYS"
"""The setting that names the directory; every message here names it, so that who reads it knows what to change."""

MAX_FILE: Final = 65_536
"""Bytes; an RSA key of 8192 bits needs 6.4 KB."""


class KeyDirectory:
    """Implements `api.private_keys.PrivateKeys`, by blocking file access."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path

    def save(self, key: SigningKey) -> None:
        """Write the key durably: after this returns it survives a power cut, whole. Raises `KeyUnavailable`, OSError.

        The directory is made with mode 0700 where it is missing.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._check_directory()
        handle, name = tempfile.mkstemp(dir=self.path, prefix=".", suffix=".new")  # mode 0600
        written = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(key.to_pem())
                file.flush()
                os.fsync(file.fileno())
            written.replace(self._file(key.kid))
        except BaseException:
            written.unlink(missing_ok=True)
            raise
        sync_directory(self.path)

    def load(self, kid: Kid) -> SigningKey:
        """Raises `KeyUnavailable`, also when the file holds another key than its name says."""
        require_thumbprint(kid)
        self._check_directory()
        file = self._file(kid)
        try:
            key = SigningKey.from_pem(read_private(file, MAX_FILE, SETTING))
        except PrivateFileRefused as error:
            raise KeyUnavailable(str(error)) from None
        except FileNotFoundError:
            raise KeyUnavailable(f"no private key {kid} in {self.path}: is {SETTING} right?") from None
        except OSError as error:
            raise KeyUnavailable(f"cannot read {file} (see {SETTING}): {error.strerror}") from None
        except ValueError as error:
            raise KeyUnavailable(f"{file} (see {SETTING}) is damaged: {error}") from None
        if key.kid != kid:
            raise KeyUnavailable(f"{file} (see {SETTING}) holds the key {key.kid}")
        return key

    def load_all(self) -> dict[Kid, SigningKey]:
        """Every key there is; a single bad file fails them all. Raises `KeyUnavailable`."""
        self._check_directory()
        return {kid: self.load(kid) for kid in sorted(Kid(file.stem) for file in self.path.glob("[!.]*.pem"))}

    def _file(self, kid: Kid) -> Path:
        return self.path / f"{kid}.pem"

    def _check_directory(self) -> None:
        try:
            mode = self.path.stat().st_mode
        except OSError as error:
            raise KeyUnavailable(f"no key directory {self.path} (see {SETTING}): {error.strerror}") from None
        if not stat.S_ISDIR(mode):
            raise KeyUnavailable(f"{self.path} (see {SETTING}) is not a directory")
        if mode & OTHERS:
            raise KeyUnavailable(f"others may enter {self.path} (see {SETTING}): run chmod 700 {self.path}")
