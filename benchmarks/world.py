"""A store with a policy, and tokens to exchange in it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from api.key_directory import KeyDirectory
from api.ledger import create_ledger, open_ledger
from api.operations import Operator
from api.service import Service
from api.settings import Settings
from api.stamps import milliseconds, new_id
from api.token_desk import IssuedToken
from benchmarks.load import request_bytes
from domain.identifiers import ClientId, Jti
from domain.policy_compilation import compile_policy
from domain.requests import ACCESS_TOKEN, AskedFor, Origin, RequestToken

MINTED_AT_ONCE = 256
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
CLIENT = ClientId("agent")
POLICY: dict[str, Any] = {
    "issuer": "https://sts.example",
    "limits": {"lifetime": "1h", "depth": 5},
    "resources": {
        "agent": {
            "audience": "https://agent.example",
            "scopes": ["trip.plan"],
            "accepts": ["agent"],
            "served_by": "agent",
        },
        "hr": {
            "audience": "https://hr.example",
            "scopes": ["profile.read", "budget.read"],
            "accepts": ["agent"],
            "served_by": "hr-service",
        },
    },
    "clients": {
        "agent": {
            "authentication": "client_secret_basic",
            "grants": ["token-exchange", "client_credentials"],
            "exchange": [{"to": "hr", "scopes": {"trip.plan": ["profile.read", "budget.read"]}}],
            "tokens": [{"to": "agent", "scopes": ["trip.plan"]}],
        },
        "hr-service": {"authentication": "client_secret_basic", "grants": []},
    },
}


class World:
    """A store in a folder, and the secret of its client."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "log.db"
        self._settings = Settings(store=str(self.store), node="bench")
        ledger = create_ledger(self.store)
        operator = Operator(
            ledger,
            KeyDirectory(self._settings.keys_path),
            by="b",
            node="b",
            new_id=new_id,
            clock=milliseconds,
        )
        _, secrets = operator.policy.apply(compile_policy(POLICY))
        operator.keys.first("ES256")
        ledger.close()
        secret = next(s.secret for s in secrets if s.client == CLIENT)
        self.authorization = "Basic " + base64.b64encode(f"{CLIENT}:{secret}".encode()).decode()

    def signing_key(self) -> Path:
        """The file with its private key."""
        return next(self._settings.keys_path.glob("*"))

    def mint(self, count: int) -> list[str]:
        """First tokens, issued by this process: the measured server has neither signed nor seen them."""
        return asyncio.run(self._mint(count))

    async def _mint(self, count: int) -> list[str]:
        ledger = open_ledger(self.store)
        service = Service(self._settings, ledger)
        credential = next(iter(ledger.authority.registry.credentials_of(CLIENT)))
        tokens: list[str] = []

        async def issue() -> None:
            while len(tokens) < count:
                outcome = await service.desk.decide(_first_token(credential))
                if not isinstance(outcome, IssuedToken):
                    raise RuntimeError(f"refused: {outcome}")
                tokens.append(outcome.token)

        async with service.running():
            await asyncio.gather(*(issue() for _ in range(MINTED_AT_ONCE)))
        return tokens

    def exchanges(self, tokens: Sequence[str]) -> list[bytes]:
        """A request to exchange each of the tokens."""
        return [self._exchange("/oauth/token", token) for token in tokens]

    def floor_exchanges(self, tokens: Sequence[str]) -> list[bytes]:
        """The same requests, for the floor."""
        return [self._exchange("/exchange", token) for token in tokens]

    def _exchange(self, path: str, token: str) -> bytes:
        form = {
            "grant_type": EXCHANGE,
            "subject_token": token,
            "subject_token_type": ACCESS_TOKEN,
            "audience": "https://hr.example",
            "scope": "profile.read",
        }
        return request_bytes(path, urlencode(form).encode(), self.authorization)

    def introspections(self, tokens: Sequence[str]) -> list[bytes]:
        """A request to introspect each of the tokens."""
        return [
            request_bytes("/oauth/introspect", urlencode({"token": t}).encode(), self.authorization)
            for t in tokens
        ]

    def first_token(self) -> bytes:
        """A request for a first token, which whoever answers it will have signed."""
        form = urlencode({"grant_type": "client_credentials", "audience": "https://agent.example"}).encode()
        return request_bytes("/oauth/token", form, self.authorization)


def _first_token(credential: str) -> RequestToken:
    return RequestToken(
        client=CLIENT,
        credential=credential,
        asked=AskedFor(grant="client_credentials", audiences=("agent",)),
        origin=Origin(node="bench", request=new_id()),
        subject_token=None,
        actor_token=None,
        event_id=new_id(),
        jti=Jti(new_id()),
    )
