"""Client secrets: generated, shown once, kept as a hash beside the log, which knows them by their id."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

from api.operator_log import OperatorLog, OperatorMistake
from api.recordable import SECRET_PREFIX
from domain.events import ClientCredentialAdded, ClientCredentialRetired
from domain.identifiers import ClientId


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    """A generated client secret. It is shown once and stored only as a hash."""

    client: ClientId
    credential: str
    secret: str = field(repr=False)


class SecretOperations:
    """Gives clients their secrets."""

    def __init__(self, log: OperatorLog) -> None:
        self._log = log

    def give_missing(self) -> list[NewSecret]:
        """A secret for every client of the policy that needs one and has none that counts."""
        return [self._add(client) for client in self._without_secret()]

    def _without_secret(self) -> list[ClientId]:
        registry = self._log.ledger.authority.registry
        clients = self._log.ledger.authority.policy.clients.values()
        needing = [c.name for c in clients if c.authentication != "private_key_jwt"]
        now = self._log.now()
        return [
            name
            for name in needing
            if not any(until is None or until > now for until in registry.credentials_of(name).values())
        ]

    def rotate(self, client: ClientId, overlap: int) -> NewSecret:
        """A new secret for a client; its older ones count for `overlap` more seconds."""
        entry = self._log.ledger.authority.policy.clients.get(client)
        if entry is None:
            raise OperatorMistake(f"the policy has no client {client!r}")
        if entry.authentication == "private_key_jwt":
            raise OperatorMistake(
                f"{client} authenticates with its keys: change `jwks` in the policy instead"
            )
        older = self._log.ledger.authority.registry.credentials_of(client)
        until = self._log.now() + overlap
        retired = [c for c, counts_until in older.items() if counts_until is None or counts_until > until]
        added = self._add(client)
        self._log.append(
            [
                self._log.stamped(
                    ClientCredentialRetired, client=client, credential=credential, counts_until=until
                )
                for credential in retired
            ]
        )
        return added

    def _add(self, client: ClientId) -> NewSecret:
        secret = SECRET_PREFIX + secrets.token_urlsafe(32)
        credential = self._log.new_id()
        digest = hashlib.sha256(secret.encode()).digest()
        self._log.ledger.side_tables.add_client_secret(client, credential, digest)
        self._log.append([self._log.stamped(ClientCredentialAdded, client=client, credential=credential)])
        return NewSecret(client=client, credential=credential, secret=secret)
