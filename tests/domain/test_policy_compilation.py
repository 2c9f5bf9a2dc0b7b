"""The policy compiler as a whole: what a file may say, what follows from it, and problems all at once."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.identifiers import ClientId, IssuerName, ResourceName
from domain.policy import ADMINISTRATION, Limits
from domain.policy_compilation import compile_policy
from domain.policy_problems import PolicyInvalid, PolicyProblem
from domain.policy_sections import SECTIONS
from tests.domain.policy_mistakes import Mistake, after, problems_of
from tests.domain.sample_documents import document, put


def test_a_whole_policy_compiles() -> None:
    """Durations, sources that follow from who serves what, mapped scopes, and the subject's prefix."""
    policy = compile_policy(document())
    rule = policy.clients[ClientId("agent")].exchange[0]
    corp = policy.trusted_issuers[IssuerName("corp")]
    assert (policy.limits.lifetime, policy.resources[ResourceName("hr")].lifetime) == (300, 120)
    assert (rule.sources, rule.by_name, rule.by_mapping) == (("agent",), (), {"trip.plan": ("budget.read",)})
    assert (corp.subject_prefix, corp.subject_claim) == ("corp:", "sub")
    assert policy.clients[ClientId("agent")].first_tokens[0].to == ADMINISTRATION


def test_what_is_left_out_has_the_safe_meaning() -> None:
    """An issuer alone is a policy: standard limits, and nothing is allowed."""
    policy = compile_policy({"issuer": "https://sts.example"})
    assert policy.limits == Limits()
    assert (policy.signing_algorithm, policy.clients, policy.resources) == ("ES256", {}, {})


def test_scopes_by_name_stay_names() -> None:
    """An array in a rule keeps the scopes that both sides declare."""
    changed = put(document(), "clients/agent/exchange/0/scopes", ["profile.read"])
    rule = compile_policy(changed).clients[ClientId("agent")].exchange[0]
    assert (rule.by_name, rule.by_mapping) == (("profile.read",), {})


def test_a_rule_may_start_where_it_says() -> None:
    """`from` takes the place of the resources that the client serves."""
    changed = put(document(), "clients/agent/exchange/0/from", ["agent"])
    put(changed, "resources/agent/served_by", None)
    assert compile_policy(changed).clients[ClientId("agent")].exchange[0].sources == ("agent",)


def test_the_mode_of_a_client_is_that_of_its_rules() -> None:
    """Unless a rule has one of its own."""
    changed = put(document(), "clients/agent/mode", "audit")
    assert compile_policy(changed).clients[ClientId("agent")].exchange[0].mode == "audit"
    put(changed, "clients/agent/exchange/0/mode", "enforce")
    assert compile_policy(changed).clients[ClientId("agent")].exchange[0].mode == "enforce"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (["issuer"], ()),
        (["https://sts.example"], ()),
        (["issuer", "token_endpoint"], ("https://sts.example/oauth/token",)),
        (["endpoint", "urn:x:as"], ("endpoint", "urn:x:as")),
    ],
)
def test_words_for_assertion_audiences(said: list[str], meant: tuple[str, ...]) -> None:
    """The issuer is always accepted and never listed; `endpoint` stays a word until one is called."""
    assert compile_policy(with_key(said)).clients[ClientId("travel")].assertion_audiences == meant


def with_key(assertion_audiences: list[str]) -> dict[str, Any]:
    """The sample document, in which travel authenticates with a key."""
    key = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "k"}
    changed = put(document(), "clients/travel/authentication", "private_key_jwt")
    put(changed, "clients/travel/jwks", [key])
    return put(changed, "clients/travel/assertion_audiences", assertion_audiences)


def test_all_problems_are_found_at_once() -> None:
    """Nobody mends a policy one error at a time."""
    changes = [("issuer", "http://sts.example"), ("limits/depth", -1), ("clients/agent/exchange/0/to", "hrr")]
    assert after(*changes).keys() == {"issuer", "limits.depth", "clients.agent.exchange[0].to"}


def test_what_could_not_be_read_is_not_complained_of_twice() -> None:
    """Scopes that nobody can read are one problem, not one more for every rule that names them."""
    assert after(("resources/hr/scopes", "profile.read")).keys() == {"resources.hr.scopes"}
    assert after(("resources/hr/accepts", "agent")).keys() == {"resources.hr.accepts"}
    assert after(("trusted_issuers/corp/presented_by", "x")).keys() == {"trusted_issuers.corp.presented_by"}


@pytest.mark.parametrize(
    "junk",
    [[], "x", 7, None, {}, {"resources": []}, {"clients": {"a": 1}}, {"limits": False}, {"signing": 0}],
)
def test_no_shape_of_document_is_more_than_a_problem(junk: Any) -> None:
    """Whatever stands in the file, the answer is a list of problems."""
    assert problems_of(junk)


