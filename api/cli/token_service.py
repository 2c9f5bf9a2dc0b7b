"""A running service, asked over HTTP as its clients ask it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote_plus

import httpx

from api.cli.exit_codes import CommandFailed, refused, unavailable

TIMEOUT: Final = 10.0
"""Seconds for connecting, and for the answer."""

Form = Mapping[str, str | Sequence[str]]


class TokenService:
    """One client at one service, authenticated with `client_secret_basic` (RFC 6749 §2.3.1)."""

    def __init__(self, url: str, client_id: str, client_secret: str) -> None:
        self._url = url.rstrip("/")
        # RFC 6749 §2.3.1: both halves are form-encoded before they become a Basic credential.
        self._login = httpx.BasicAuth(quote_plus(client_id), quote_plus(client_secret))

    def post(self, path: str, form: Form) -> Any:
        """The answer's JSON, `None` for an empty one. Raises CommandFailed with the OAuth error's own words."""
        try:
            answer = httpx.post(self._url + path, data=dict(form), auth=self._login, timeout=TIMEOUT)
        except httpx.HTTPError as error:
            raise unavailable(f"cannot reach {self._url}: {str(error) or type(error).__name__}") from None
        except (httpx.InvalidURL, UnicodeError) as error:
            raise unavailable(f"{self._url} is no URL: {error}") from None
        body = _json(answer)
        if answer.is_success:
            return body
        raise _failure(answer, body)


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json() if answer.content else None
    except ValueError:
        return None


def _failure(answer: httpx.Response, body: Any) -> CommandFailed:
    """RFC 6749 §5.2; what a proxy answers has no OAuth error in it."""
    if not isinstance(body, dict) or "error" not in body:
        return unavailable(f"{answer.url} answered {answer.status_code} and no OAuth error")
    said = f"{body['error']}: {body.get('error_description', '')} (HTTP {answer.status_code})"
    message = " ".join(said.split())
    return unavailable(message) if answer.status_code >= 500 else refused(message)
