"""Who and what is known: each fence event changes its part of the registry, and only that."""

from __future__ import annotations

from typing import Any, Final

import pytest

from domain.events import (
    ClientCredentialAdded,
    ClientCredentialRetired,
    Event,
    KeyActivated,
    KeyCompromised,
    KeyPublished,
    KeyRetired,
    PolicyApplied,
    SubjectDisabled,
    SubjectEnabled,
)
from domain.identifiers import ClientId, Kid, Position
from domain.policy_compilation import compile_policy
from domain.requests import Origin
from projections.authority import FoldedAuthority
from projections.registry import Registry
from tests.domain.story import world
from tests.eventstore.one_of_each import ONE_OF_EACH

BY: Final[dict[str, Any]] = {"id": "e", "origin": Origin(node="n", request="r"), "by": "o"}
AGENT: Final = ClientId("agent")
OLD, NEW, NEWEST = Kid("old"), Kid("new"), Kid("newest")


def folded(*events: Event) -> Registry:
    """The registry after these events, from position 1 on."""
    registry = Registry()
    for position, event in enumerate(events, start=1):
        registry.apply(event, Position(position))
    return registry


def applied(**changes: Any) -> PolicyApplied:
    """The sample policy, with these changes, is put in force."""
    policy = compile_policy(world(**changes))
    return PolicyApplied(**BY, at=0, policy=policy, sha256="9" * 64, difference=(), previous=Position(0))


def published(kid: Kid, alg: str = "ES256") -> KeyPublished:
    return KeyPublished(**BY, at=0, kid=kid, alg=alg, jwk={"kid": kid}, signs_from=0)


def activated(kid: Kid, at: int = 0) -> KeyActivated:
    return KeyActivated(**BY, at=at * 1000, kid=kid)


def retired(kid: Kid) -> KeyRetired:
    return KeyRetired(**BY, at=0, kid=kid)


def compromised(kid: Kid) -> KeyCompromised:
    return KeyCompromised(**BY, at=0, kid=kid)


def secret(credential: str) -> ClientCredentialAdded:
    return ClientCredentialAdded(**BY, at=0, client=AGENT, credential=credential)


def secret_until(credential: str, counts_until: int) -> ClientCredentialRetired:
    return ClientCredentialRetired(**BY, at=0, client=AGENT, credential=credential, counts_until=counts_until)


def test_before_the_first_event_nothing_is_known() -> None:
    """Default deny: no client, no resource but our own, no key, no credential."""
    registry = folded()
    assert registry.policy.clients == {}
    assert (registry.policy_position, registry.longest_lifetime) == (0, 0)
    assert registry.signing_key() is None
    assert registry.resource_for("https://hr.example") is None
    assert registry.enabled_clients == frozenset()


def test_the_last_policy_is_in_force_whole() -> None:
    """Nothing of the one before it stays, its position and hash are known."""
    registry = folded(applied(), applied(resources__hr__audience="https://people.example"))
    assert registry.policy_position == 2
    assert registry.policy_sha256 == "9" * 64
    assert registry.resource_for("https://hr.example") is None
    found = registry.resource_for("https://people.example")
    assert found is not None
    assert found == registry.resource_called("hr")


def test_resources_are_found_by_exact_audience_or_name() -> None:
    """No prefix, no other case, no slash at the end; a name is no audience."""
    registry = folded(applied())
    for audience in ("https://hr.example/", "HTTPS://hr.example", "https://hr", "hr", ""):
        assert registry.resource_for(audience) is None
    for name in ("HR", "hr ", "https://hr.example", ""):
        assert registry.resource_called(name) is None


def test_our_own_administration_is_a_resource_of_every_policy() -> None:
    """It accepts the clients whose grant names it, in a fixed order, and nobody serves it."""
    tokens = [{"to": "counterfoil", "scopes": ["revoke"]}]
    registry = folded(applied(clients__travel__tokens=tokens, clients__agent__tokens=tokens))
    resource = registry.resource_for("https://sts.example/admin")
    assert resource is not None
    assert resource == registry.resource_called("counterfoil")
    assert (resource.accepts, resource.served_by) == (("agent", "travel"), None)
    assert resource.scopes == ("revoke", "audit:read")


def test_a_client_serves_what_the_policy_says() -> None:
    """Several resources, or none."""
    registry = folded(applied(resources__payroll__served_by="hr"))
    assert registry.audiences_served_by(ClientId("hr")) == {"https://hr.example", "https://payroll.example"}
    assert registry.audiences_served_by(ClientId("idle")) == frozenset()
    assert registry.audiences_served_by(ClientId("unknown")) == frozenset()


def test_the_longest_lifetime_is_that_of_all_policies_so_far() -> None:
    """A token of an older policy may still be alive when a stricter one is in force."""
    lifetimes = [300, 900, 120]
    registry = folded(*(applied(limits__lifetime=seconds) for seconds in lifetimes))
    assert registry.policy.limits.lifetime == 120
    assert registry.longest_lifetime == 900


def test_disabled_parties_are_those_of_the_policy_in_force() -> None:
    """Enabled again by the next policy."""
    disabled = applied(clients__agent__disabled=True, resources__hr__disabled=True)
    registry = folded(applied(), disabled)
    assert "agent" not in registry.enabled_clients
    assert registry.disabled_audiences == {"https://hr.example"}
    registry.apply(applied(), Position(3))
    assert "agent" in registry.enabled_clients
    assert registry.disabled_audiences == frozenset()


