"""Single values of a policy file: what each may look like, and what is said of one that does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identifiers import ClientId, ResourceName
from domain.policy_compilation import compile_policy
from domain.policy_uris import likeness
from domain.policy_values import LONGEST_LIFETIME, duration, spoken_duration
from tests.domain.policy_mistakes import Mistake, after
from tests.domain.sample_documents import document, put

ISSUERS: list[Mistake] = [
    ("issuer", value, "issuer", words)
    for value, words in [
        (None, "is missing"),
        ("", "is empty"),
        (7, "must be a string, not a number"),
        ("https://sts.example/", 'Write "https://sts.example".'),
        ("https://sts.example/a/", "trailing slash"),
        ("https://sts.example?x=1", "a query"),
        ("https://sts.example#x", "a fragment"),
        ("https://user@sts.example", "credentials"),
        ("http://sts.example", "must be an https URL"),
        ("ftp://sts.example", "must be an https URL"),
        ("sts.example", "must be an https URL"),
        ("HTTPS://sts.example", "must be an https URL"),
        ("https:sts.example", "must be an https URL"),
        ("https://", "lower case"),
        ("https://STS.example", "lower case"),
        ("https://sts.example.", "lower case"),
        ("https://0x7f.1", "host name"),
        ("https://sts.example:99999", "is no absolute URL"),
        ("https://sts.example:0", "is no absolute URL"),
        ("https://[::1", "is no absolute URL"),
        ("https://[v1.x]", "or an address"),
        ("https://sts.example\n", "is no absolute URL"),
        ("https://sts.example/\u00e9", "is no absolute URL"),
    ]
]
LIMITS: list[Mistake] = [
    *[
        ("limits/lifetime", value, "limits.lifetime", "duration")
        for value in ("soon", "", "5 m", "5M", "m", 0, -5)
    ],
    *[
        ("limits/lifetime", value, "limits.lifetime", "at most a day")
        for value in ("48h", "24h1s", 86_401, "0s")
    ],
    *[("limits/lifetime", value, "limits.lifetime", "duration") for value in (True, 1.5, ["5m"], "\u0665m")],
    *[
        ("limits/depth", value, "limits.depth", "whole number from 0 to 32")
        for value in (-1, 33, True, "5", 2.0)
    ],
    *[
        ("limits/denials_per_minute", v, "limits.denials_per_minute", "from 1 to 100000")
        for v in (0, 100_001)
    ],
    ("signing/algorithm", "HS256", "signing.algorithm", "is not one of ES256"),
    ("signing/algorithm", "es256", "signing.algorithm", 'Did you mean "ES256"?'),
]
RESOURCES: list[Mistake] = [
    *[(f"resources/{name}", {}, f"resources.{name}", "is no name") for name in ("HR", "-hr", "_", "h" * 65)],
    ("resources/counterfoil", {}, "resources.counterfoil", "is built in"),
    ("resources/hr/audience", "hr", "resources.hr.audience", "absolute URI"),
    ("resources/hr/audience", "hr:", "resources.hr.audience", "absolute URI"),
    ("resources/hr/audience", "https://hr.example#x", "resources.hr.audience", "without a fragment"),
    ("resources/hr/audience", "https://hr.example/" + "x" * 200, "resources.hr.audience", "at most 200"),
    ("resources/hr/audience", "https://[hr", "resources.hr.audience", "absolute URI"),
    ("resources/hr/scopes", [], "resources.hr.scopes", "is empty"),
    ("resources/hr/scopes", None, "resources.hr.scopes", "is missing"),
    ("resources/hr/scopes", "profile.read", "resources.hr.scopes", "must be an array, not a string"),
    ("resources/hr/scopes", ["a b"], "resources.hr.scopes[0]", "is no scope"),
    ("resources/hr/scopes", ["budget.read", 'a"b'], "resources.hr.scopes[1]", "is no scope"),
    ("resources/hr/scopes", ["x" * 129], "resources.hr.scopes[0]", "is no scope"),
    ("resources/hr/scopes", ["budget.read", ["x"]], "resources.hr.scopes[1]", "not an array"),
    ("resources/hr/scopes", ["budget.read", "a", "a"], "resources.hr.scopes[2]", '"a" stands here twice'),
    ("resources/hr/mode", "lenient", "resources.hr.mode", "is not one of enforce, audit"),
    ("resources/hr/disabled", "yes", "resources.hr.disabled", "must be true or false"),
    ("resources/hr/disabled", 1, "resources.hr.disabled", "must be true or false"),
]
CLIENTS: list[Mistake] = [
    ("clients/Agent", {}, "clients.Agent", "is no name"),
    ("clients/agent/authentication", "none", "clients.agent.authentication", "is not one of"),
    ("clients/agent/grants", ["token-exchange", "password"], "clients.agent.grants[1]", "is not one of"),
    ("clients/agent/grants", ["token-exchange"] * 2, "clients.agent.grants[1]", "twice"),
    ("clients/agent/exchange/0/scopes", "x", "clients.agent.exchange[0].scopes", "an array or a table"),
    ("clients/agent/exchange/0/scopes", {}, "clients.agent.exchange[0].scopes", "is empty"),
    ("clients/agent/exchange/0/scopes", [], "clients.agent.exchange[0].scopes", "is empty"),
    ("clients/agent/exchange/0/scopes", None, "clients.agent.exchange[0].scopes", "is missing"),
    (
        "clients/agent/exchange/0/scopes",
        {"trip.plan": []},
        'clients.agent.exchange[0].scopes."trip.plan"',
        "empty",
    ),
    ("clients/agent/exchange/0/semantics", "both", "clients.agent.exchange[0].semantics", "is not one of"),
    ("clients/agent/exchange/0/from", [], "clients.agent.exchange[0].from", "is empty"),
    ("clients/agent/tokens/0/scopes", [], "clients.agent.tokens[0].scopes", "is empty"),
    ("clients/agent/assertion_audiences", ["endpont"], "clients.agent.assertion_audiences[0]", "is neither"),
]
ISSUER_ENTRIES: list[Mistake] = [
    (f"trusted_issuers/corp/{key}", value, f"trusted_issuers.corp.{place}", words)
    for key, value, place, words in [
        ("issuer", "corp idp", "issuer", "has characters"),
        ("audience", "", "audience", "is empty"),
        ("accepts", ["idtoken"], "accepts[0]", 'Did you mean "id_token"?'),
        ("accepts", [], "accepts", "is empty"),
        ("presented_by", [], "presented_by", "is empty"),
        ("presented_by", None, "presented_by", "is missing"),
        ("algorithms", ["HS256"], "algorithms[0]", "proves nothing"),
        ("algorithms", ["NoNe"], "algorithms[0]", "proves nothing"),
        ("algorithms", ["RS265"], "algorithms[0]", 'Did you mean "RS256"?'),
        ("algorithms", [], "algorithms", "is empty"),
        ("subject", "{sub}", "subject", "prefix of its own"),
        ("subject", "corp{sub}", "subject", 'ends in ":" or "|"'),
        ("subject", "corp:{sub}x", "subject", "one claim"),
        ("subject", "corp:{a}:{b}", "subject", "one claim"),
        ("subject", "corp:", "subject", "one claim"),
        ("subject", "corp:{email}", "subject", "must not hold names or addresses"),
        ("jwks_uri", "http://login.corp.example/jwks", "jwks_uri", "must be an https URL"),
        ("jwks_uri", "file:///etc/passwd", "jwks_uri", "must be an https URL"),
        ("jwks_uri", "https://10.0.0.1/jwks", "jwks_uri", "not public"),
        ("jwks_uri", "https://169.254.169.254/jwks", "jwks_uri", "not public"),
        ("jwks_uri", "https://2130706433/jwks", "jwks_uri", "host name"),
        ("jwks_uri", "https://a:b@login.corp.example/jwks", "jwks_uri", "credentials"),
        ("required_claims", {"tid": 7}, "required_claims.tid", "must be a string"),
        ("required_claims", {"tid": ""}, "required_claims.tid", "not empty"),
        ("required_claims", {"aud": "x"}, "required_claims.aud", "checked anyway"),
        ("required_claims", ["tid"], "required_claims", "must be a table"),
        ("max_age", 0, "max_age", "duration"),
    ]
]


@pytest.mark.parametrize(
    ("path", "value", "place", "words"), [*ISSUERS, *LIMITS, *RESOURCES, *CLIENTS, *ISSUER_ENTRIES]
)
def test_a_wrong_value_is_found_where_it_is(path: str, value: object, place: str, words: str) -> None:
    """Each value has its own grammar, and its problem says how to write it."""
    assert words in after((path, value)).get(place, "no problem")


@pytest.mark.parametrize(
    "issuer", ["https://sts.example/tenant/1", "https://sts.example:8443", "https://8.8.8.8"]
)
def test_an_issuer_may_have_a_path_and_a_port(issuer: str) -> None:
    """RFC 8414 §2 allows both."""
    assert compile_policy(put(document(), "issuer", issuer)).issuer == issuer


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "127.9.9.9"])
def test_http_is_enough_on_this_machine(host: str) -> None:
    """For demonstrations and development."""
    changed = put(document(), "issuer", f"http://{host}")
    assert after(("trusted_issuers/corp/jwks_uri", f"http://{host}/jwks")) == {}
    assert compile_policy(changed).issuer == f"http://{host}"


def test_an_audience_may_be_any_absolute_uri() -> None:
    """Resources that are no web sites have names too."""
    policy = compile_policy(put(document(), "resources/hr/audience", "urn:example:hr"))
    assert policy.resources[ResourceName("hr")].audience == "urn:example:hr"


def test_a_personal_claim_may_name_subjects_where_only_its_hash_is_kept() -> None:
    """Law 9: the log never holds names or mail addresses."""
    changes = [("trusted_issuers/corp/subject", "corp:{email}"), ("trusted_issuers/corp/pseudonymous", True)]
    assert after(*changes) == {}


@given(st.integers(1, LONGEST_LIFETIME))
def test_durations_are_read_as_they_are_spoken(seconds: int) -> None:
    """Every duration that a plan shows can be written back into the file."""
    assert duration(spoken_duration(seconds)) == duration(seconds) == seconds


@pytest.mark.parametrize(
    ("written", "seconds"), [("90s", 90), ("5m", 300), ("1h", 3600), ("2h30m", 9000), (7, 7)]
)
def test_durations_in_a_file(written: object, seconds: int) -> None:
    """Hours, minutes, seconds, or a number of seconds."""
    changed = put(document(), "limits/lifetime", "3h")
    put(changed, "clients/agent/lifetime", written)
    assert compile_policy(changed).clients[ClientId("agent")].lifetime == seconds


@pytest.mark.parametrize(
    "variant",
    [
        "https://sts.example/",
        "https://STS.EXAMPLE",
        "http://sts.example",
        "https://sts.example:443",
        "https://sts.example.",
        "https://sts%2Eexample//",
        "sts.example",
    ],
)
def test_spellings_of_one_issuer_are_alike(variant: str) -> None:
    """TE-22: nobody tells them apart by eye."""
    assert likeness(variant) == likeness("https://sts.example")


@pytest.mark.parametrize(
    "other", ["https://sts.example/a", "https://sts2.example", "https://sts.example:8443"]
)
def test_other_issuers_are_not(other: str) -> None:
    """A path, another host or another port is another issuer."""
    assert likeness(other) != likeness("https://sts.example")
