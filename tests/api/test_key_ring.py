"""The private keys that a node holds: a store that does not answer costs an answer, never the event loop."""

from __future__ import annotations

import threading
import time

import pytest

from api.key_ring import PATIENCE, KeyRing, SigningKeyMissing
from api.private_keys import KeyUnavailable
from api.signing_keys import SigningKey
from domain.identifiers import Kid


class SlowKeys:
    """Answers once it is told to, like a database that is stopped and goes on."""

    def __init__(self) -> None:
        self.key = SigningKey.generate("ES256")
        self.goes_on = threading.Event()
        self.loads = 0

    def save(self, key: SigningKey) -> None:
        """Nothing to do."""

    def load(self, kid: Kid) -> SigningKey:
        """The key, or KeyUnavailable."""
        self.loads += 1
        self.goes_on.wait()
        if kid != self.key.kid:
            raise KeyUnavailable("no such key")
        return self.key


def test_a_store_that_does_not_answer_is_waited_for_once_and_briefly() -> None:
    """The first request that needs the key waits, the next ones do not, and it works once the store answers."""
    keys = SlowKeys()
    ring = KeyRing(keys)
    began = time.monotonic()
    for _ in range(5):
        with pytest.raises(SigningKeyMissing, match="in time"):
            ring.signer(keys.key.kid)
    assert time.monotonic() - began < 2 * PATIENCE
    keys.goes_on.set()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            assert ring.signer(keys.key.kid) is keys.key
            break
        except SigningKeyMissing:
            time.sleep(0.01)
    assert ring.signer(keys.key.kid) is keys.key
    assert keys.loads == 1


def test_a_key_that_is_not_there_is_sought_again_each_time() -> None:
    """Its file may be restored at any moment."""
    keys = SlowKeys()
    keys.goes_on.set()
    ring = KeyRing(keys)
    for _ in range(2):
        with pytest.raises(SigningKeyMissing, match="no such key"):
            ring.signer(Kid("other"))
    assert keys.loads == 2
