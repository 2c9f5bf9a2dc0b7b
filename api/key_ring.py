"""The private signing keys that this node holds, loaded when they are first needed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from api.private_keys import KeyUnavailable, PrivateKeys
from api.signing_keys import SigningKey
from domain.identifiers import Kid
from eventstore.errors import StoreError


class SigningKeyMissing(StoreError):
    """The log says that a key signs, but this node has no private half: it can issue nothing until it has."""


class KeyRing:
    """Implements `api.token_desk.Signers`."""

    def __init__(self, private_keys: PrivateKeys) -> None:
        self._private_keys = private_keys
        self._keys: dict[Kid, SigningKey] = {}

    async def prepare(self, kids: Iterable[Kid]) -> None:
        """Fetch the private keys that will be needed, so that no request has to wait for one. Raises nothing: what is
        missing is missed, by name, when it is needed."""
        for kid in kids:
            if kid not in self._keys:
                with suppress(KeyUnavailable, StoreError):
                    self._keys[kid] = await asyncio.to_thread(self._private_keys.load, kid)

    def signer(self, kid: Kid) -> SigningKey:
        """The private key. Raises SigningKeyMissing, whose text says where it was looked for and what to do."""
        key = self._keys.get(kid)
        if key is None:
            try:
                key = self._keys[kid] = self._private_keys.load(kid)
            except KeyUnavailable as error:
                raise SigningKeyMissing(str(error)) from None
        return key
