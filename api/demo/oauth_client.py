"""A registered client of the demonstration: what it asks of the service, each time over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from api.metadata import INTROSPECTION_PATH, REVOCATION_PATH, TOKEN_PATH
from domain.requests import ACCESS_TOKEN

TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """What came back, and the id under which the log knows the request."""

    status: int
    body: Mapping[str, Any]
    request: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient:
    """Authenticates with `client_secret_basic` (RFC 6749 §2.3.1). Every method raises httpx.HTTPError."""

    name: str
    secret: str
    http: httpx.Client
    """Its `base_url` is the service's."""

    def exchange(
        self, token: str, *, to: str, scope: str | None = None, token_type: str = ACCESS_TOKEN
    ) -> HttpAnswer:
        """RFC 8693 §2.1."""
        form = {
            "grant_type": TOKEN_EXCHANGE,
            "subject_token": token,
            "subject_token_type": token_type,
            "audience": to,
        }
        return self._post(TOKEN_PATH, form if scope is None else {**form, "scope": scope})

    def introspect(self, token: str) -> HttpAnswer:
        """RFC 7662 §2.1."""
        return self._post(INTROSPECTION_PATH, {"token": token})

    def revoke(self, token: str) -> HttpAnswer:
        """RFC 7009 §2.1."""
        return self._post(REVOCATION_PATH, {"token": token})

    def _post(self, path: str, form: Mapping[str, str]) -> HttpAnswer:
        answer = self.http.post(path, data=form, auth=(self.name, self.secret))
        body = answer.json() if answer.content else {}
        return HttpAnswer(status=answer.status_code, body=body, request=answer.headers["x-request-id"])
