"""The private signing keys that this node holds, loaded from the key directory when they are first needed."""

from __future__ import annotations

from api.key_directory import KeyDirectory, KeyUnavailable
from api.signing_keys import SigningKey
from domain.identifiers import Kid
from eventstore.errors import StoreError


class SigningKeyMissing(StoreError):
    """The log says that a key signs, but this node has no private half: it can issue nothing until it has."""


class KeyRing:
    """Implements `api.token_desk.Signers`."""

    def __init__(self, directory: KeyDirectory) -> None:
        self._directory = directory
        self._keys: dict[Kid, SigningKey] = {}

    def signer(self, kid: Kid) -> SigningKey:
        """The private key. Raises SigningKeyMissing, whose text names the file and the setting."""
        key = self._keys.get(kid)
        if key is None:
            try:
                key = self._keys[kid] = self._directory.load(kid)
            except KeyUnavailable as error:
                raise SigningKeyMissing(str(error)) from None
        return key
