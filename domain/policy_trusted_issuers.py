"""`[trusted_issuers.NAME]` of a policy file."""

from __future__ import annotations

from typing import Final, get_args

from domain import policy_sections
from domain.identifiers import ClientId, IssuerName, ResourceName, Scope
from domain.policy import CredentialType, FirstTokenGrant, TrustedIssuer
from domain.policy_jwks import KIND_OF_ALGORITHM, read_jwks
from domain.policy_resources import refuse_bad_name
from domain.policy_table import Table
from domain.policy_uris import jwks_url, string_or_uri
from domain.policy_values import Unreadable, claims, duration, flag, one_of, scope, subject_template, text

_USUAL_ALGORITHMS: Final = ("ES256", "RS256", "PS256", "EdDSA")
_USUAL_MAX_AGE: Final = 3600
PERSONAL_CLAIMS: Final = frozenset(
    {"email", "family_name", "given_name", "name", "nickname", "phone_number", "preferred_username", "upn"}
)


def read_trusted_issuer(name: IssuerName, table: Table) -> TrustedIssuer:
    """The trusted issuer, with its problems reported to the table's."""
    refuse_bad_name(name, table)
    if ("jwks" in table) == ("jwks_uri" in table):
        what = "must have exactly one of jwks and jwks_uri"
        table.problem((), what, "Give the keys themselves, or the address where they are published.")
    prefix, claim = table.required("subject", subject_template, ("", "sub"))
    pseudonymous = table.optional("pseudonymous", flag, False)
    if claim in PERSONAL_CLAIMS and not pseudonymous:
        what = f"names people by {claim}, and the log must not hold names or addresses"
        table.problem(("subject",), what, "Use an identifier, such as sub, or write pseudonymous = true.")
    return TrustedIssuer(
        name=name,
        issuer=table.required("issuer", string_or_uri, ""),
        audience=table.required("audience", string_or_uri, ""),
        accepts=table.choices("accepts", *get_args(CredentialType), required=True, filled=True),
        presented_by=tuple(map(ClientId, table.items("presented_by", text, "", required=True, filled=True))),
        subject_prefix=prefix,
        subject_claim=claim,
        grants=tuple(_grant(entry) for entry in table.tables("grants", policy_sections.ISSUER_GRANT)),
        algorithms=_algorithms(table),
        jwks=read_jwks(table),
        jwks_uri=table.optional("jwks_uri", jwks_url, None),
        pseudonymous=pseudonymous,
        single_use=table.optional("single_use", flag, False),
        max_age=table.optional("max_age", duration, _USUAL_MAX_AGE),
        required_claims=table.optional("required_claims", claims, {}),
        lifetime=table.optional("lifetime", duration, None),
        disabled=table.optional("disabled", flag, False),
    )


def _algorithms(table: Table) -> tuple[str, ...]:
    if "algorithms" not in table:
        return _USUAL_ALGORITHMS
    return table.items("algorithms", _algorithm, "", filled=True)


def _algorithm(unverified: object) -> str:
    """Raises Unreadable, with its own words for what is no signature at all (RFC 8725 §3.1)."""
    name = text(unverified)
    if name.casefold() == "none" or name.upper().startswith("HS"):
        raise Unreadable("proves nothing about who signed", f"Choose from {', '.join(KIND_OF_ALGORITHM)}.")
    return one_of(*KIND_OF_ALGORITHM)(name)


def _grant(table: Table) -> FirstTokenGrant:
    return FirstTokenGrant(
        to=ResourceName(table.required("to", text, "")),
        scopes=table.items("scopes", scope, Scope(""), required=True, filled=True),
        client=ClientId(table.required("client", text, "")),
    )
