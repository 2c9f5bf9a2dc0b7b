"""The OpenAPI 3.1 document of the HTTP surface: every route, every parameter, every error body."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from api.audit.openapi import audit_paths, audit_schemas
from api.log_openapi import log_paths
from api.metadata import (
    ADMIN_REVOCATION_PATH,
    INTROSPECTION_PATH,
    JWKS_PATH,
    REVOCATION_PATH,
    TOKEN_PATH,
)
from api.oauth_errors import (
    ERRORS,
    INVALID_GRANT,
    METHOD,
    NOT_FOUND,
    TOO_FAST,
    TOO_LARGE,
    TOO_MANY_FAILURES,
    UNAVAILABLE,
    OAuthError,
)
from api.token_endpoint import GRANT_TYPES
from domain.requests import ACCESS_TOKEN, ID_TOKEN, JWT

_TYPES: Final = [ACCESS_TOKEN, JWT, ID_TOKEN]
_CLIENT_SCHEMES: Final[list[dict[str, list[str]]]] = [
    {"clientBasic": []},
    {"clientPost": []},
    {"clientAssertion": []},
]

_TOKEN_PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "grant_type": {
        "type": "string",
        "enum": list(GRANT_TYPES),
        "description": "RFC 6749 §4.4, 7523 §2.1, 8693 §2.1",
    },
    "subject_token": {"type": "string", "description": "token-exchange: the token to exchange"},
    "subject_token_type": {"type": "string", "enum": _TYPES},
    "actor_token": {"type": "string", "description": "token-exchange: a token of ours issued to the caller"},
    "actor_token_type": {"type": "string", "enum": _TYPES},
    "requested_token_type": {"type": "string", "enum": [ACCESS_TOKEN, JWT]},
    "assertion": {"type": "string", "description": "jwt-bearer: a trusted issuer's JWT"},
    "audience": {
        "type": "array",
        "items": {"type": "string"},
        "description": "name or audience of a resource",
    },
    "resource": {"type": "array", "items": {"type": "string", "format": "uri"}, "description": "RFC 8707 §2"},
    "scope": {
        "type": "string",
        "description": "space-separated; all that can be granted where it is left out",
    },
}
_ADMIN_PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "token": {"type": "string", "description": "a token or its jti: it and everything below it"},
    "chain": {"type": "string", "description": "jti of a first token: everything that descends from it"},
    "subject": {"type": "string", "description": "everything born of this subject so far, and below"},
    "client": {"type": "string", "description": "everything born of this client so far, and below"},
}
_ONE_TOKEN: Final[dict[str, dict[str, Any]]] = {
    "token": {"type": "string"},
    "token_type_hint": {"type": "string", "description": "ignored: there is one kind of token"},
}


def openapi_document(issuer: str) -> dict[str, Any]:
    """The document, with this issuer as the server."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Counterfoil",
            "version": "0.1.0",
            "description": "OAuth 2.0 token exchange (RFC 8693) that keeps a counterfoil of every token it tears off.",
        },
        "servers": [{"url": issuer}],
        "paths": _paths(),
        "components": {"schemas": _schemas(), "securitySchemes": _security_schemes()},
    }


def _paths() -> dict[str, Any]:
    reasons = [*ERRORS.values(), INVALID_GRANT]
    return {
        TOKEN_PATH: _post(
            "token", "Issue or exchange a token", _TOKEN_PARAMETERS, ["grant_type"], "Token", reasons
        ),
        REVOCATION_PATH: _post(
            "revoke",
            "Revoke a token and everything below it (RFC 7009)",
            _ONE_TOKEN,
            ["token"],
            None,
            reasons,
        ),
        INTROSPECTION_PATH: _post(
            "introspect",
            "What a resource is told about a token (RFC 7662)",
            _ONE_TOKEN,
            ["token"],
            "Introspection",
            [],
        ),
        ADMIN_REVOCATION_PATH: _post(
            "pullThePlug",
            "Revoke by token, chain, subject or client",
            _ADMIN_PARAMETERS,
            [],
            "Revocation",
            [NOT_FOUND],
        ),
        **audit_paths(),
        "/.well-known/oauth-authorization-server": _get("metadata", "RFC 8414 metadata"),
        "/.well-known/openid-configuration": _get(
            "openidConfiguration", "The same, for OpenID Connect discovery"
        ),
        JWKS_PATH: _get("jwks", "Public signing keys (RFC 7517)"),
        "/oauth/authorize": _refusing("authorize", "Not supported: nobody signs in here"),
        "/openapi.json": _get("openapi", "This document"),
        "/healthz": _get("alive", "Whether the process answers"),
        "/readyz": _get("ready", "Whether the store can be read"),
        **log_paths(),
    }


