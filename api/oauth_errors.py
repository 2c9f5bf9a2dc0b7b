"""The one table from a refusal to its HTTP error. Nothing else in this service builds an OAuth error.

Where products disagree we follow the words of the RFCs: `invalid_request` for every problem of a presented token
(RFC 8693 §2.2.2), `invalid_target` for the target (RFC 8693 §2.2.2, RFC 8707 §2), `invalid_scope` for the scope
(RFC 6749 §5.2). The precise reason is in the refusal event; descriptions stay generic, so that nobody can probe.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from domain.policy import GrantType
from domain.refusals import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthError(Exception):
    """An error answer; `description` has only the characters of RFC 6749 §5.2."""

    status: int
    error: str
    description: str
    challenge: str | None = None
    """`WWW-Authenticate`, RFC 6750 §3, RFC 7235 §4.1."""
    retry_after: int | None = None
    """Seconds, RFC 9110 §10.2.3."""


BASIC: Final = 'Basic realm="counterfoil", charset="UTF-8"'


def _bad(error: str, description: str) -> OAuthError:
    return OAuthError(status=400, error=error, description=description)


_MALFORMED: Final = _bad(
    "invalid_request", "The request is malformed: a parameter is missing, invalid or given twice."
)
_TOKEN: Final = _bad(
    "invalid_request", "A presented token is invalid, expired, revoked or not acceptable here."
)
_TYPE: Final = _bad(
    "invalid_request", "A token type is not supported, or the token is not of the type that was named."
)
_TARGET: Final = _bad("invalid_target", "The target is unknown, or this client may not get a token for it.")
_NO_TARGET: Final = _bad("invalid_request", "Name the target: audience or resource is required.")
_SCOPE: Final = _bad("invalid_scope", "The scope is invalid, unknown, or exceeds what can be granted.")
_CLIENT: Final = OAuthError(
    status=401, error="invalid_client", description="Client authentication failed.", challenge=BASIC
)
_TWO_METHODS: Final = _bad("invalid_request", "Use exactly one method of client authentication.")
_GRANT: Final = _bad("unauthorized_client", "This client may not use this grant type.")
_NO_GRANT: Final = _bad("unsupported_grant_type", "This grant type is not supported.")
INVALID_GRANT: Final = _bad("invalid_grant", "The assertion is invalid, expired or not acceptable here.")
_NOT_YOURS: Final = _bad("invalid_grant", "The token was not issued to this client.")

ERRORS: Final[dict[Reason, OAuthError]] = {
    Reason.REQUEST_MALFORMED: _MALFORMED,
    Reason.GRANT_TYPE_UNSUPPORTED: _NO_GRANT,
    Reason.GRANT_NOT_ALLOWED: _GRANT,
    Reason.TOKEN_TYPE_UNSUPPORTED: _TYPE,
    Reason.REQUESTED_TYPE_UNSUPPORTED: _TYPE,
    Reason.CLIENT_DISABLED: _CLIENT,
    Reason.CREDENTIAL_RETIRED: _CLIENT,
    Reason.SUBJECT_DISABLED: _TOKEN,
    Reason.RESOURCE_DISABLED: _TARGET,
    Reason.ISSUER_DISABLED: _TOKEN,
    Reason.TOKEN_MALFORMED: _TOKEN,
    Reason.TOKEN_TYPE_MISMATCH: _TYPE,
    Reason.TOKEN_ISSUER_UNKNOWN: _TOKEN,
    Reason.TOKEN_KEY_UNKNOWN: _TOKEN,
    Reason.TOKEN_SIGNATURE_INVALID: _TOKEN,
    Reason.TOKEN_FORGED: _TOKEN,
    Reason.TOKEN_AUDIENCE_WRONG: _TOKEN,
    Reason.TOKEN_CLAIMS_UNACCEPTABLE: _TOKEN,
    Reason.TOKEN_EXPIRED: _TOKEN,
    Reason.TOKEN_NOT_YET_VALID: _TOKEN,
    Reason.TOKEN_TOO_OLD: _TOKEN,
    Reason.TOKEN_REPLAYED: _TOKEN,
    Reason.TOKEN_PRESENTER_WRONG: _TOKEN,
    Reason.SENDER_CONSTRAINT_UNPROVEN: _TOKEN,
    Reason.KEY_COMPROMISED: _TOKEN,
    Reason.TOKEN_REVOKED: _TOKEN,
    Reason.ANCESTOR_REVOKED: _TOKEN,
    Reason.CHAIN_REVOKED: _TOKEN,
    Reason.SUBJECT_REVOKED: _TOKEN,
    Reason.CLIENT_REVOKED: _TOKEN,
    Reason.CLIENT_NOT_RECIPIENT: _TOKEN,
    Reason.MAY_ACT_MISMATCH: _TOKEN,
    Reason.ACTOR_NOT_CLIENT: _TOKEN,
    Reason.ACTOR_IS_SUBJECT: _TOKEN,
    Reason.ACT_TOO_DEEP: _TOKEN,
    Reason.DELEGATION_NOT_ALLOWED: _TOKEN,
    Reason.TARGET_MISSING: _NO_TARGET,
    Reason.TARGET_MALFORMED: _TARGET,
    Reason.TARGET_UNKNOWN: _TARGET,
    Reason.TARGETS_TOO_MANY: _TARGET,
    Reason.TARGET_NOT_GRANTED: _TARGET,
    Reason.TARGET_NOT_CONSENTING: _TARGET,
    Reason.SCOPE_MALFORMED: _SCOPE,
    Reason.SCOPE_NOT_GRANTABLE: _SCOPE,
    Reason.SCOPE_EMPTY: _SCOPE,
    Reason.DEPTH_EXCEEDED: _TOKEN,
    Reason.CIRCULAR_CHAIN: _TOKEN,
    Reason.TOKEN_OF_ANOTHER_CLIENT: _NOT_YOURS,
}

UNAVAILABLE: Final = OAuthError(
    status=503,
    error="temporarily_unavailable",
    description="The event store cannot record this request now. Nothing was issued, refused or revoked.",
    retry_after=1,
)
"""Law 1: if the log cannot be written, nothing happens. RFC 6749 §5.2 has no code for it; RFC 7009 §2.2.1 has 503."""
OVERLOADED: Final = OAuthError(
    status=503,
    error="temporarily_unavailable",
    description="More is asked than can be answered in time. Nothing was issued, refused or revoked. Try again.",
    retry_after=1,
)
"""Turned away at the gate."""
LATE: Final = OAuthError(
    status=503,
    error="temporarily_unavailable",
    description="The request could not be answered in time. Nothing was issued; try again.",
    retry_after=1,
)
"""Let in, and not answered by the deadline. An append on its way goes on: the log may then know a token that nobody
received, and what was to be revoked may be revoked."""
SERVER_ERROR: Final = OAuthError(
    status=500,
    error="server_error",
    description="A fault of this service; the operator finds it under the request id.",
)
TOO_MANY_FAILURES: Final = OAuthError(
    status=429,
    error="invalid_client",
    description="Too many failed authentications from here for this client. Wait, then try again.",
    retry_after=60,
)
TOO_FAST: Final = OAuthError(
    status=429,
    error="temporarily_unavailable",
    description="This client asks faster than the policy lets it. Wait, then try again.",
    retry_after=1,
)
"""RFC 6585 §4."""
TOO_LARGE: Final = OAuthError(
    status=413, error="invalid_request", description="The request body is too large."
)
NOT_FOUND: Final = OAuthError(
    status=404, error="not_found", description="The log knows no such token or chain."
)
METHOD: Final = OAuthError(status=405, error="invalid_request", description="Use POST.")


GET_ONLY: Final = OAuthError(status=405, error="invalid_request", description="Use GET.")
BUSY_READING: Final = OAuthError(
    status=429,
    error="temporarily_unavailable",
    description="As many readers of the audit log as are served at once. Wait, then try again.",
    retry_after=1,
)
NO_SUCH_MOMENT: Final = OAuthError(
    status=404, error="not_found", description="The log has no such position, or begins later than that time."
)
NO_SUCH_TYPE: Final = _bad("invalid_request", "There is no event type or group of that name.")
NOT_YET: Final = OAuthError(
    status=503,
    error="temporarily_unavailable",
    description="The log has not come to min_position yet. Try again.",
    retry_after=1,
)


def oauth_error(reason: Reason, grant: GrantType | None = None) -> OAuthError:
    """The answer to a refusal; a bad assertion of a `jwt-bearer` request is `invalid_grant` (RFC 7523 §3.1)."""
    error = ERRORS[reason]
    return INVALID_GRANT if grant == "jwt-bearer" and error in (_TOKEN, _TYPE) else error


def malformed(description: str) -> OAuthError:
    """`invalid_request` with a fixed description of ours, never the caller's words."""
    return _bad("invalid_request", description)


def unauthenticated(error: str) -> OAuthError:
    """Client authentication that failed or cannot be read (RFC 6749 §5.2): 401 for `invalid_client`, always with
    the challenge that RFC 9110 §15.5.2 wants of a 401; 400 where two methods were used at once."""
    return _CLIENT if error == "invalid_client" else _TWO_METHODS


def bearer_error(status: int, error: str | None, scope: str | None = None) -> OAuthError:
    """An answer of the administration API to a bad bearer token (RFC 6750 §3); no code where no token was sent."""
    parts = ['Bearer realm="counterfoil"']
    if error is not None:
        parts.append(f'error="{error}"')
    if scope is not None:
        parts.append(f'scope="{scope}"')
    return OAuthError(
        status=status,
        error=error or "invalid_token",
        description="A valid administrator's access token is required.",
        challenge=", ".join(parts),
    )
