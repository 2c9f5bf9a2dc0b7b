"""Names that lead nowhere, things that are the same twice, limits that are looser: checks across a policy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.policy_mistakes import Mistake, after
from tests.domain.sample_documents import document

DANGLING: list[Mistake] = [
    ("resources/hr/accepts", ["agent", "agnt"], "resources.hr.accepts[1]", 'Did you mean "agent"?'),
    ("resources/hr/accepts", ["agent", "zz"], "resources.hr.accepts[1]", "Declare it in [clients.zz]"),
    ("resources/hr/served_by", "nobody", "resources.hr.served_by", 'there is no client "nobody"'),
    ("clients/agent/exchange/0/to", "hrr", "clients.agent.exchange[0].to", 'Did you mean "hr"?'),
    (
        "clients/agent/exchange/0/from",
        ["agent", "agenda"],
        "clients.agent.exchange[0].from[1]",
        "no resource",
    ),
    ("clients/agent/tokens/0/to", "zz", "clients.agent.tokens[0].to", "Declare it in [resources.zz]"),
    (
        "trusted_issuers/corp/presented_by",
        ["travel", "tavel"],
        "trusted_issuers.corp.presented_by[1]",
        '"travel"',
    ),
    ("trusted_issuers/corp/grants/0/client", "tavel", "trusted_issuers.corp.grants[0].client", '"travel"'),
    ("trusted_issuers/corp/grants/0/to", "agnt", "trusted_issuers.corp.grants[0].to", '"agent"'),
]
ADMINISTRATION: list[Mistake] = [
    (path, value, place, "client_credentials alone")
    for path, value, place in [
        ("clients/agent/exchange/0/to", "counterfoil", "clients.agent.exchange[0].to"),
        ("clients/agent/exchange/0/from", ["counterfoil"], "clients.agent.exchange[0].from[0]"),
        ("trusted_issuers/corp/grants/0/to", "counterfoil", "trusted_issuers.corp.grants[0].to"),
    ]
]
LOOSE: list[Mistake] = [
    (
        "resources/hr/lifetime",
        "10m",
        "resources.hr.lifetime",
        "is 10m and looser than limits.lifetime, which is 5m",
    ),
    ("resources/hr/depth", 9, "resources.hr.depth", "is 9 and looser than limits.depth, which is 5"),
    ("clients/agent/depth", 6, "clients.agent.depth", "looser"),
    ("clients/agent/lifetime", "301s", "clients.agent.lifetime", "looser"),
    ("clients/agent/exchange/0/lifetime", "6m", "clients.agent.exchange[0].lifetime", "looser"),
    ("trusted_issuers/corp/lifetime", "6m", "trusted_issuers.corp.lifetime", "looser"),
]
AUDIENCES: list[Mistake] = [
    (
        "resources/hr/audience",
        "https://agent.example",
        "resources.hr.audience",
        "is the audience of resources.agent",
    ),
    ("resources/hr/audience", "https://sts.example", "resources.hr.audience", "is the issuer's own name"),
    ("resources/hr/audience", "https://sts.example/admin", "resources.hr.audience", "administration"),
]
OWN_ISSUER: list[Mistake] = [
    ("trusted_issuers/corp/issuer", spelling, "trusted_issuers.corp.issuer", "is our own issuer")
    for spelling in (
        "https://sts.example",
        "https://sts.example/",
        "https://STS.example",
        "https://sts.example:443",
    )
]
SUBJECTS: list[Mistake] = [
    (
        "trusted_issuers/corp/subject",
        subject,
        "trusted_issuers.corp.subject",
        "collides with the subjects of our own",
    )
    for subject in ("client:{sub}", "client:corp:{sub}", "CLIENT:{sub}")
]


@pytest.mark.parametrize(
    ("path", "value", "place", "words"),
    [*DANGLING, *ADMINISTRATION, *LOOSE, *AUDIENCES, *OWN_ISSUER, *SUBJECTS],
)
def test_a_mistake_is_found_where_it_is(path: str, value: object, place: str, words: str) -> None:
    """Each has its place and says what to change."""
    assert words in after((path, value)).get(place, "no problem")


def test_an_audience_is_not_the_name_of_a_resource() -> None:
    """`audience=hr` in a request must not mean two things: audiences are URIs, and no name is one."""
    found = after(("resources/agent/audience", "hr"))
    assert "absolute URI" in found["resources.agent.audience"]


@pytest.mark.parametrize("number", [5, 1])
def test_a_limit_may_be_as_strict_as_the_issuers_or_stricter(number: int) -> None:
    """The issuer's own limits are the loosest there are."""
    assert after(("clients/agent/depth", number), ("resources/hr/lifetime", f"{number}m")) == {}


def second_issuer(**changes: Any) -> tuple[str, dict[str, Any]]:
    """Another trusted issuer, for `after`."""
    entry = document()["trusted_issuers"]["corp"]
    return "trusted_issuers/other", entry | {
        "issuer": "https://other.example",
        "subject": "other:{sub}",
    } | changes


def test_two_issuers_with_names_of_their_own_do_not_collide() -> None:
    """The policy that the next tests break."""
    assert after(second_issuer()) == {}


@pytest.mark.parametrize(
    "spelling", ["https://login.corp.example", "https://login.corp.example/", "https://LOGIN.corp.example"]
)
def test_no_issuer_stands_twice(spelling: str) -> None:
    """One user must not have two names, of which only one is disabled."""
    found = after(second_issuer(issuer=spelling))
    assert "is the issuer of trusted_issuers.corp" in found["trusted_issuers.other.issuer"]


@pytest.mark.parametrize("subject", ["corp:{sub}", "corp:eu:{sub}", "Corp:{sub}"])
def test_no_prefix_starts_with_another(subject: str) -> None:
    """One issuer could otherwise name the other's subjects."""
    found = after(second_issuer(subject=subject))
    assert "collides with the subjects of trusted_issuers.corp" in found["trusted_issuers.other.subject"]


SCOPES: list[Mistake] = [
    (
        "clients/agent/exchange/0/scopes",
        ["salary"],
        "clients.agent.exchange[0].scopes[0]",
        "not declared by hr",
    ),
    (
        "clients/agent/exchange/0/scopes",
        ["budget.read"],
        "clients.agent.exchange[0].scopes[0]",
        "declared by agent",
    ),
    (
        "clients/agent/exchange/0/scopes",
        {"x": ["budget.read"]},
        "clients.agent.exchange[0].scopes.x",
        "by agent",
    ),
    (
        "clients/agent/exchange/0/scopes",
        {"trip.plan": ["budget.read", "budget.raed"]},
        'clients.agent.exchange[0].scopes."trip.plan"[1]',
        'Did you mean "budget.read"?',
    ),
    (
        "clients/agent/tokens/0/scopes",
        ["revok"],
        "clients.agent.tokens[0].scopes[0]",
        'Did you mean "revoke"?',
    ),
    ("trusted_issuers/corp/grants/0/scopes", ["x"], "trusted_issuers.corp.grants[0].scopes[0]", "by agent"),
]


@pytest.mark.parametrize(("path", "value", "place", "words"), SCOPES)
def test_a_scope_that_nobody_declares_is_found(path: str, value: object, place: str, words: str) -> None:
    """TE-23: a scope means something only where a resource says so."""
    assert words in after((path, value)).get(place, "no problem")
