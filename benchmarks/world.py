"""A store with a policy, and tokens to exchange in it."""

from __future__ import annotations

import asyncio
import base64
import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from api.operations import Operator
from api.sealing import SETTING
from api.service import Service
from api.settings import PREFIX, Settings
from api.stamps import milliseconds, new_id
from api.stores import created, node_secrets, opened
from api.token_desk import IssuedToken
from benchmarks.load import request_bytes
from benchmarks.policies import CLIENT, TWO_RESOURCES, audience_of
from domain.identifiers import Jti
from domain.policy_compilation import compile_policy
from domain.requests import ACCESS_TOKEN, AskedFor, Origin, RequestToken

MINTED_AT_ONCE = 256
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


class World:
    """A store with a policy and a key, and the secret of its client."""

    def __init__(self, settings: Settings, policy: Mapping[str, Any] = TWO_RESOURCES) -> None:
        """On a new store: an embedded one, or a database that is migrated."""
        self._settings = settings
        ledger = created(settings)
        operator = Operator(
            ledger,
            node_secrets(settings, ledger).keys,
            by="b",
            node="b",
            new_id=new_id,
            clock=milliseconds,
        )
        _, secrets = operator.policy.apply(compile_policy(policy))
        operator.keys.first("ES256")
        ledger.close()
        secret = next(s.secret for s in secrets if s.client == CLIENT)
        self.authorization = "Basic " + base64.b64encode(f"{CLIENT}:{secret}".encode()).decode()

    @property
    def store(self) -> Path:
        """The file of the embedded store."""
        return self._settings.store_path

    @property
    def environment(self) -> dict[str, str]:
        """What a server on this store needs; not on its command line, which everybody can read."""
        kek = self._settings.key_encryption_key
        return {f"{PREFIX}STORE": self._settings.store, **({SETTING: kek} if kek else {})}

    def reached_by(self, settings: Settings) -> World:
        """The same store and secret under other settings."""
        other = copy.copy(self)
        other._settings = settings  # noqa: SLF001 - of a copy of itself
        return other

    def signing_key(self) -> Path:
        """The file with its private key; of the embedded store."""
        return next(self._settings.keys_path.glob("*"))

    def mint(self, count: int) -> list[str]:
        """First tokens, issued by this process: the measured server has neither signed nor seen them."""
        return asyncio.run(self._mint(count))

    async def _mint(self, count: int) -> list[str]:
        ledger = opened(self._settings)
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

    def exchanges(self, tokens: Sequence[str], to: str = "hr", scope: str = "profile.read") -> list[bytes]:
        """A request to exchange each of the tokens."""
        return [self._exchange("/oauth/token", token, to, scope) for token in tokens]

    def floor_exchanges(self, tokens: Sequence[str]) -> list[bytes]:
        """The same requests, for the floor."""
        return [self._exchange("/exchange", token, "hr", "profile.read") for token in tokens]

    def _exchange(self, path: str, token: str, to: str, scope: str) -> bytes:
        form = {
            "grant_type": EXCHANGE,
            "subject_token": token,
            "subject_token_type": ACCESS_TOKEN,
            "audience": audience_of(to),
            "scope": scope,
        }
        return request_bytes(path, urlencode(form).encode(), self.authorization)

    def introspections(self, tokens: Sequence[str]) -> list[bytes]:
        """A request to introspect each of the tokens."""
        return [
            request_bytes("/oauth/introspect", urlencode({"token": t}).encode(), self.authorization)
            for t in tokens
        ]

    def first_token(self, resource: str = "agent") -> bytes:
        """A request for a first token, which whoever answers it will have signed."""
        form = urlencode({"grant_type": "client_credentials", "audience": audience_of(resource)}).encode()
        return request_bytes("/oauth/token", form, self.authorization)


def embedded_world(folder: Path, policy: Mapping[str, Any] = TWO_RESOURCES) -> World:
    """On an embedded store in that folder, which holds nothing yet."""
    return World(Settings(store=str(folder / "log.db"), node="bench"), policy)


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
