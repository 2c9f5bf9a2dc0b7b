"""The time claims of a JWT (RFC 7519 §4.1.4-4.1.6), as whole seconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

MAX_NUMERIC_DATE: Final = 2**53
"""The first integer that not every JSON reader keeps exactly (RFC 8259 §6)."""

TimeFault = Literal[
    "exp_missing",
    "exp_malformed",
    "iat_missing",
    "iat_malformed",
    "nbf_malformed",
    "expired",
    "not_yet_valid",
    "issued_in_the_future",
    "too_old",
    "lives_too_long",
]


def check_times(
    claims: Mapping[str, Any],
    now: float,
    leeway: int,
    *,
    iat_required: bool = True,
    max_age: int | None = None,
    max_lifetime: int | None = None,
) -> TimeFault | None:
    """What is wrong with `exp`, `iat` and `nbf` at `now`, or None. All arguments are in seconds.

    `exp` is always required. `leeway` stretches each bound, for the clocks of others. `max_age` bounds the time since
    `iat`, `max_lifetime` the time until `exp`. A present claim that is no integer is a fault, required or not.
    """
    return _shape_fault(claims, iat_required) or _clock_fault(claims, now, leeway, max_age, max_lifetime)


def _shape_fault(claims: Mapping[str, Any], iat_required: bool) -> TimeFault | None:
    if "exp" not in claims:
        return "exp_missing"
    if not _is_numeric_date(claims["exp"]):
        return "exp_malformed"
    if "iat" not in claims and iat_required:
        return "iat_missing"
    if "iat" in claims and not _is_numeric_date(claims["iat"]):
        return "iat_malformed"
    if "nbf" in claims and not _is_numeric_date(claims["nbf"]):
        return "nbf_malformed"
    return None


def _is_numeric_date(value: object) -> bool:
    # Not isinstance: True is an int to Python and no date to anyone.
    return type(value) is int and 0 < value < MAX_NUMERIC_DATE


def _clock_fault(
    claims: Mapping[str, Any], now: float, leeway: int, max_age: int | None, max_lifetime: int | None
) -> TimeFault | None:
    exp, iat, nbf = claims["exp"], claims.get("iat"), claims.get("nbf")
    if now >= exp + leeway:
        return "expired"
    if nbf is not None and nbf > now + leeway:
        return "not_yet_valid"
    if iat is not None and iat > now + leeway:
        return "issued_in_the_future"
    if max_age is not None and iat is not None and now > iat + max_age + leeway:
        return "too_old"
    if max_lifetime is not None and exp > now + max_lifetime + leeway:
        return "lives_too_long"
    return None