def _post(
    operation: str,
    summary: str,
    parameters: dict[str, dict[str, Any]],
    required: list[str],
    schema: str | None,
    reasons: Iterable[OAuthError],
) -> dict[str, Any]:
    admin = operation == "pullThePlug"
    form: dict[str, Any] = {"type": "object", "properties": parameters, "required": required}
    ok: dict[str, Any] = {"description": "Done"}
    if schema is not None:
        ok["content"] = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {
        "post": {
            "operationId": operation,
            "summary": summary,
            "security": [{"administrator": ["revoke"]}] if admin else _CLIENT_SCHEMES,
            "requestBody": {
                "required": True,
                "content": {"application/x-www-form-urlencoded": {"schema": form}},
            },
            "responses": {
                "200": ok,
                **_errors([*reasons, METHOD, TOO_LARGE, TOO_MANY_FAILURES, TOO_FAST, UNAVAILABLE], admin),
            },
        }
    }


def _errors(reasons: Iterable[OAuthError], admin: bool) -> dict[str, Any]:
    """One response a status, with one example an error code."""
    by_status: dict[str, dict[str, OAuthError]] = {}
    malformed = OAuthError(status=400, error="invalid_request", description="The request is malformed.")
    refused = OAuthError(
        status=401, error="invalid_token" if admin else "invalid_client", description="Who are you?"
    )
    scope = OAuthError(status=403, error="insufficient_scope", description="The scope revoke is required.")
    for error in [malformed, refused, *([scope] if admin else []), *reasons]:
        by_status.setdefault(str(error.status), {}).setdefault(error.error, error)
    return {status: _error_response(errors) for status, errors in sorted(by_status.items())}


def _error_response(errors: dict[str, OAuthError]) -> dict[str, Any]:
    examples = {
        code: {"value": {"error": error.error, "error_description": error.description}}
        for code, error in errors.items()
    }
    schema = {"$ref": "#/components/schemas/Error"}
    return {
        "description": ", ".join(errors),
        "content": {"application/json": {"schema": schema, "examples": examples}},
    }


def _get(operation: str, summary: str) -> dict[str, Any]:
    body = {"application/json": {"schema": {"type": "object"}}}
    answers = {"200": {"description": "OK", "content": body}}
    if operation != "alive":
        answers["503"] = {"description": "The event store cannot be read", "content": body}
    return {"get": {"operationId": operation, "summary": summary, "responses": answers}}


def _refusing(operation: str, summary: str) -> dict[str, Any]:
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    answers = {"400": {"description": "unsupported_response_type", "content": body}}
    return {"get": {"operationId": operation, "summary": summary, "responses": answers}}


def _schemas() -> dict[str, Any]:
    text = {"type": "string"}
    audiences = {"oneOf": [text, {"type": "array", "items": text}]}
    number = {"type": "integer"}
    return {
        "Token": _object(
            {
                "access_token": text,
                "issued_token_type": {"type": "string", "enum": [ACCESS_TOKEN, JWT]},
                "token_type": {"const": "Bearer"},
                "expires_in": number,
                "scope": text,
            }
        ),
        "Introspection": {
            "type": "object",
            "required": ["active"],
            "properties": {
                "active": {"type": "boolean"},
                "aud": audiences,
                "act": {"type": "object", "description": "RFC 8693 §4.1"},
                **dict.fromkeys(("iss", "sub", "jti", "client_id", "scope", "token_type", "txn"), text),
                **dict.fromkeys(("exp", "iat"), number),
            },
        },
        "Revocation": {
            "type": "object",
            "required": ["revoked", "position"],
            "properties": {
                "revoked": {
                    "type": "boolean",
                    "description": "false where all that is named was dead already",
                },
                "position": number,
                **dict.fromkeys(_ADMIN_PARAMETERS, text),
            },
        },
        **audit_schemas(),
        "Error": _object({"error": text, "error_description": text}, required=["error"]),
    }


def _object(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {"type": "object", "required": required or list(properties), "properties": properties}


def _security_schemes() -> dict[str, Any]:
    return {
        "clientBasic": {"type": "http", "scheme": "basic", "description": "client_secret_basic"},
        "clientPost": {
            "type": "apiKey",
            "in": "query",
            "name": "client_secret",
            "description": "client_secret_post: client_id and client_secret in the form body, never in the URL",
        },
        "clientAssertion": {
            "type": "apiKey",
            "in": "query",
            "name": "client_assertion",
            "description": "private_key_jwt: client_assertion and client_assertion_type in the form body (RFC 7523)",
        },
        "administrator": {
            "type": "oauth2",
            "description": "an access token for the built-in resource counterfoil",
            "flows": {
                "clientCredentials": {
                    "tokenUrl": TOKEN_PATH,
                    "scopes": {"revoke": "pull the plug", "audit:read": "read the log"},
                }
            },
        },
    }
