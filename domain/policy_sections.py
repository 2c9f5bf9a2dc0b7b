"""The sections of a policy file and their keys: the one list that the compiler, the schema and the reference follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

POLICY: Final = ("issuer", "signing", "limits", "resources", "clients", "trusted_issuers")
SIGNING: Final = ("algorithm",)
LIMITS: Final = ("depth", "lifetime", "denials_per_minute", "requests_per_second")
RESOURCE: Final = ("audience", "scopes", "accepts", "served_by", "lifetime", "depth", "mode", "disabled")
CLIENT: Final = (
    "authentication",
    "grants",
    "exchange",
    "tokens",
    "jwks",
    "assertion_audiences",
    "lifetime",
    "depth",
    "requests_per_second",
    "mode",
    "disabled",
)
EXCHANGE: Final = ("to", "from", "scopes", "semantics", "mode", "circular", "lifetime")
TOKENS: Final = ("to", "scopes")
TRUSTED_ISSUER: Final = (
    "issuer",
    "audience",
    "accepts",
    "presented_by",
    "subject",
    "grants",
    "algorithms",
    "jwks",
    "jwks_uri",
    "pseudonymous",
    "single_use",
    "max_age",
    "required_claims",
    "lifetime",
    "disabled",
)
ISSUER_GRANT: Final = ("client", "to", "scopes")

SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "policy": POLICY,
    "signing": SIGNING,
    "limits": LIMITS,
    "resource": RESOURCE,
    "client": CLIENT,
    "exchange": EXCHANGE,
    "tokens": TOKENS,
    "trusted_issuer": TRUSTED_ISSUER,
    "grant": ISSUER_GRANT,
}
