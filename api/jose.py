"""The guard in front of every JWT: the compact form, parsed strictly before any key is looked up (RFC 7515 §5.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from api import base64url
from api.algorithms import ALGORITHMS
from api.strict_json import NotStrictJson, decode_object

MAX_LENGTH: Final = 16_384
"""Characters of a whole token; looked at before anything is decoded."""

MalformedReason = Literal[
    "too_long",
    "not_compact",
    "not_base64url",
    "header_not_json",
    "claims_not_json",
    "header_member",
    "algorithm",
    "key_id",
    "type",
]


class MalformedToken(Exception):
    """No JWT that this service would look at twice. Its message is the closed reason, never any part of the token."""

    def __init__(self, reason: MalformedReason) -> None:
        super().__init__(reason)
        self.reason: Final = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderRules:
    """What a protected header may hold. `crit` and `b64` are never in `members`, so no extension is ever in force."""

    members: frozenset[str]
    key_id_length: int
    """Characters of `kid`."""


OWN_HEADER: Final = HeaderRules(members=frozenset({"alg", "typ", "kid"}), key_id_length=64)
FOREIGN_HEADER: Final = HeaderRules(
    members=OWN_HEADER.members | {"x5t", "x5t#S256", "x5c", "x5u", "jku", "jwk"}, key_id_length=256
)
"""Some say where their key is. It is allowed and never followed: keys come from configuration alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedJws:
    """A JWT in parts. Nothing in it is to be believed before `verify` returned."""

    unverified_header: Mapping[str, Any]
    unverified_claims: Mapping[str, Any]
    signing_input: bytes
    signature: bytes

    @property
    def alg(self) -> str:
        """RFC 7515 §4.1.1, always one of `ALGORITHMS`."""
        alg: str = self.unverified_header["alg"]
        return alg

    @property
    def kid(self) -> str | None:
        """RFC 7515 §4.1.4."""
        return self.unverified_header.get("kid")

    @property
    def media_type(self) -> str | None:
        """`typ` as media types are compared: in lower case, without `application/` (RFC 7515 §4.1.9)."""
        typ: str | None = self.unverified_header.get("typ")
        return None if typ is None else typ.lower().removeprefix("application/")


def parse_compact(token: str, rules: HeaderRules = OWN_HEADER) -> UnverifiedJws:
    """Split and decode a JWS in compact form. Raises `MalformedToken` and nothing else, whatever the text."""
    if len(token) > MAX_LENGTH:
        raise MalformedToken("too_long")
    if _COMPACT.fullmatch(token) is None:
        raise MalformedToken("not_compact")
    signing_input, _, signature = token.encode("ascii").rpartition(b".")
    header, _, claims = signing_input.partition(b".")
    unverified_header = _object(header, "header_not_json")
    _check_header(unverified_header, rules)
    return UnverifiedJws(
        unverified_header=unverified_header,
        unverified_claims=_object(claims, "claims_not_json"),
        signing_input=signing_input,
        signature=_octets(signature),
    )


_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+/-]{1,64}")


def _octets(segment: bytes) -> bytes:
    try:
        return base64url.decode(segment)
    except ValueError:
        raise MalformedToken("not_base64url") from None


def _object(segment: bytes, reason: MalformedReason) -> dict[str, Any]:
    octets = _octets(segment)
    try:
        return decode_object(octets)
    except NotStrictJson:
        raise MalformedToken(reason) from None


def _check_header(unverified_header: Mapping[str, Any], rules: HeaderRules) -> None:
    if not unverified_header.keys() <= rules.members:
        raise MalformedToken("header_member")
    alg = unverified_header.get("alg")
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        raise MalformedToken("algorithm")
    if "kid" in unverified_header:
        _check_key_id(unverified_header["kid"], rules.key_id_length)
    if "typ" in unverified_header:
        _check_type(unverified_header["typ"])


def _check_key_id(kid: object, length: int) -> None:
    if not isinstance(kid, str) or not 0 < len(kid) <= length or not kid.isprintable():
        raise MalformedToken("key_id")


def _check_type(typ: object) -> None:
    if not isinstance(typ, str) or _TYPE.fullmatch(typ) is None:
        raise MalformedToken("type")
