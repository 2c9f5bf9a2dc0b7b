"""The policies of the measured stores."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

from domain.identifiers import ClientId

CLIENT: Final = ClientId("agent")
"""Who asks for everything."""
TWO_RESOURCES: Final[dict[str, Any]] = {
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


def chain_policy(depth: int) -> dict[str, Any]:
    """One resource more than a chain of that depth has exchanges, so that it ends without a circle. All of them are
    served by one client, so that every depth is asked for by the same secret."""
    names = [f"step-{number}" for number in range(depth + 1)]
    resource = {"scopes": ["trip.plan"], "accepts": [CLIENT], "served_by": CLIENT}
    return {
        "issuer": "https://sts.example",
        "limits": {"lifetime": "1h", "depth": depth},
        "resources": {name: {"audience": audience_of(name), **resource} for name in names},
        "clients": {
            CLIENT: {
                "authentication": "client_secret_basic",
                "grants": ["token-exchange", "client_credentials"],
                "exchange": [
                    {"from": [before], "to": after, "scopes": ["trip.plan"]}
                    for before, after in pairwise(names)
                ],
                "tokens": [{"to": names[0], "scopes": ["trip.plan"]}],
            },
        },
    }


def audience_of(resource: str) -> str:
    """Its identifier in a request."""
    return f"https://{resource}.example"