def test_a_subject_is_disabled_until_it_is_enabled() -> None:
    """Twice is once, whatever the policy does meanwhile, and only that subject."""
    subject: dict[str, Any] = {**BY, "at": 0, "subject": "corp:alice"}
    registry = folded(SubjectDisabled(**subject), SubjectDisabled(**subject), applied())
    assert registry.disabled_subjects == {"corp:alice"}
    registry.apply(SubjectEnabled(**subject), Position(4))
    assert registry.disabled_subjects == set()


def test_secrets_count_from_their_addition_until_they_are_retired() -> None:
    """In an overlap both count; at `counts_until` itself the old one no longer does."""
    registry = folded(applied(), secret("one"), secret("two"), secret_until("one", 100))
    assert registry.credential_counts(AGENT, "one", 99)
    assert not registry.credential_counts(AGENT, "one", 100)
    assert registry.credential_counts(AGENT, "two", 10**12)
    assert dict(registry.credentials_of(AGENT)) == {"one": 100, "two": None}


@pytest.mark.parametrize(
    ("client", "credential"), [("agent", "other"), ("travel", "one"), ("unknown", "one")]
)
def test_a_secret_counts_for_its_own_client_alone(client: str, credential: str) -> None:
    """Nobody else's, and none that was never added."""
    registry = folded(applied(), secret("one"))
    assert not registry.credential_counts(ClientId(client), credential, 0)


def test_a_public_key_of_the_policy_counts_while_it_stands_there() -> None:
    """The next policy without it takes it away; no event says so but the policy's."""
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "ed"}
    keyed = {"clients__agent__authentication": "private_key_jwt", "clients__agent__jwks": [jwk]}
    registry = folded(applied(**keyed))
    assert registry.credential_counts(AGENT, "ed", 0)
    assert not registry.credential_counts(ClientId("travel"), "ed", 0)
    registry.apply(applied(), Position(2))
    assert not registry.credential_counts(AGENT, "ed", 0)


def test_a_key_that_is_only_published_does_not_sign() -> None:
    """It stands in the JWKS, bound to its one algorithm."""
    registry = folded(published(OLD, "EdDSA"))
    assert registry.signing_key() is None
    assert registry.algorithm_of(OLD) == "EdDSA"
    assert [key.kid for key in registry.published_keys()] == [OLD]


def test_the_key_that_was_activated_last_signs() -> None:
    """The one before it only verifies, from the second of the activation on."""
    registry = folded(published(NEW), published(OLD), activated(OLD, 10), activated(NEW, 20))
    assert registry.signing_key() == NEW
    assert (registry.keys[OLD].state, registry.keys[OLD].superseded_at) == ("verifying", 20)
    assert (registry.keys[NEW].state, registry.keys[NEW].superseded_at) == ("signing", None)


@pytest.mark.parametrize("gone", [retired, compromised])
def test_a_key_that_is_gone_stays_gone(gone: Any) -> None:
    """It neither verifies nor signs, not even if it were activated again."""
    registry = folded(published(OLD), activated(OLD), gone(OLD))
    assert list(registry.published_keys()) == []
    registry.apply(activated(OLD), Position(4))
    assert registry.signing_key() is None


@pytest.mark.parametrize("gone", [retired, compromised])
def test_the_key_before_takes_over_where_the_signing_one_goes(gone: Any) -> None:
    """And is the signing key in every respect: its time to be retired has not begun."""
    registry = folded(published(OLD), activated(OLD, 10), published(NEW), activated(NEW, 20), gone(NEW))
    assert registry.signing_key() == OLD
    assert registry.keys[OLD].state == "signing"
    registry.apply(published(NEWEST), Position(6))
    registry.apply(activated(NEWEST, 5000), Position(7))
    assert (registry.keys[OLD].state, registry.keys[OLD].superseded_at) == ("verifying", 5000)


def test_a_key_that_signs_again_is_the_signing_key() -> None:
    """Activated a second time, after another: the second activation counts."""
    registry = folded(
        published(OLD), activated(OLD, 10), published(NEW), activated(NEW, 20), activated(OLD, 30)
    )
    assert registry.signing_key() == OLD
    assert (registry.keys[OLD].state, registry.keys[NEW].state) == ("signing", "verifying")


@pytest.mark.parametrize("change", [activated, retired, compromised])
def test_a_change_of_a_key_that_nobody_published_stops_the_fold(change: Any) -> None:
    """The log would be damaged, and going on would be guessing."""
    with pytest.raises(KeyError):
        folded(change(NEW))


def test_what_says_nothing_about_the_registry_changes_nothing() -> None:
    """Revocations, births and refusals pass by."""
    own = (PolicyApplied, KeyPublished, KeyActivated, KeyRetired, KeyCompromised)
    other = (ClientCredentialAdded, ClientCredentialRetired, SubjectDisabled, SubjectEnabled)
    registry = folded(*(event for event in ONE_OF_EACH if not isinstance(event, (*own, *other))))
    assert registry.policy_position == 0
    assert registry.keys == {}
    assert registry.disabled_subjects == set()


def test_an_event_is_folded_once() -> None:
    """Whoever sees it first folds it; a position that is folded already changes nothing."""
    authority = FoldedAuthority()
    authority.apply(applied(), Position(3))
    authority.apply(applied(limits__lifetime=120), Position(3))
    authority.apply(applied(limits__lifetime=120), Position(2))
    assert (authority.position, authority.policy_position) == (3, 3)
    assert authority.policy.limits.lifetime == 300
