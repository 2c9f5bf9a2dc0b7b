"""URIs of a policy file: the issuer's own, audiences, and where a trusted issuer's keys are (RFC 3986)."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from domain.policy_problems import quoted
from domain.policy_values import Unreadable, text

LONGEST_AUDIENCE: Final = 200
"""Characters; events are looked up by it."""
LONGEST_URI: Final = 2048
_URI: Final = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.+")
_LABEL: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


def issuer_url(unverified: object) -> str:
    """An issuer identifier of our own (RFC 8414 §2), without a trailing slash: verifiers compare it as a string."""
    url = text(unverified)
    parts = _web_url(url)
    if "?" in url or parts.path.endswith("/"):
        raise Unreadable(
            "must have neither a query nor a trailing slash",
            f"Write {quoted(url.partition('?')[0].rstrip('/'))}.",
        )
    return url


def jwks_url(unverified: object) -> str:
    """Where an issuer publishes its keys; an address there is public or, for demonstrations, loopback."""
    url = text(unverified)
    host = _web_url(url).hostname or ""
    if _is_address(host) and not (ip_address(host).is_global or is_loopback(host)):
        raise Unreadable("has an address that is not public", "Keys are fetched from public addresses alone.")
    return url


def audience_uri(unverified: object) -> str:
    """An absolute URI without a fragment (RFC 8707 §2)."""
    uri = text(unverified)
    if len(uri) > LONGEST_AUDIENCE or "#" in uri or not _is_absolute(uri):
        raise Unreadable(
            f"must be an absolute URI without a fragment, at most {LONGEST_AUDIENCE} characters (RFC 8707 §2)",
            'Write it like "https://hr.example" or "urn:example:hr".',
        )
    return uri


def string_or_uri(unverified: object) -> str:
    """RFC 7519 §2 StringOrURI, as another issuer writes its `iss` or `aud`."""
    value = text(unverified)
    if len(value) > LONGEST_URI or not _URI.fullmatch(value):
        raise Unreadable(
            f"{quoted(value)} has characters that no identifier of an issuer has",
            "Copy it, letter by letter, from the issuer's tokens.",
        )
    return value


def assertion_audience(unverified: object) -> str:
    """One of the words that stand for an address of ours, or a literal `aud`."""
    value = text(unverified)
    if value in ASSERTION_AUDIENCE_WORDS:
        return value
    if not _is_absolute(value):
        raise Unreadable(
            f"{quoted(value)} is neither {', '.join(ASSERTION_AUDIENCE_WORDS)} nor an absolute URI",
            "Use one of the words, or write the whole URI.",
        )
    return value


ASSERTION_AUDIENCE_WORDS: Final = ("issuer", "token_endpoint", "endpoint")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine; then http is enough."""
    return host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def likeness(issuer: str) -> str:
    """What all spellings of an issuer have in common: scheme, case, default port and slashes do not tell them apart.

    For finding an issuer that stands twice; tokens are compared letter by letter.
    """
    spelled = re.sub(r"^https?://", "", unquote(issuer).casefold())
    host, _, path = spelled.partition("/")
    return re.sub(r"/+", "/", f"{re.sub(r':(443|80)$', '', host).rstrip('.')}/{path}").rstrip("/")


def _web_url(url: str) -> SplitResult:
    parts = _split(url)
    host = parts.hostname or ""
    if not url.startswith("https://") and not (url.startswith("http://") and is_loopback(host)):
        raise Unreadable("must be an https URL", "Write https://; http is for loopback hosts alone.")
    if "@" in parts.netloc or "#" in url:
        raise Unreadable("must have neither credentials nor a fragment", "Remove them.")
    if host not in parts.netloc or not (
        _is_address(host) or ("[" not in parts.netloc and _is_host_name(host))
    ):
        raise Unreadable(
            "must have a host name in lower case, or an address",
            "Write the host in lower case, without a final dot.",
        )
    return parts


def _split(url: str) -> SplitResult:
    try:
        if len(url) <= LONGEST_URI and _URI.fullmatch(url) and urlsplit(url).port != 0:
            return urlsplit(url)
    except ValueError:
        pass
    raise Unreadable("is no absolute URL", 'Write it like "https://sts.example".')


def _is_absolute(uri: str) -> bool:
    try:
        return bool(_URI.fullmatch(uri) and _SCHEME.fullmatch(uri) and urlsplit(uri))
    except ValueError:
        return False


def _is_host_name(host: str) -> bool:
    """A name whose last label is a number is an address to many programs, and not always the same one."""
    return len(host) <= 253 and bool(_HOST.fullmatch(host)) and not _NUMBER.fullmatch(host.rpartition(".")[2])


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return "%" not in host
