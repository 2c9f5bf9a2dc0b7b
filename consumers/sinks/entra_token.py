"""An access token of Microsoft Entra by client credentials (RFC 6749 §4.4), kept until shortly before it expires."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Meta

from consumers.delivery import SinkMisconfigured, SinkUnavailable
from consumers.sinks.credential import required_secret
from consumers.sinks.http_receiver import Answer, HttpOptions, HttpReceiver, checked_url

EARLY: Final = 300.0
"""Seconds before its end at which a token is not used any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOptions(HttpOptions):
    """The keys by which an application shows who it is."""

    tenant: Annotated[str, Meta(min_length=1)]
    """Id of the directory (tenant)."""
    client_id: Annotated[str, Meta(min_length=1)]
    """Id of the application."""
    client_secret_file: str = ""
    """A file with its secret, which only its owner may read."""
    client_secret_env: str = ""
    """Instead of it, the variable with the secret."""
    login_url: str = "https://login.microsoftonline.com"
    """Where tokens are asked for; sovereign clouds have their own."""
    scope: str = "https://monitor.azure.com//.default"
    """What the token is for; sovereign clouds have their own."""


class _Granted(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: int = 0


class _Refused(msgspec.Struct, frozen=True):
    error: str = ""


class EntraToken:
    """The token of one application for one scope."""

    def __init__(self, options: TokenOptions, receiver: HttpReceiver) -> None:
        """Asks for nothing yet. Raises SinkMisconfigured."""
        self._options, self._receiver = options, receiver
        self._secret = required_secret("client_secret", options.client_secret_file, options.client_secret_env)
        where = checked_url(options.login_url, "login_url", plain_http=options.plain_http)
        self._where = f"{where.geturl().rstrip('/')}/{quote(options.tenant, safe='')}/oauth2/v2.0/token"
        self._token, self._until = "", 0.0

    def value(self) -> str:
        """A token that is good for some minutes. Raises SinkUnavailable, SinkMisconfigured."""
        if time.monotonic() >= self._until:
            self._token, self._until = self._asked()
        return self._token

    def forget(self) -> None:
        """The next call asks for a new one."""
        self._until = 0.0

    def _asked(self) -> tuple[str, float]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._options.client_id,
            "client_secret": self._secret.read(),
            "scope": self._options.scope,
        }
        started = time.monotonic()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self._receiver.ask(self._where, urlencode(form).encode(), headers)
        if answer.status == 429 or answer.status >= 500:
            raise SinkUnavailable(f"login_url answered {answer.status}", answer.retry_after)
        if answer.status != 200:
            raise SinkMisconfigured(f"login_url answered {answer.status} {_error(answer)}")
        try:
            granted = msgspec.json.decode(answer.body, type=_Granted)
        except msgspec.DecodeError:
            raise SinkMisconfigured("login_url answered without a token") from None
        # A short-lived one is used once rather than never.
        return granted.access_token, started + max(granted.expires_in - EARLY, 0.0)


def _error(answer: Answer) -> str:
    """The OAuth error code alone: the rest of such an answer may repeat what was sent."""
    try:
        error = msgspec.json.decode(answer.body, type=_Refused).error
    except msgspec.DecodeError:
        return ""
    return error if error.replace("_", "").isalnum() and len(error) <= 40 else ""
