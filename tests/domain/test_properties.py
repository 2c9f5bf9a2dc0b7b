"""Properties of every chain: rights only narrow, nothing outlives what it came from, the dead stay dead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.decisions import Granted
from domain.events import (
    ChainRevoked,
    ClientRevoked,
    KeyCompromised,
    SubjectDisabled,
    SubjectRevoked,
    TokenRevoked,
)
from domain.identifiers import ClientId, Jti, Kid, Subject
from domain.introspect_token import introspect_token
from domain.keys import KeyChange, activate, publish
from domain.lineage import Birth, LineageEntry
from tests.domain.story import OPERATOR, ORIGIN, Story

NAMES = ("a", "b", "c", "d")
SCOPES = ("s0", "s1", "s2", "s3")
some_scopes = st.lists(st.sampled_from(SCOPES), min_size=1, unique=True)


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """Four services that may call each other, with scopes by name or by mapping, limits and semantics at random."""
    resources = {
        name: {
            "audience": f"https://{name}.example",
            "scopes": list(SCOPES),
            "accepts": list(NAMES),
            "served_by": name,
            **draw(st.sampled_from([{}, {"lifetime": 60}, {"depth": 2}, {"depth": 1}])),
        }
        for name in NAMES
    }
    clients = {name: draw(clients_called(name)) for name in NAMES}
    return {
        "resources": resources,
        "clients": clients,
        "limits__depth": draw(st.integers(2, 4)),
        "trusted_issuers": {},
    }


def clients_called(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """A client with one rule to each of the others, and to itself."""
    scopes = st.one_of(some_scopes, st.dictionaries(st.sampled_from(SCOPES), some_scopes, min_size=1))

    def rule(target: str) -> st.SearchStrategy[dict[str, Any]]:
        semantics = st.sampled_from(["impersonation", "delegation"])
        return st.fixed_dictionaries({"to": st.just(target), "scopes": scopes, "semantics": semantics})

    return st.fixed_dictionaries(
        {
            "authentication": st.just("client_secret_basic"),
            "grants": st.just(["token-exchange", "client_credentials"]),
            "exchange": st.tuples(*map(rule, NAMES)).map(list),
            "tokens": st.just([{"to": name, "scopes": list(SCOPES)}]),
        }
    )


def server_of(birth: Birth) -> ClientId:
    """The client that serves what the token is for: here they have one name."""
    return ClientId(birth.audiences[0].removeprefix("https://").removesuffix(".example"))


class Walk:
    """A chain that goes wherever it is let, with the way each token was made."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.story = Story(**data.draw(policies()))
        self.holder = data.draw(st.sampled_from(NAMES))
        self.births = [self.story.first(self.holder, self.holder)]
        self.actors: dict[str, Birth | None] = {}
        for _ in range(data.draw(st.integers(1, 5))):
            self.step()

    def rotate(self) -> None:
        """Another key signs from here on."""
        change = KeyChange(by="o", origin=ORIGIN, now=self.story.now)
        kid = Kid(self.story.id())
        self.story.given(
            publish(kid, "ES256", {}, 0, change, self.story.id()), activate(kid, change, self.story.id())
        )

    def chain_of(self, entry: LineageEntry) -> Jti:
        """The root of that token, which is one of ours or one of an actor's."""
        actors = [actor for actor in self.actors.values() if actor is not None]
        return next(birth.chain for birth in [*self.births, *actors] if birth.jti == entry.jti)

    def agree(self, birth: Birth, *, alive: bool) -> None:
        """Every caller is told whether the token lives, and a dead one can be exchanged for nothing."""
        story, server = self.story, server_of(birth)
        for caller in {birth.client, server}:
            disabled = story.authority.policy.clients[caller].disabled
            told = introspect_token(story.authority, caller, birth, story.now // 1000)
            assert told["active"] == (alive and not disabled)
        for target in NAMES:
            granted = isinstance(story.exchange(server, birth, target), Granted)
            assert alive or not granted

    def step(self) -> None:
        """Try one hop from the newest token; a refusal stays where it is."""
        self.story.later(self.data.draw(st.integers(0, 20)))
        if self.data.draw(st.booleans()):
            self.rotate()
        parent = self.births[-1]
        server = server_of(parent)
        target = self.data.draw(st.sampled_from(NAMES))
        asked = self.data.draw(st.none() | some_scopes.map(" ".join))
        actor = self.story.first(server, server) if self.data.draw(st.booleans()) else None
        decision = self.story.exchange(server, parent, target, scope=asked, actor=actor)
        self.check_decision(parent, server, target, asked, actor, decision)
        if isinstance(decision, Granted):
            birth = self.story.born(decision)
            self.actors[birth.jti] = actor
            self.births.append(birth)

    def check_decision(
        self, parent: Birth, server: str, target: str, asked: str | None, actor: Birth | None, decision: Any
    ) -> None:
        """An independent reading of the rules: who may get what, and that what may be had is had."""
        policy = self.story.authority.policy
        rule = next(r for r in policy.clients[server].exchange if r.to == target)  # type: ignore[index]

        def reach(carried: Any) -> set[str]:
            mapped = {scope for source in carried for scope in rule.by_mapping.get(source, ())}
            return mapped | (set(carried) & set(rule.by_name))

        allowed = reach(parent.scope)
        if actor is not None:
            by_name = set(actor.scope) if f"https://{target}.example" in actor.audiences else set()
            allowed &= reach(actor.scope) | by_name
        wanted = set(asked.split()) if asked else None
        depth = min(policy.limits.depth, policy.resources[target].depth or 99)  # type: ignore[index]
        seen = {audience for entry in parent.path for audience in entry.audiences}
        legitimate = (
            bool(allowed)
            and (wanted is None or wanted <= allowed)
            and parent.depth + 1 <= depth
            and f"https://{target}.example" not in seen
            and (actor is None or rule.semantics == "delegation")
            and parent.exp > self.story.now // 1000
        )
        assert isinstance(decision, Granted) == legitimate, decision
        if isinstance(decision, Granted):
            assert set(decision.event.scope) == (allowed if wanted is None else wanted)


@settings(max_examples=50)
@given(st.data())
def test_rights_only_narrow_and_legitimate_narrowing_is_granted(data: st.DataObject) -> None:
    """Each decision agrees with an independent reading of the rules, both ways."""
    Walk(data)


@settings(max_examples=50)
@given(st.data())
def test_nothing_outlives_what_it_came_from(data: st.DataObject) -> None:
    """`exp` never exceeds any ancestor's or actor's; depth counts up by one; audiences differ."""
    walk = Walk(data)
    for parent, child in zip(walk.births, walk.births[1:], strict=False):
        assert child.depth == parent.depth + 1
        assert child.path[:-1] == parent.path
        assert all(child.exp <= entry.exp for entry in child.all_it_stands_on())
        audiences = [audience for entry in child.path for audience in entry.audiences]
        assert len(audiences) == len(set(audiences))


def strike(story: Story, kind: str, victim: LineageEntry, chain: Jti) -> Callable[[LineageEntry], bool]:
    """One event that kills; the answer says which entries of a lineage it hits, read off the design's table."""
    facts: dict[str, Any] = {"id": story.id(), "at": story.now, "origin": ORIGIN}
    revoked: dict[str, Any] = facts | {"by": OPERATOR, "until": 2**40}
    match kind:
        case "token":
            story.given(TokenRevoked(**revoked, jti=victim.jti, chain=chain))
            return lambda entry: entry.jti == victim.jti
        case "chain":
            story.given(ChainRevoked(**revoked, chain=chain))
            return lambda entry: entry.jti == chain
        case "subject":
            story.given(SubjectRevoked(**revoked, subject=victim.subject))
            return lambda entry: entry.subject == victim.subject
        case "client":
            story.given(ClientRevoked(**revoked, client=victim.client))
            return lambda entry: entry.client == victim.client
        case _:
            story.given(KeyCompromised(**facts, by="o", kid=victim.kid))
            return lambda entry: entry.kid == victim.kid


@settings(max_examples=80)
@given(st.data(), st.sampled_from(["token", "chain", "subject", "client", "key"]))
def test_a_revoked_ancestor_never_yields_a_yes(data: st.DataObject, kind: str) -> None:
    """Whatever of the two ancestries is hit, all below it is refused and inactive, and all above it lives."""
    walk = Walk(data)
    victim = data.draw(st.sampled_from(list(walk.births[-1].all_it_stands_on())))
    hits = strike(walk.story, kind, victim, walk.chain_of(victim))
    walk.rotate()
    for birth in walk.births:
        dead = any(hits(entry) for entry in birth.all_it_stands_on())
        assert (walk.story.authority.revoked(birth) is not None) == dead
        walk.agree(birth, alive=not dead and birth.exp > walk.story.now // 1000)


@settings(max_examples=50)
@given(st.data())
def test_introspection_agrees_with_what_can_be_exchanged(data: st.DataObject) -> None:
    """Also where a party is disabled, or the clock stands somewhere about the end of a lifetime."""
    walk = Walk(data)
    policy = walk.story.authority.policy
    name = data.draw(st.sampled_from(NAMES))
    kind = data.draw(st.sampled_from(["nobody", "clients", "resources", "subject"]))
    if kind in {"clients", "resources"}:
        parties = getattr(policy, kind)
        changed: dict[str, Any] = {kind: {**parties, name: replace(parties[name], disabled=True)}}
        walk.story.apply(replace(policy, **changed))
    elif kind == "subject":
        facts: dict[str, Any] = {"id": "x", "at": 0, "origin": ORIGIN, "by": "o"}
        walk.story.given(SubjectDisabled(**facts, subject=Subject(f"client:{name}")))
    walk.story.later(data.draw(st.integers(0, 310)))
    for birth in walk.births:
        entries = list(birth.all_it_stands_on())
        suspended = {
            "nobody": False,
            "clients": any(entry.client == name for entry in entries),
            "resources": f"https://{name}.example" in birth.audiences,
            "subject": any(entry.subject == f"client:{name}" for entry in entries),
        }[kind]
        walk.agree(birth, alive=not suspended and birth.exp > walk.story.now // 1000)
