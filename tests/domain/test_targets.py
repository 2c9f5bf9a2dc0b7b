"""Which resources a request is for: by exact audience or name, all or none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.identifiers import Audience, ResourceName
from domain.policy import Resource
from domain.refusals import Reason, Refusal
from domain.requests import AskedFor
from domain.targets import MOST_TARGETS, resolve_targets
from tests.domain.story import Story

HR, AGENT = "https://hr.example", "https://agent.example"


def resolved(audiences: tuple[str, ...] = (), resources: tuple[str, ...] = (), **changes: Any) -> Any:
    """The names of the targets, or the refusal."""
    asked = AskedFor(grant="token-exchange", audiences=audiences, resources=resources)
    found = resolve_targets(Story(**changes).authority, asked)
    return found if isinstance(found, Refusal) else [resource.name for resource in found]


@pytest.mark.parametrize(
    ("audiences", "resources", "targets"),
    [
        (("hr",), (), ["hr"]),
        ((HR,), (), ["hr"]),
        ((), (HR,), ["hr"]),
        (("hr", HR), (HR,), ["hr"]),
        (("agent", "hr"), (), ["agent", "hr"]),
        (("hr",), (AGENT,), ["hr", "agent"]),
        (("counterfoil",), (), ["counterfoil"]),
    ],
)
def test_targets_are_found_in_the_order_asked(
    audiences: tuple[str, ...], resources: tuple[str, ...], targets: list[str]
) -> None:
    """The same one twice is one, under whichever name it is called."""
    assert resolved(audiences, resources) == targets


@pytest.mark.parametrize(
    ("audiences", "resources", "reason"),
    [
        ((), (), Reason.TARGET_MISSING),
        (("",), (), Reason.TARGET_UNKNOWN),
        (("HR",), (), Reason.TARGET_UNKNOWN),
        (("hr ",), (), Reason.TARGET_UNKNOWN),
        (("https://hr.example/",), (), Reason.TARGET_UNKNOWN),
        (("https://hr.example:443",), (), Reason.TARGET_UNKNOWN),
        (("https://hr.example.attacker.example",), (), Reason.TARGET_UNKNOWN),
        (("*",), (), Reason.TARGET_UNKNOWN),
        (("hr", "nowhere"), (), Reason.TARGET_UNKNOWN),
        (("hr",), ("https://nowhere.example",), Reason.TARGET_UNKNOWN),
        ((), ("https://HR.example",), Reason.TARGET_UNKNOWN),
    ],
)
def test_a_name_that_is_not_exact_is_unknown(
    audiences: tuple[str, ...], resources: tuple[str, ...], reason: Reason
) -> None:
    """No normalisation, no prefix, no wildcard; one unknown target refuses all."""
    assert resolved(audiences, resources) == Refusal(reason)


@pytest.mark.parametrize(
    "uri",
    [
        "hr",
        "",
        "/hr",
        "//hr.example",
        "hr.example",
        "https://",
        "https://hr.example#",
        "https://hr.example#part",
        "https://hr.example/ x",
        "https://hr.example\n",
        "https://hr.example\x00",
        "https://hr.ex\u0430mple",
        "https://[::1",
    ],
)
def test_a_resource_must_be_an_absolute_uri_without_a_fragment(uri: str) -> None:
    """RFC 8707 §2; a name that `audience` would take is none."""
    assert resolved((), (uri,)) == Refusal(Reason.TARGET_MALFORMED)


@pytest.mark.parametrize("uri", ["urn:example:hr", "https://hr.example/path?query"])
def test_an_absolute_uri_of_any_scheme_is_well_formed(uri: str) -> None:
    """Nobody declared these, which is another matter."""
    assert resolved((), (uri,)) == Refusal(Reason.TARGET_UNKNOWN)


def test_too_many_targets_are_refused_before_they_are_looked_up() -> None:
    """Also where all of them are the same one: what is asked for is recorded."""
    assert resolved(("hr",) * MOST_TARGETS) == ["hr"]
    assert resolved(("hr",) * MOST_TARGETS, (HR,)) == Refusal(Reason.TARGETS_TOO_MANY)


@pytest.mark.parametrize("audiences", [("hr",), ("agent", "hr"), ("hr", "agent")])
def test_one_disabled_target_refuses_all(audiences: tuple[str, ...]) -> None:
    """All or none."""
    refusal = resolved(audiences, resources__hr__disabled=True)
    assert refusal == Refusal(Reason.RESOURCE_DISABLED)


@pytest.mark.parametrize("audiences", [("counterfoil", "hr"), ("hr", "https://sts.example/admin")])
def test_a_token_for_administration_is_for_nothing_else(audiences: tuple[str, ...]) -> None:
    """Whoever else received it could revoke with it."""
    assert resolved(audiences) == Refusal(Reason.TARGETS_TOO_MANY)
    assert resolved(("counterfoil", "https://sts.example/admin")) == ["counterfoil"]


def test_an_audience_goes_before_a_name() -> None:
    """Where one resource is called what another's audience is, the audience is meant: that is what tokens carry."""
    story = Story()
    policy = story.authority.policy
    called = ResourceName(HR)
    posing = Resource(name=called, audience=Audience("https://posing.example"), scopes=())
    story.apply(replace(policy, resources={**policy.resources, called: posing}))
    found = resolve_targets(story.authority, AskedFor(grant="token-exchange", audiences=(HR,)))
    assert not isinstance(found, Refusal)
    assert [resource.name for resource in found] == ["hr"]
