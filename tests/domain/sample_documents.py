"""A small policy document that compiles, for tests to break one thing in."""

from __future__ import annotations

import copy
from typing import Any


def document() -> dict[str, Any]:
    """What a TOML parser returns for a policy of two resources, two clients and a trusted issuer."""
    return copy.deepcopy(
        {
            "issuer": "https://sts.example",
            "limits": {"depth": 5, "lifetime": "5m"},
            "resources": {
                "agent": {
                    "audience": "https://agent.example",
                    "scopes": ["trip.plan", "profile.read"],
                    "accepts": ["travel"],
                    "served_by": "agent",
                },
                "hr": {
                    "audience": "https://hr.example",
                    "scopes": ["profile.read", "budget.read"],
                    "accepts": ["agent"],
                    "lifetime": "2m",
                },
            },
            "clients": {
                "travel": {"authentication": "client_secret_basic", "grants": ["token-exchange"]},
                "agent": {
                    "authentication": "client_secret_post",
                    "grants": ["token-exchange", "client_credentials"],
                    "exchange": [{"to": "hr", "scopes": {"trip.plan": ["budget.read"]}}],
                    "tokens": [{"to": "counterfoil", "scopes": ["revoke"]}],
                },
            },
            "trusted_issuers": {
                "corp": {
                    "issuer": "https://login.corp.example",
                    "jwks_uri": "https://login.corp.example/jwks",
                    "audience": "travel",
                    "accepts": ["id_token"],
                    "presented_by": ["travel"],
                    "subject": "corp:{sub}",
                    "grants": [{"client": "travel", "to": "agent", "scopes": ["trip.plan"]}],
                }
            },
        }
    )


def put(document: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Set one value; `path` has slashes between keys and places in arrays; `None` removes it."""
    *steps, last = [int(step) if step.isdigit() else step for step in path.split("/")]
    inner: Any = document
    for step in steps:
        inner = inner[step] if isinstance(step, int) else inner.setdefault(step, {})
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return document
