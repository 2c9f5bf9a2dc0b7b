"""The HTTP surface: an application is data. The three hot routes stand before the router, as plain ASGI."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.endpoints import Endpoint
from api.metadata import (
    ADMIN_REVOCATION_PATH,
    INTROSPECTION_PATH,
    JWKS_PATH,
    REVOCATION_PATH,
    TOKEN_PATH,
    authorization_server_metadata,
    json_web_key_set,
    openid_configuration,
)
from api.openapi import openapi_document
from api.quick_cycle import QuickEndpoints
from api.service import Service
from eventstore.errors import StoreError

Answering = Callable[[Request], Awaitable[Response]]
"""Asynchronous, so that it runs in the event loop's thread: folded state belongs to that thread alone."""


class Application:
    """Dispatches to the hot routes by exact path, and everything else to Starlette.

    The protocol (`http_protocol`) answers most requests to those in `quick` without coming here.
    """

    def __init__(self, service: Service, jwks_max_age: int) -> None:
        self.admission = service.admission
        """What the HTTP protocol asks before it starts anything."""
        self._hot: dict[str, Endpoint] = {
            TOKEN_PATH: service.token,
            INTROSPECTION_PATH: service.introspection,
            REVOCATION_PATH: service.revocation,
            ADMIN_REVOCATION_PATH: service.administrative_revocation,
        }
        self.quick: QuickEndpoints = {path.encode(): endpoint for path, endpoint in self._hot.items()}
        self.end_streams = service.audit.end_streams
        """What the HTTP protocol calls when the server stops."""
        self._rest = _starlette(service, jwks_max_age)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hot = self._hot.get(scope["path"]) if scope["type"] == "http" else None
        await (hot or self._rest)(scope, receive, send)


def _starlette(service: Service, jwks_max_age: int) -> Starlette:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with service.running():
            yield

    return Starlette(
        routes=_routes(service, jwks_max_age),
        lifespan=lifespan,
        exception_handlers={HTTPException: _http_error, Exception: _internal_error},
    )


def _routes(service: Service, jwks_max_age: int) -> list[Route]:
    authority, barrier = service.ledger.authority, service.barrier

    def document(build: Callable[[], dict[str, Any]], max_age: int) -> Answering:
        async def answer(_: Request) -> Response:
            try:
                await barrier.passed()
            except StoreError:
                return _json({"error": "temporarily_unavailable"}, 503, {"Retry-After": "1"})
            return _json(build(), 200, {"Cache-Control": f"public, max-age={max_age}"})

        return answer

    def keys() -> dict[str, Any]:
        return json_web_key_set(authority.registry.published_keys())

    def metadata() -> dict[str, Any]:
        return authorization_server_metadata(authority.policy)

    def openid() -> dict[str, Any]:
        return openid_configuration(authority.policy)

    def openapi() -> dict[str, Any]:
        return openapi_document(authority.policy.issuer)

    async def ready(_: Request) -> Response:
        try:
            await barrier.passed()
        except StoreError:
            return _json({"status": "unavailable"}, 503, {"Retry-After": "1"})
        lag = round(service.store.lag, 3)
        body = {"status": "ready", "position": authority.position, "lag": lag}
        return _json(body, 200, {"Cache-Control": "no-store"})

    async def unsupported(_: Request) -> Response:
        return _json({"error": "unsupported_response_type"}, 400, {})

    async def healthy(_: Request) -> Response:
        return _json({"status": "alive"}, 200, {"Cache-Control": "no-store"})

    def route(path: str, answer: Answering) -> Route:
        return Route(path, answer, methods=["GET"])

    return [
        route("/.well-known/oauth-authorization-server", document(metadata, jwks_max_age)),
        route("/.well-known/openid-configuration", document(openid, jwks_max_age)),
        route(JWKS_PATH, document(keys, jwks_max_age)),
        route("/openapi.json", document(openapi, 3600)),
        route("/oauth/authorize", unsupported),
        route("/healthz", healthy),
        route("/readyz", ready),
        *(Route(path, endpoint, methods=["GET"]) for path, endpoint in service.audit.routes.items()),
        *service.log.routes(),
    ]


def _json(body: dict[str, Any], status: int, headers: dict[str, str]) -> Response:
    return Response(msgspec.json.encode(body), status, headers, media_type="application/json")


async def _http_error(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(getattr(error, "headers", None) or {})
    return _json({"error": "not_found" if status == 404 else "invalid_request"}, status, headers)


async def _internal_error(_: Request, __: Exception) -> Response:
    return _json({"error": "server_error"}, 500, {})
