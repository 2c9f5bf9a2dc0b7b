"""The sample policy that `make serve` and the demonstration use: a travel system, an agent, an HR service."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from api.policy_file import read_policy
from domain.policy import Policy

ISSUER: Final = "http://127.0.0.1:8080"
IDENTITY_PROVIDER: Final = "https://login.corp.example"


def sample_policy_text(issuer: str = ISSUER, identity_provider: str = IDENTITY_PROVIDER) -> str:
    """The file's text for an issuer and an identity provider."""
    text = (files("api") / "sample_policy.toml").read_text(encoding="utf-8")
    return text.replace(ISSUER, issuer).replace(IDENTITY_PROVIDER, identity_provider)


def sample_policy(issuer: str = ISSUER, identity_provider: str = IDENTITY_PROVIDER) -> Policy:
    """The same, compiled."""
    return read_policy(sample_policy_text(issuer, identity_provider).encode(), "sample_policy.toml")
