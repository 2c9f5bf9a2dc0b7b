"""A small OpenID Provider for the demonstration: signs a real ID token for an employee (OpenID Connect Core §3.1).

It signs in whoever `login_hint` names, without asking for anything. It exists for the demonstration and for tests.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from api.signing_keys import SigningKey

LIFETIME: Final = 600
"""Seconds that an ID token of the demonstration lives."""


class IdentityProvider:
    """The authorization code flow, reduced to what one ID token needs."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._key = SigningKey.generate("ES256")
        self._codes: dict[str, tuple[str, str, str]] = {}

    def application(self) -> Starlette:
        """The provider as an ASGI application."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._configuration),
                Route("/jwks", self._jwks),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _configuration(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
            }
        )

    async def _jwks(self, _: Request) -> Response:
        return JSONResponse({"keys": [self._key.public_jwk()]})

    async def _authorize(self, request: Request) -> Response:
        asked = request.query_params
        code = secrets.token_urlsafe(16)
        self._codes[code] = (asked["login_hint"], asked["client_id"], asked.get("nonce", ""))
        back = urlencode({"code": code, "state": asked.get("state", "")})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", status_code=302)

    async def _token(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode())
        found = self._codes.pop(form.get("code", [""])[0], None)
        if found is None:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        return JSONResponse({"token_type": "Bearer", "id_token": self._id_token(*found)})

    def _id_token(self, employee: str, audience: str, nonce: str) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": employee,
            "aud": audience,
            "iat": now,
            "exp": now + LIFETIME,
            "nonce": nonce,
            "jti": secrets.token_urlsafe(16),
        }
        payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
        signing_input = self._key.header_segment_for("JWT") + b"." + payload
        return (signing_input + b"." + self._key.sign(signing_input)).decode()