FULL: Final[dict[str, Any]] = document() | {"signing": {}}
PLACES: Final = {
    "policy": "",
    "signing": "signing/",
    "limits": "limits/",
    "resource": "resources/hr/",
    "client": "clients/agent/",
    "exchange": "clients/agent/exchange/0/",
    "tokens": "clients/agent/tokens/0/",
    "trusted_issuer": "trusted_issuers/corp/",
    "grant": "trusted_issuers/corp/grants/0/",
}


@pytest.mark.parametrize(("section", "key"), [(s, key) for s, keys in SECTIONS.items() for key in keys])
def test_every_known_key_is_read(section: str, key: str) -> None:
    """A value of a type that no key takes is a problem at each of them, so none is passed over."""
    path = PLACES[section] + key
    place = path.replace("/0/", "[0]/").replace("/", ".")
    found = after((path, datetime.date(2030, 1, 1)))
    assert any(where.startswith(place) and "must be" in said for where, said in found.items())


@pytest.mark.parametrize("section", SECTIONS)
def test_no_unknown_key_is_passed_over(section: str) -> None:
    """A key that means nothing is a problem in every section, with the nearest one that does."""
    key = SECTIONS[section][0]
    path = f"{PLACES[section]}{key}x"
    place = path.replace("/0/", "[0]/").replace("/", ".")
    assert f'Did you mean "{key}"?' in after((path, "x"))[place]


def test_a_problem_says_where_what_and_what_to_change() -> None:
    """The sentence that an editor or a terminal shows; words of the file are escaped in it."""
    path = ("clients", "a\nb", "exchange", 0, "to")
    problem = PolicyProblem(path=path, what="is wrong", mend="Mend it.")
    assert str(problem) == 'clients."a\\nb".exchange[0].to: is wrong. Mend it.'


MANY: Final[list[Mistake]] = [
    ("isuer", "x", "isuer", 'Did you mean "issuer"?'),
    ("xyz", "x", "xyz", "Remove it; the keys here are issuer, signing"),
    ("clients/agent/exchange/0/form", ["agent"], "clients.agent.exchange[0].form", 'Did you mean "from"?'),
    ("clients/travel", 5, "clients.travel", "must be a table, not a number"),
    ("clients/agent/exchange", {"to": "hr"}, "clients.agent.exchange", "must be an array, not a table"),
    ("clients/agent/exchange/0", "hr", "clients.agent.exchange[0]", "must be a table, not a string"),
    ("clients/agent/grants", None, "clients.agent.grants", "is missing"),
]


@pytest.mark.parametrize(("path", "value", "place", "words"), MANY)
def test_a_mistake_in_the_frame_is_found_where_it_is(
    path: str, value: object, place: str, words: str
) -> None:
    """Keys and tables, each with its place and what to change."""
    assert words in after((path, value))[place]


def test_every_sentence_ends_and_says_what_to_change() -> None:
    """`what` runs on from the place, `mend` is a sentence or a question."""
    with pytest.raises(PolicyInvalid) as invalid:
        compile_policy(put(put(document(), "issuer", 7), "clients/agent/exchange/0/to", "hrr"))
    for problem in invalid.value.problems:
        assert not problem.what.endswith(".")
        assert problem.mend.endswith((".", "?"))


def paths_of(value: Any, path: str = "") -> Iterator[str]:
    """The path of everything in a document, with slashes."""
    inner = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    for step, item in inner:
        yield f"{path}{step}"
        yield from paths_of(item, f"{path}{step}/")


LEAVES: Final = (
    st.text(max_size=8)
    | st.sampled_from(["https://[", "a:[", "hr", "agent", "5m", "{sub}", "counterfoil", "1" * 30 + "h"])
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.dates()
)
VALUES: Final = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*sum(SECTIONS.values(), ()), "kty", "kid", "x"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(sorted({*paths_of(FULL), *(PLACES[s] + key for s in SECTIONS for key in SECTIONS[s])})),
    VALUES,
)
def test_whatever_stands_anywhere_the_compiler_answers(path: str, value: Any) -> None:
    """A policy or problems, never another exception, for any value at any place."""
    assert all(said.isprintable() for said in after((path, value)).values())


def test_names_that_are_none_cannot_write_on_the_terminal() -> None:
    """A-03: not even where a sentence says what to declare, nor where such a thing is declared."""
    name = "\x1b[2J\u202e" + "x" * 5_000
    found = problems_of(
        document() | {"clients": {name: {"grants": [], "exchange": [{"to": name, "scopes": ["a"]}]}}}
    )
    accepted = after(("resources/hr/accepts", [name]))
    assert found.keys()
    assert "resources.hr.accepts[0]" in accepted
    for place, said in (found | accepted).items():
        assert (place + said).isprintable()
        assert len(place + said) < 2_000
