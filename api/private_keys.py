"""Where private signing keys are kept: a directory beside the embedded store, sealed rows in a store of many nodes."""

from __future__ import annotations

import re
from typing import Final, Protocol

from api.signing_keys import SigningKey
from domain.identifiers import Kid

_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class KeyUnavailable(Exception):
    """A private key is missing, exposed or damaged. The message says which and what to do, never what is in it."""


class PrivateKeys(Protocol):
    """Blocking; keys are read at start and at rotation, never on the way of a request."""

    def save(self, key: SigningKey) -> None:
        """Keep the key durably, whole. Raises `KeyUnavailable`, and as the place does: OSError or StoreError."""

    def load(self, kid: Kid) -> SigningKey:
        """Raises `KeyUnavailable`, also when another key is kept under that name; StoreError."""


def require_thumbprint(kid: Kid) -> None:
    """Raises `KeyUnavailable` for what no key of ours is called: it must never become a path or the name of a row."""
    if _THUMBPRINT.fullmatch(kid) is None:
        raise KeyUnavailable(f"{kid!r} is not the kid of a signing key")
