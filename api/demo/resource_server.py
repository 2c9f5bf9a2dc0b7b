"""What any resource server does with a token that reaches it: verify it against the published keys (RFC 9068 §4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import jwt

from api.metadata import JWKS_PATH


class ResourceServer:
    """Verifies with a library that is not ours, from what the service publishes."""

    def __init__(self, http: httpx.Client, issuer: str) -> None:
        self._http = http
        self._issuer = issuer

    def claims(self, unverified_token: str, audience: str) -> Mapping[str, Any]:
        """The verified claims. Raises jwt.PyJWTError, httpx.HTTPError."""
        published = self._http.get(JWKS_PATH).raise_for_status().json()
        header = jwt.get_unverified_header(unverified_token)
        if header["typ"] != "at+jwt":
            raise jwt.InvalidTokenError(f"typ is {header['typ']}, not at+jwt")
        key = jwt.PyJWKSet.from_dict(published)[header["kid"]]
        claims: Mapping[str, Any] = jwt.decode(
            unverified_token,
            key,
            algorithms=[key.algorithm_name],
            audience=audience,
            issuer=self._issuer,
            options={"require": ["exp", "iat", "sub", "aud", "iss", "jti", "client_id"]},
        )
        return claims
