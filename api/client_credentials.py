"""How a client says who it is: exactly one method a request (RFC 6749 §2.3). Parsing only; nothing is looked up."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from api.forms import Form, MalformedForm, form_decoded

_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]*={0,2}")
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""RFC 7523 §2.2."""


@dataclass(frozen=True, slots=True)
class BasicCredentials:
    """`client_secret_basic`."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PostCredentials:
    """`client_secret_post`."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AssertionCredentials:
    """`private_key_jwt`; `client_id` is optional beside it (RFC 7521 §4.2)."""

    unverified_assertion: str = field(repr=False)
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class NoCredentials:
    """Nothing that authenticates anybody."""


@dataclass(frozen=True, slots=True)
class UnusableCredentials:
    """Credentials that cannot be read, or more than one set."""

    error: Literal["invalid_request", "invalid_client"]
    why: str


PresentedCredentials = BasicCredentials | PostCredentials | AssertionCredentials | NoCredentials


def read_client_credentials(
    headers: Iterable[tuple[bytes, bytes]], form: Form
) -> PresentedCredentials | UnusableCredentials:
    """The one method that was used, or why none can be read."""
    sent = [value for name, value in headers if name == b"authorization"]
    asserts = "client_assertion" in form or "client_assertion_type" in form
    tells_secret = "client_secret" in form
    if len(sent) + asserts + tells_secret > 1:
        return UnusableCredentials("invalid_request", "more than one method")
    if sent:
        return _basic(sent[0], form.get("client_id"))
    if asserts:
        return _assertion(form)
    if tells_secret:
        client_id = form.get("client_id")
        if client_id is None:
            return UnusableCredentials("invalid_client", "client_id is missing")
        return PostCredentials(client_id, form["client_secret"])
    return NoCredentials()


def _assertion(form: Form) -> AssertionCredentials | UnusableCredentials:
    if form.get("client_assertion_type") != ASSERTION_TYPE or "client_assertion" not in form:
        return UnusableCredentials("invalid_client", "no assertion of a supported type")
    return AssertionCredentials(form["client_assertion"], form.get("client_id"))


def _basic(value: bytes, body_client_id: str | None) -> BasicCredentials | UnusableCredentials:
    """RFC 6749 §2.3.1: both parts form-encoded. Some clients send them raw; ours hold neither % nor +."""
    refused = UnusableCredentials("invalid_client", "Basic credentials cannot be read")
    scheme, _, encoded = value.partition(b" ")
    if scheme.lower() != b"basic":
        return refused
    try:
        pair = _base64_decoded(encoded.strip()).decode("ascii")
        user, colon, secret = pair.partition(":")
        client_id, client_secret = form_decoded(user), form_decoded(secret)
    except (binascii.Error, UnicodeDecodeError, MalformedForm):
        return refused
    if not colon or not client_id or not client_secret or not pair.isprintable():
        return refused
    if body_client_id not in (None, client_id):
        return UnusableCredentials("invalid_client", "client_id differs")
    return BasicCredentials(client_id, client_secret)


def _base64_decoded(encoded: bytes) -> bytes:
    """`base64.b64decode` with `validate`, without looking its pattern up each time. Raises binascii.Error."""
    if not _BASE64.fullmatch(encoded):
        raise binascii.Error
    return binascii.a2b_base64(encoded)
