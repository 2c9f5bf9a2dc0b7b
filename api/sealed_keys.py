"""Private signing keys as sealed rows in the store, so that a key which one node makes is there for all."""

from __future__ import annotations

from typing import Final

from api.private_keys import KeyUnavailable, require_thumbprint
from api.sealed_secrets import SealedSecrets, SecretTable
from api.sealing import KeyEncryptionKey, SealBroken, WrongKeyEncryptionKey
from api.signing_keys import SigningKey
from domain.identifiers import Kid

SIGNING_KEY: Final = "signing-key:"
"""What the names of private keys begin with."""


class SealedKeys:
    """Implements `api.private_keys.PrivateKeys`; an unreachable store is a StoreError, not a missing key."""

    def __init__(self, table: SecretTable, kek: KeyEncryptionKey) -> None:
        self._table = table
        self._secrets = SealedSecrets(table, kek)

    def save(self, key: SigningKey) -> None:
        """Keep the key durably; it has been opened again when this returns. Raises `KeyUnavailable`, StoreError."""
        try:
            kept = self._secrets.keep(SIGNING_KEY + key.kid, key.to_pem())
        except (WrongKeyEncryptionKey, SealBroken) as error:
            raise KeyUnavailable(f"the private key {key.kid} was not kept: {error}") from None
        _require(_opened(key.kid, kept), key.kid)

    def load(self, kid: Kid) -> SigningKey:
        """Raises `KeyUnavailable`, also when the row holds another key than its name says; StoreError."""
        require_thumbprint(kid)
        try:
            pem = self._secrets.read(SIGNING_KEY + kid)
        except (WrongKeyEncryptionKey, SealBroken) as error:
            raise KeyUnavailable(str(error)) from None
        if pem is None:
            raise KeyUnavailable(
                f"no private key {kid} in the store: restore its row {SIGNING_KEY}{kid} from a backup, "
                "or run `counterfoil keys rotate`"
            )
        return _require(_opened(kid, pem), kid)

    def load_all(self) -> dict[Kid, SigningKey]:
        """Every key there is; a single bad row fails them all. Raises `KeyUnavailable`, StoreError."""
        names = [name for name in self._table.sealed_names() if name.startswith(SIGNING_KEY)]
        return {kid: self.load(kid) for kid in sorted(Kid(name.removeprefix(SIGNING_KEY)) for name in names)}


def _opened(kid: Kid, pem: bytes) -> SigningKey:
    try:
        return SigningKey.from_pem(pem)
    except ValueError as error:
        raise KeyUnavailable(
            f"the row {SIGNING_KEY}{kid} of the store holds no signing key: {error}"
        ) from None


def _require(key: SigningKey, kid: Kid) -> SigningKey:
    if key.kid != kid:
        raise KeyUnavailable(f"the row {SIGNING_KEY}{kid} of the store holds the key {key.kid}")
    return key
