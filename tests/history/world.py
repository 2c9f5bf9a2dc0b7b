"""The policy of a run: five services that may all call each other, one company whose users sign in, one administrator.

Everybody may go everywhere, so chains grow until depth or a circle stops them, and every refusal has its turn.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from api.signing_keys import SigningKey
from tests.history.operations import Switch
from tests.service_under_test import jwt

SERVICES: Final = ("web", "orders", "stock", "billing", "mail")
ISSUER: Final = "https://sts.example"
CORP: Final = "https://login.corp.example"
USERS: Final = tuple(f"u{number}" for number in range(12))
ADMINISTRATOR: Final = "security"
DEPTHS: Final = (1, 2, 3, 4)
LIFETIME: Final = 20
"""Seconds: tokens also die of age within a run."""
SHORT_LIFETIME: Final = 5
"""Seconds, at `billing`."""
DELEGATING: Final = "mail"
"""Who calls it may present an actor token of its own."""


def audience(service: str) -> str:
    """The audience of a service's resource."""
    return f"https://{service}.example"


class World:
    """The policy as it is to be, and the company's key."""

    def __init__(self) -> None:
        self.corp_key = SigningKey.generate("ES256")
        self.depth = 3
        self.disabled: set[tuple[str, str]] = set()
        """Kind and service: (`clients`, `web`)."""

    def id_token(self, user: str) -> str:
        """What a user of the company signs in with."""
        now = int(time.time())
        claims = {"iss": CORP, "sub": user, "aud": "web", "iat": now, "exp": now + 300}
        return jwt(self.corp_key, claims)

    def switches(self) -> tuple[Switch, ...]:
        """What the policy says of every party: applied, it says it of all of them."""
        return tuple(
            switch
            for service in SERVICES
            for switch in (
                Switch(kind="client", name=service, disabled=("clients", service) in self.disabled),
                Switch(
                    kind="resource", name=audience(service), disabled=("resources", service) in self.disabled
                ),
            )
        )

    def write(self, path: Path) -> Path:
        """The policy file."""
        sections: dict[str, Mapping[str, Any]] = {
            "limits": {"depth": self.depth, "lifetime": LIFETIME, "denials_per_minute": 100_000}
        }
        for service in SERVICES:
            sections[f"resources.{service}"] = self._resource(service)
            sections[f"clients.{service}"] = self._client(service)
        sections[f"clients.{ADMINISTRATOR}"] = {
            "authentication": "client_secret_basic",
            "grants": ["client_credentials"],
            "tokens": [{"to": "counterfoil", "scopes": ["revoke"]}],
        }
        sections["trusted_issuers.corp"] = self._corp()
        lines = [f'issuer = "{ISSUER}"']
        for name, section in sections.items():
            lines.append(f"[{name}]")
            lines += [f"{key} = {_toml(value)}" for key, value in section.items()]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def _resource(self, service: str) -> dict[str, Any]:
        return {
            "audience": audience(service),
            "scopes": ["read", "write"],
            "accepts": list(SERVICES),
            "served_by": service,
            "disabled": ("resources", service) in self.disabled,
            "lifetime": SHORT_LIFETIME if service == "billing" else LIFETIME,
        }

    def _client(self, service: str) -> dict[str, Any]:
        return {
            "authentication": "client_secret_basic",
            "grants": ["token-exchange", "client_credentials"],
            "disabled": ("clients", service) in self.disabled,
            "tokens": [{"to": service, "scopes": ["read", "write"]}],
            "exchange": [
                {
                    "to": other,
                    "scopes": ["read", "write"] if other != "stock" else ["read"],
                    "semantics": "delegation" if other == DELEGATING else "impersonation",
                }
                for other in SERVICES
                if other != service
            ],
        }

    def _corp(self) -> dict[str, Any]:
        return {
            "issuer": CORP,
            "jwks": [dict(self.corp_key.public_jwk())],
            "audience": "web",
            "accepts": ["id_token"],
            "presented_by": ["web"],
            "subject": "corp:{sub}",
            "grants": [{"client": "web", "to": "web", "scopes": ["read", "write"]}],
        }


def _toml(value: object) -> str:
    """Enough TOML for the policy above: its strings, numbers and lists are written as in JSON."""
    match value:
        case dict():
            return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case _:
            return json.dumps(value)
