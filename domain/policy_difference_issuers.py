"""What changes for trusted issuers and the first tokens that their credentials give."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from domain.identifiers import Scope
from domain.policy import FirstTokenGrant, TrustedIssuer
from domain.policy_changes import (
    DISABLED,
    LIFETIME,
    Wordings,
    described,
    entries,
    keys,
    limit,
    members,
    own_limits,
    scopes_by_target,
    switch,
    value,
)
from domain.policy_values import spoken_duration


def trusted_issuer_changes(
    _: str, before: Mapping[str, TrustedIssuer], after: Mapping[str, TrustedIssuer]
) -> Iterator[str]:
    """Sentences about trusted issuers that came, went or changed."""
    return entries(
        "trusted_issuers", "trusted issuer", before, after, TRUSTED_ISSUER_WORDINGS, _introduced, _bare
    )


def _bare(issuer: TrustedIssuer) -> TrustedIssuer:
    return replace(issuer, presented_by=(), grants=())


def _introduced(issuer: TrustedIssuer) -> str:
    required = ", ".join(f"{claim} = {wanted}" for claim, wanted in issuer.required_claims.items())
    return described(
        issuer.issuer,
        f"{' or '.join(issuer.accepts)} for the audience {issuer.audience}",
        f"subjects {issuer.subject_prefix}{{{issuer.subject_claim}}}",
        f"keys from {issuer.jwks_uri or 'the policy'}",
        required and f"only with {required}",
        "each credential once" if issuer.single_use else None,
        "subjects hashed" if issuer.pseudonymous else None,
        own_limits(issuer.lifetime),
        "disabled" if issuer.disabled else None,
    )


def _grant_changes(
    who: str, before: Iterable[FirstTokenGrant], after: Iterable[FirstTokenGrant]
) -> Iterator[str]:
    return scopes_by_target(
        _given(before),
        _given(after),
        f"{who} now gives first tokens to",
        f"{who} no longer gives first tokens to",
    )


def _given(grants: Iterable[FirstTokenGrant]) -> dict[str, list[Scope]]:
    given: dict[str, list[Scope]] = {}
    for grant in grants:
        given.setdefault(f"{grant.client}, for {grant.to}", []).extend(grant.scopes)
    return given


def _claim_changes(who: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for claim in [*before, *(claim for claim in after if claim not in before)]:
        if claim not in before:
            yield f"narrows: credentials of {who} must now have {claim} = {after[claim]}"
        elif claim not in after:
            yield f"widens: credentials of {who} need no longer have {claim} = {before[claim]}"
        elif before[claim] != after[claim]:
            yield f"changes: credentials of {who} must now have {claim} = {after[claim]}; it was {before[claim]}"


TRUSTED_ISSUER_WORDINGS: Final[Wordings] = {
    "name": value("{who} is now called {after}; it was {before}"),
    "issuer": value("{who} is now {after}; it was {before}"),
    "audience": value("credentials of {who} must now be for {after}; it was {before}"),
    "accepts": members(
        "widens: {who} may now vouch by {what}", "narrows: {who} may no longer vouch by {what}"
    ),
    "presented_by": members(
        "widens: credentials of {who} may now be presented by {what}",
        "narrows: credentials of {who} may no longer be presented by {what}",
    ),
    "subject_prefix": value("subjects of {who} now start with {after}; it was {before}"),
    "subject_claim": value("subjects of {who} are now named by the claim {after}; it was {before}"),
    "grants": _grant_changes,
    "algorithms": members(
        "widens: credentials of {who} may now be signed with {what}",
        "narrows: credentials of {who} may no longer be signed with {what}",
    ),
    "jwks": keys("signs with"),
    "jwks_uri": value("keys of {who} now come from {after}; they came from {before}", unset="the policy"),
    "pseudonymous": switch(
        {
            True: "changes: subjects of {who} are recorded under a keyed hash from now on",
            False: "changes: subjects of {who} are recorded under their own names from now on",
        }
    ),
    "single_use": switch(
        {
            True: "narrows: {who}: credentials are now taken once",
            False: "widens: {who}: credentials are now taken more than once",
        }
    ),
    "max_age": limit("the greatest age of credentials of {who}", spoken_duration),
    "required_claims": _claim_changes,
    "lifetime": LIFETIME,
    "disabled": DISABLED,
}
