"""The private signing keys that this node holds, loaded when they are first needed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import Final

from api.private_keys import KeyUnavailable, PrivateKeys
from api.signing_keys import SigningKey
from domain.identifiers import Kid
from eventstore.errors import StoreError

PATIENCE: Final = 1.0
"""Seconds in which the private half of a key that signs at once, without having been published ahead, must be there."""


class SigningKeyMissing(StoreError):
    """The log says that a key signs, but this node has no private half: it can issue nothing until it has."""


class KeyRing:
    """Implements `api.token_desk.Signers`."""

    def __init__(self, private_keys: PrivateKeys) -> None:
        self._private_keys = private_keys
        self._keys: dict[Kid, SigningKey] = {}
        self._fetches: dict[Kid, Future[SigningKey]] = {}

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
                key = self._keys[kid] = self._fetched(kid)
            except KeyUnavailable as error:
                raise SigningKeyMissing(str(error)) from None
        return key

    def _fetched(self, kid: Kid) -> SigningKey:
        """In a thread, for a database that has stopped answering would stop the event loop with it; and while one
        fetch is late, nobody waits for it again."""
        fetch = self._fetches.get(kid)
        patience = 0.0 if fetch else PATIENCE
        if fetch is None:
            fetch = self._fetches[kid] = Future()
            Thread(target=self._fetch, args=(kid, fetch), daemon=True).start()
        try:
            return fetch.result(patience)
        except TimeoutError:
            raise SigningKeyMissing(f"the private key {kid} could not be read in time") from None
        finally:
            if fetch.done():
                del self._fetches[kid]

    def _fetch(self, kid: Kid, fetch: Future[SigningKey]) -> None:
        try:
            fetch.set_result(self._private_keys.load(kid))
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            fetch.set_exception(error)
