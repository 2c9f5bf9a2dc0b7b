"""Authorization server metadata (RFC 8414) and the JWKS (RFC 7517). Whatever stands here is true of this service."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from api.client_authentication import ASSERTION_ALGORITHMS
from api.token_endpoint import GRANT_TYPES
from domain.keys import Key
from domain.policy import Policy

TOKEN_PATH: Final = "/oauth/token"
REVOCATION_PATH: Final = "/oauth/revoke"
INTROSPECTION_PATH: Final = "/oauth/introspect"
JWKS_PATH: Final = "/.well-known/jwks.json"
ADMIN_REVOCATION_PATH: Final = "/admin/revoke"
AUDIT_EVENTS_PATH: Final = "/audit/events"
AUDIT_TAIL_PATH: Final = "/audit/tail"
AUDIT_LINEAGE_PATH: Final = "/audit/lineage"
AUDIT_AS_OF_PATH: Final = "/audit/as-of"
AUDIT_PATHS: Final = (AUDIT_EVENTS_PATH, AUDIT_TAIL_PATH, AUDIT_LINEAGE_PATH, AUDIT_AS_OF_PATH)
METHODS: Final = ("client_secret_basic", "client_secret_post", "private_key_jwt")


def authorization_server_metadata(policy: Policy) -> dict[str, Any]:
    """RFC 8414 §2. There is no authorization endpoint, so no response types are supported."""
    issuer = policy.issuer
    return {
        "issuer": issuer,
        "token_endpoint": issuer + TOKEN_PATH,
        "revocation_endpoint": issuer + REVOCATION_PATH,
        "introspection_endpoint": issuer + INTROSPECTION_PATH,
        "jwks_uri": issuer + JWKS_PATH,
        "service_documentation": issuer + "/openapi.json",
        "grant_types_supported": list(GRANT_TYPES),
        "response_types_supported": [],
        "scopes_supported": sorted({scope for r in policy.resources.values() for scope in r.scopes}),
        **_authentication("token"),
        **_authentication("revocation"),
        **_authentication("introspection"),
    }


def _authentication(endpoint: str) -> dict[str, list[str]]:
    return {
        f"{endpoint}_endpoint_auth_methods_supported": list(METHODS),
        f"{endpoint}_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
    }


def openid_configuration(policy: Policy) -> dict[str, Any]:
    """The same for clients whose discovery starts here and insists on the fields of OpenID Connect Discovery §3.

    Nobody signs in here: the authorization endpoint is named because it must be, and answers that it is not supported.
    """
    return {
        **authorization_server_metadata(policy),
        "authorization_endpoint": policy.issuer + "/oauth/authorize",
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [policy.signing_algorithm],
    }


def json_web_key_set(keys: Iterable[Key]) -> dict[str, Any]:
    """The public keys that verifiers may meet now or soon."""
    return {"keys": [dict(key.jwk) for key in keys]}
