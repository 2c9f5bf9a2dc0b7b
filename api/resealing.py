"""The rotation of the key-encryption key: every secret of the store is sealed anew, or none is."""

from __future__ import annotations

from typing import Final

from api.operator_log import OperatorMistake
from api.sealed_secrets import CHECK, SecretTable
from api.sealing import KeyEncryptionKey, SealBroken, sealed_under

_TRIES: Final = 5
"""Each fails only if a row is added between reading and writing, which is seldom: rows come with new signing keys."""


class Resealing:
    """One change from the present key to a new one.

    Rows that are under the new key already are sealed anew too. So it can be run again, with the same two keys, when
    its outcome was not seen, or when a node added a row under the present key behind it.
    """

    def __init__(self, table: SecretTable, present: KeyEncryptionKey, new: KeyEncryptionKey) -> None:
        """Raises OperatorMistake where both are the same key."""
        if present.id == new.id:
            raise OperatorMistake(f"{new.id} is the present key-encryption key: nothing would change")
        self._table = table
        self._present = present
        self._new = new

    def run(self) -> int:
        """How many secrets are sealed under the new key from now on.

        Raises WrongKeyEncryptionKey and SealBroken with the row's name, OperatorMistake, StoreError; then nothing has
        changed, unless a StoreError says that the outcome is unknown.
        """
        for _ in range(_TRIES):
            values = {name: self._resealed(name) for name in self._table.sealed_names()}
            if CHECK not in values:
                raise OperatorMistake("the store holds no sealed secrets: run `counterfoil init` first")
            if self._table.replace_sealed(values):
                return len(values) - 1  # the check is none
        raise OperatorMistake("signing keys are being added at this moment: run it again")

    def _resealed(self, name: str) -> bytes:
        sealed = self._table.sealed(name)
        if sealed is None:
            raise SealBroken(f"{name} vanished while it was read: nothing was changed")
        opener = self._new if sealed_under(sealed) == self._new.id else self._present
        secret = opener.unseal(name, sealed)
        resealed = self._new.seal(name, secret)
        if self._new.unseal(name, resealed) != secret:  # the old value is about to be gone for good
            raise SealBroken(f"{name} could not be opened again: nothing was changed; check this machine")
        return resealed
