"""Signing keys, as an operator changes them. The private half is saved before the log names the key."""

from __future__ import annotations

from collections.abc import Callable

from api.operator_log import OperatorLog, OperatorMistake
from api.private_keys import PrivateKeys
from api.signing_keys import SigningKey
from domain.events import Event
from domain.identifiers import Kid
from domain.keys import Key, KeyChange, activate, compromise, publish, retire
from domain.policy import SigningAlgorithm


class KeyOperations:
    """Publishes, retires and disowns keys."""

    def __init__(self, log: OperatorLog, private_keys: PrivateKeys) -> None:
        self._log = log
        self._private_keys = private_keys

    def first(self, alg: SigningAlgorithm) -> Kid:
        """Publish a key and let it sign at once: nobody can have cached a JWKS without it."""
        key = self._generate(alg)
        self._log.append([self._published(key, self._log.now()), self._changed(activate, key.kid)])
        return key.kid

    def rotate(self, published_ahead: int) -> tuple[Kid, int]:
        """Publish a key that signs `published_ahead` seconds from now; the kid, and from when (NumericDate)."""
        key = self._generate(self._log.ledger.authority.policy.signing_algorithm)
        # One more, for a date is a second cut off: who cached the JWKS just before must have dropped it by then.
        signs_from = self._log.now() + published_ahead + 1
        self._log.append([self._published(key, signs_from)])
        return key.kid, signs_from

    def retire(self, kid: Kid) -> None:
        """Take a superseded key out of the JWKS now; its living tokens are refused from here on."""
        key = self._known(kid)
        if key.state == "signing":
            raise OperatorMistake(f"{kid} signs: rotate first, so that another key takes over")
        if not key.verifies:
            raise OperatorMistake(f"{kid} is {key.state} already")
        self._log.append([self._changed(retire, kid)])

    def compromise(self, kid: Kid) -> Kid | None:
        """Kill every token of a key. If it was signing, a new one takes over at once; its kid."""
        if self._known(kid).compromised:
            raise OperatorMistake(f"{kid} is compromised already")
        events: list[Event] = []
        successor = None
        if self._log.ledger.authority.signing_key() == kid:
            successor = self._generate(self._log.ledger.authority.policy.signing_algorithm)
            events += [self._published(successor, self._log.now()), self._changed(activate, successor.kid)]
        self._log.append([*events, self._changed(compromise, kid)])
        return None if successor is None else successor.kid

    def _known(self, kid: Kid) -> Key:
        key = self._log.ledger.authority.registry.keys.get(kid)
        if key is None:
            raise OperatorMistake(f"the log knows no key {kid!r}; `counterfoil keys list` shows them")
        return key

    def _generate(self, alg: SigningAlgorithm) -> SigningKey:
        key = SigningKey.generate(alg)
        self._private_keys.save(key)
        return key

    def _published(self, key: SigningKey, signs_from: int) -> Event:
        return publish(key.kid, key.alg, key.public_jwk(), signs_from, self._log.change(), self._log.new_id())

    def _changed(self, change: Callable[[Kid, KeyChange, str], Event], kid: Kid) -> Event:
        return change(kid, self._log.change(), self._log.new_id())
