"""The key that signs checkpoints of the log. It signs nothing else, and no token key signs checkpoints.

With the embedded store it is a file in the key directory; in a shared store it is sealed beside the others.
"""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path
from typing import Final

from api.ledger import Ledger
from api.note_keys import SEED, NoteSigner
from api.private_files import PrivateFileRefused, read_private, sync_directory
from api.private_keys import KeyUnavailable
from api.settings import PREFIX, Settings
from api.stores import node_secrets
from domain.signed_notes import origin_of
from eventstore.side_tables import new_material

LOG_KEY: Final = "log-key"
"""The name of the file, and of the sealed secret."""
_MOST_READ: Final = 256


def log_signer(settings: Settings, ledger: Ledger) -> NoteSigner:
    """The signer of this log, under its origin; the key is made the first time.

    Raises KeyUnavailable, SettingInvalid, WrongKeyEncryptionKey, SealBroken, StoreError, OSError.
    """
    issuer = ledger.authority.policy.issuer
    if settings.is_shared:
        return NoteSigner(origin_of(issuer), node_secrets(settings, ledger).material(LOG_KEY))
    return NoteSigner(origin_of(issuer), file_seed(settings.keys_path / LOG_KEY, PREFIX + "KEYS"))


def file_seed(file: Path, setting: str) -> bytes:
    """The private key in a file, which only its owner may read; made where there is none, the same for every process.

    Raises KeyUnavailable, OSError.
    """
    seed = existing_seed(file, setting)
    if seed is None:
        _create(file)
        seed = existing_seed(file, setting)
    if seed is None:
        raise KeyUnavailable(f"{file} (see {setting}) is gone again: look for who deletes it")
    return seed


def existing_seed(file: Path, setting: str) -> bytes | None:
    """The private key in a file, if there is one. Raises KeyUnavailable, OSError."""
    try:
        content = read_private(file, _MOST_READ, setting)
        seed = base64.b64decode(content.removesuffix(b"\n"), validate=True)
    except FileNotFoundError:
        return None
    except PrivateFileRefused as error:
        raise KeyUnavailable(str(error)) from None
    except binascii.Error:
        seed = b""
    if len(seed) != SEED:
        raise KeyUnavailable(f"{file} (see {setting}) is not one line with {SEED} bytes in base64")
    return seed


def _create(file: Path) -> None:
    """Whole or not at all: a name is given to what is durable already, unless another process was first."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = file.with_name(f".{file.name}.{os.getpid()}.new")
    handle = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as opened:
            os.fchmod(handle, 0o600)  # whatever the umask
            opened.write(base64.b64encode(new_material()) + b"\n")
            opened.flush()
            os.fsync(handle)
        try:
            os.link(written, file)
        except FileExistsError:
            return
    finally:
        written.unlink(missing_ok=True)
    sync_directory(file.parent)
