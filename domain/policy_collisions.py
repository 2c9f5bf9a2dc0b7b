"""What must not be the same twice: audiences, issuers, and the names that subjects go by."""

from __future__ import annotations

from domain.identifiers import CLIENT_SUBJECT_PREFIX
from domain.policy import Policy
from domain.policy_problems import KeyPath, Problems, quoted
from domain.policy_uris import likeness


def check_collisions(policy: Policy, problems: Problems) -> None:
    """Add a problem for everything that could be taken for something else."""
    _audiences(policy, problems)
    _issuers(policy, problems)
    _subjects(policy, problems)


def _audiences(policy: Policy, problems: Problems) -> None:
    taken = {
        policy.issuer: "the issuer's own name",
        str(policy.administration_audience): "the audience of this service's administration",
    }
    for resource in policy.resources.values():
        path = ("resources", resource.name, "audience")
        if problems.within(path):
            continue
        owner = taken.setdefault(resource.audience, f"the audience of resources.{resource.name}")
        if owner != f"the audience of resources.{resource.name}":
            problems.add(path, f"is {owner}", "Give each resource an audience of its own.")


def _issuers(policy: Policy, problems: Problems) -> None:
    known: dict[str, str] = {}
    for issuer in policy.trusted_issuers.values():
        path: KeyPath = ("trusted_issuers", issuer.name, "issuer")
        if problems.within(path):
            continue
        like = likeness(issuer.issuer)
        if like == likeness(policy.issuer):
            # Our own tokens, taken for somebody else's, would start over at depth 0.
            problems.add(path, "is our own issuer, however it is spelled", "Remove this trusted issuer.")
        earlier = known.setdefault(like, issuer.name)
        if earlier != issuer.name:
            what = f"is the issuer of trusted_issuers.{earlier}, however it is spelled"
            problems.add(path, what, "Put both into one entry.")


def _subjects(policy: Policy, problems: Problems) -> None:
    """One prefix that starts with another would let an issuer name the other's subjects."""
    owners = [(CLIENT_SUBJECT_PREFIX, "our own clients")]
    for issuer in policy.trusted_issuers.values():
        path: KeyPath = ("trusted_issuers", issuer.name, "subject")
        if problems.within(path):
            continue
        prefix = issuer.subject_prefix.casefold()
        for other, owner in owners:
            if prefix.startswith(other) or other.startswith(prefix):
                what = f"starts with {quoted(issuer.subject_prefix)}, which collides with the subjects of {owner}"
                problems.add(path, what, f'Choose another prefix, "{issuer.name}:" for one.')
        owners.append((prefix, f"trusted_issuers.{issuer.name}"))
