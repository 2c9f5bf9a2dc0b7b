"""Why a request is refused: one closed list. `api/oauth_errors.py` alone maps a reason to an OAuth error."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

About = Literal["subject_token", "actor_token", "assertion", "token"]


class Reason(StrEnum):
    """The reason code of a refusal event. Codes are only ever added."""

    # The request itself
    REQUEST_MALFORMED = "request_malformed"
    GRANT_TYPE_UNSUPPORTED = "grant_type_unsupported"
    GRANT_NOT_ALLOWED = "grant_not_allowed"
    TOKEN_TYPE_UNSUPPORTED = "token_type_unsupported"
    REQUESTED_TYPE_UNSUPPORTED = "requested_type_unsupported"

    # The parties
    CLIENT_DISABLED = "client_disabled"
    CREDENTIAL_RETIRED = "credential_retired"
    SUBJECT_DISABLED = "subject_disabled"
    RESOURCE_DISABLED = "resource_disabled"
    ISSUER_DISABLED = "issuer_disabled"

    # A presented token, ours or a trusted issuer's
    TOKEN_MALFORMED = "token_malformed"
    TOKEN_TYPE_MISMATCH = "token_type_mismatch"
    TOKEN_ISSUER_UNKNOWN = "token_issuer_unknown"
    TOKEN_KEY_UNKNOWN = "token_key_unknown"
    TOKEN_SIGNATURE_INVALID = "token_signature_invalid"
    TOKEN_FORGED = "token_forged"
    TOKEN_AUDIENCE_WRONG = "token_audience_wrong"
    TOKEN_CLAIMS_UNACCEPTABLE = "token_claims_unacceptable"
    TOKEN_EXPIRED = "token_expired"
    TOKEN_NOT_YET_VALID = "token_not_yet_valid"
    TOKEN_TOO_OLD = "token_too_old"
    TOKEN_REPLAYED = "token_replayed"
    TOKEN_PRESENTER_WRONG = "token_presenter_wrong"
    SENDER_CONSTRAINT_UNPROVEN = "sender_constraint_unproven"
    KEY_COMPROMISED = "key_compromised"
    TOKEN_REVOKED = "token_revoked"
    ANCESTOR_REVOKED = "ancestor_revoked"
    CHAIN_REVOKED = "chain_revoked"
    SUBJECT_REVOKED = "subject_revoked"
    CLIENT_REVOKED = "client_revoked"

    # Who may exchange what, and in whose name
    CLIENT_NOT_RECIPIENT = "client_not_recipient"
    MAY_ACT_MISMATCH = "may_act_mismatch"
    ACTOR_NOT_CLIENT = "actor_not_client"
    ACTOR_IS_SUBJECT = "actor_is_subject"
    ACT_TOO_DEEP = "act_too_deep"
    DELEGATION_NOT_ALLOWED = "delegation_not_allowed"

    # The target
    TARGET_MISSING = "target_missing"
    TARGET_MALFORMED = "target_malformed"
    TARGET_UNKNOWN = "target_unknown"
    TARGETS_TOO_MANY = "targets_too_many"
    TARGET_NOT_GRANTED = "target_not_granted"
    TARGET_NOT_CONSENTING = "target_not_consenting"

    # Rights and the shape of the chain
    SCOPE_MALFORMED = "scope_malformed"
    SCOPE_NOT_GRANTABLE = "scope_not_grantable"
    SCOPE_EMPTY = "scope_empty"
    DEPTH_EXCEEDED = "depth_exceeded"
    CIRCULAR_CHAIN = "circular_chain"

    # Revocation
    TOKEN_OF_ANOTHER_CLIENT = "token_of_another_client"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A no, with its reason and the presented token it is about, if it is about one."""

    reason: Reason
    about: About | None = None


SOFTENED_BY_AUDIT_MODE = frozenset(
    {Reason.TARGET_NOT_GRANTED, Reason.TARGET_NOT_CONSENTING, Reason.CIRCULAR_CHAIN}
)
"""The only reasons that `mode = "audit"` turns into a record of what would have been denied."""
