"""Several nodes on one store: its policy and keys, the secrets of its clients, and the log to look into."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from typing import Any, Final, Self

from api.memories import PSEUDONYM_KEY
from api.operations import Operator
from api.settings import Settings
from api.signing_keys import SigningKey
from api.stamps import milliseconds, new_id
from api.stores import created, node_secrets
from domain.events import Event
from domain.identifiers import ClientId
from domain.policy_compilation import compile_policy
from eventstore.codec import decode
from tests.faults.serving_node import ServingNode, ShiftedNode
from tests.service_under_test import jwt

ISSUER: Final = "https://sts.example"
ONCE: Final = "https://once.example"
CLIENT: Final = "agent"
STEPS: Final = 6
"""Resources `r0` to `r5`; a token for one can be exchanged for the next."""
DEPTH: Final = 3


class Cluster:
    """A context manager: its nodes end with it."""

    def __init__(
        self, settings: Settings, *, lifetime: int = 3600, clock: Callable[[], int] = milliseconds
    ) -> None:
        """`lifetime` of tokens in seconds; `clock` is the operator's."""
        self.settings = settings
        self.client_key, self.foreign_key = SigningKey.generate("ES256"), SigningKey.generate("ES256")
        self.ledger = created(settings)
        secrets_of_node = node_secrets(settings, self.ledger)
        # What the first node makes at its start, so that two that start at once on a busy disk do not wait for it.
        secrets_of_node.material(PSEUDONYM_KEY)
        self.operator = Operator(
            self.ledger, secrets_of_node.keys, by="test", node="test", new_id=new_id, clock=clock
        )
        _, secrets = self.operator.policy.apply(compile_policy(self._document(lifetime)))
        self.operator.keys.first("ES256")
        self.secret = next(secret.secret for secret in secrets if secret.client == ClientId(CLIENT))
        self.authorization = "Basic " + base64.b64encode(f"{CLIENT}:{self.secret}".encode()).decode()
        self.nodes: list[ServingNode] = []
        self._running = ExitStack()

    def _document(self, lifetime: int) -> dict[str, Any]:
        names = [f"r{step}" for step in range(STEPS)]
        first = [{"to": "r0", "scopes": ["read"]}]
        return {
            "issuer": ISSUER,
            "limits": {"depth": DEPTH, "lifetime": lifetime, "denials_per_minute": 10_000},
            "resources": {
                name: {
                    "audience": f"https://{name}.example",
                    "scopes": ["read"],
                    "accepts": [CLIENT, "keyed"],
                    "served_by": CLIENT,
                }
                for name in names
            },
            "clients": {
                CLIENT: {
                    "authentication": "client_secret_basic",
                    "grants": ["token-exchange", "client_credentials"],
                    "exchange": [
                        {"to": to, "from": [source], "scopes": ["read"]} for source, to in pairwise(names)
                    ],
                    "tokens": first,
                },
                "keyed": {
                    "authentication": "private_key_jwt",
                    "grants": ["client_credentials"],
                    "tokens": first,
                    "jwks": [self.client_key.public_jwk()],
                },
            },
            "trusted_issuers": {
                "once": {
                    "issuer": ONCE,
                    "audience": "us",
                    "accepts": ["id_token"],
                    "presented_by": [CLIENT],
                    "subject": "once:{sub}",
                    "single_use": True,
                    "jwks": [self.foreign_key.public_jwk()],
                    "grants": [{"client": CLIENT, "to": "r0", "scopes": ["read"]}],
                }
            },
        }

    def start(self, *options: str, **changes: str) -> ServingNode:
        """One more node; it may still be starting."""
        node = self._running.enter_context(ServingNode(self.settings, *options, **changes))
        self.nodes.append(node)
        return node

    def start_shifted(self, seconds: int) -> ShiftedNode:
        """One more node, whose clock is that far ahead."""
        return self._running.enter_context(ShiftedNode(self.settings, str(seconds)))

    def assertion(self) -> str:
        """A client assertion of `keyed` (RFC 7523 §2.2), never used before."""
        now = int(time.time())
        claims = {"iss": "keyed", "sub": "keyed", "aud": ISSUER, "exp": now + 60, "jti": new_id()}
        return jwt(self.client_key, claims)

    def foreign_credential(self) -> str:
        """An ID token that counts once, never used before."""
        now = int(time.time())
        claims = {"iss": ONCE, "sub": "a", "aud": "us", "iat": now, "exp": now + 300, "jti": new_id()}
        return jwt(self.foreign_key, claims)

    def events(self, after: int = 0) -> Iterator[tuple[int, Event]]:
        """The log, as another process reads it."""
        for stored in self.ledger.recorder.read(after=after):
            yield stored.position, decode(stored)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._running:
            self.ledger.close()
