"""The service against a second reading of its rules: whatever happens, in whatever order, they agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eventsourcing.dcb.api import DCBSequencedEvent
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from domain.births import birth_of
from domain.decide_request import decide_request
from domain.decisions import Decision, Granted
from domain.events import (
    Event,
    KeyActivated,
    KeyCompromised,
    KeyRetired,
    SubjectDisabled,
    SubjectEnabled,
    TokenBirth,
)
from domain.identifiers import ClientId, Kid, Subject
from domain.introspect_token import introspect_token
from domain.keys import KeyChange, publish
from domain.lineage import Birth
from domain.pull_the_plug import (
    EverythingOfClient,
    EverythingOfSubject,
    OneToken,
    PullThePlug,
    Target,
    WholeChain,
    pull_the_plug,
)
from domain.requests import OwnToken, RequestToken
from domain.revoke_token import RevokeToken, revoke_token
from eventstore.codec import decode, encode
from projections.authority import FoldedAuthority
from projections.snapshot_format import decode_state, encode_state
from tests.domain.reference_model import HOPS, Model, Token
from tests.domain.story import KID, OPERATOR, ORIGIN, Story

CLIENTS = ("travel", "agent", "hr")
clients = st.sampled_from(CLIENTS)
targets = st.lists(st.sampled_from(("travel", "agent", "hr", "payroll")), min_size=1, max_size=2, unique=True)
POLICIES: tuple[dict[str, Any], ...] = (
    *({} for _ in range(4)),
    {"limits__depth": 1},
    {"limits__depth": 2},
    *({f"clients__{name}__disabled": True} for name in CLIENTS),
    *({f"resources__{name}__disabled": True} for name in ("agent", "hr")),
)


def server_of(birth: Birth) -> str:
    """Who serves what the token is for; payroll has nobody, so somebody else tries."""
    name = birth.audiences[0].removeprefix("https://").removesuffix(".example")
    return name if name in CLIENTS else "hr"


def stored_and_read(event: Event, position: int) -> Event:
    """What the log gives back."""
    return decode(DCBSequencedEvent(encode(event), position))


class ServiceAndModel(RuleBasedStateMachine):
    """Issue, exchange, revoke, disable, rotate, change the policy, wait, restart: in any order."""

    births = Bundle("births")

    def __init__(self) -> None:
        super().__init__()
        self.story = Story()
        self.model = Model(now=self.story.now // 1000, key=KID)
        self.all: dict[str, Birth] = {}
        self.decided: list[tuple[int, RequestToken, int, Decision]] = []
        self.ids = 0
        self.snapshot = b""

    def decide(self, request: RequestToken) -> Decision:
        """The decision, appended, and remembered with the place at which it was taken."""
        place, now = self.story.position, self.story.now
        decision = self.story.decide(request)
        self.decided.append((place, request, now, decision))
        return decision

    def keep(
        self,
        decision: Decision,
        scopes: set[str],
        audiences: set[str],
        parent: Token | None = None,
        actor: Token | None = None,
    ) -> Any:
        """Hold a decision to what the model expects; the new token, if there is one."""
        assert isinstance(decision, Granted) == bool(scopes), (decision, scopes)
        if not isinstance(decision, Granted):
            return multiple()
        birth = self.story.born(decision)
        assert set(birth.scope) == scopes
        assert birth.exp == self.model.expiry(audiences, parent, actor)
        token = Token(
            name=birth.jti,
            client=birth.client,
            subject=birth.subject if parent is None else parent.subject,
            key=self.model.key,
            audiences=audiences,
            scopes=scopes,
            exp=birth.exp,
            parent=parent,
            actor=actor,
        )
        assert (birth.subject, birth.depth, birth.chain) == (token.subject, token.depth(), token.root().name)
        self.model.tokens[token.name] = token
        self.all[birth.jti] = birth
        return birth

    @initialize(target=births)
    def begin(self) -> Any:
        """There is something to exchange from the start."""
        return multiple(self.issued("travel"), self.issued("agent"))

    @rule(target=births, client=st.sampled_from(("travel", "travel", "agent", "hr")))
    def issue(self, client: str) -> Any:
        """A client signs in by itself; hr may not."""
        return self.issued(client)

    def issued(self, client: str) -> Any:
        decision = self.decide(self.story.request(client, "client_credentials", client))
        return self.keep(decision, self.model.may_issue(client), {client})

    @rule(target=births, parent=births, way=st.integers(0, 2), actor=st.booleans())
    def hop(self, parent: Birth, way: int, actor: bool) -> Any:
        """Whoever serves a token exchanges it for one that a rule of its leads to, sometimes in its own name."""
        server = server_of(parent)
        ways = [target for source, target in HOPS if source == server] or ["hr"]
        own = [birth for birth in self.all.values() if birth.client == server]
        return self.exchanged(
            server, parent, [ways[way % len(ways)]], own[-1] if actor and own else None, None
        )

    @rule(
        target=births,
        parent=births,
        to=targets,
        caller=st.none() | clients,
        actor=st.none() | births,
        asked=st.none() | st.sampled_from(("read", "trip", "budget", "read budget")),
    )
    def exchange(
        self, parent: Birth, to: list[str], caller: str | None, actor: Birth | None, asked: str | None
    ) -> Any:
        """Anybody tries anything."""
        return self.exchanged(caller or server_of(parent), parent, to, actor, asked)

    def exchanged(
        self, client: str, parent: Birth, to: list[str], actor: Birth | None, asked: str | None
    ) -> Any:
        decision = self.decide(
            self.story.request(client, "token-exchange", *to, scope=asked, subject=parent, actor=actor)
        )
        token = self.model.tokens[parent.jti]
        acting = None if actor is None else self.model.tokens[actor.jti]
        wanted = set(asked.split()) if asked else set()
        scopes = self.model.may_exchange(client, token, set(to), acting, wanted)
        return self.keep(decision, scopes, set(to), token, acting)

    @rule(birth=births, client=clients)
    def revoke(self, birth: Birth, client: str) -> None:
        """A client revokes a token, its own or another's."""
        token = self.model.tokens[birth.jti]
        gone = token.name in self.model.dead or token.exp <= self.model.now
        command = RevokeToken(
            client=ClientId(client),
            token=OwnToken(birth=birth, sha256="5" * 64),
            origin=ORIGIN,
            event_id=self.new_id(),
        )
        revoking = revoke_token(self.story.authority, command, self.story.now)
        assert (revoking.event is None) == gone
        assert (revoking.refusal is not None) == (not gone and client != token.client)
        if revoking.event is not None:
            self.story.given(revoking.event)
        if revoking.event is not None and revoking.refusal is None:
            self.model.kill([token])

    @rule(birth=births, kind=st.sampled_from(("token", "chain", "subject", "client")))
    def pull(self, birth: Birth, kind: str) -> None:
        """The security team acts; a 200 promises that all of it is dead, event or none."""
        token = self.model.tokens[birth.jti]
        command = PullThePlug(
            target=self.target(birth, kind), by=OPERATOR, origin=ORIGIN, event_id=self.new_id()
        )
        event = pull_the_plug(self.story.authority, command, self.story.now)
        if event is not None:
            self.story.given(event)
        named: dict[str, Callable[[Token], bool]] = {
            "token": lambda other: other is token,
            "chain": lambda other: other.root() is token.root(),
            "subject": lambda other: other.subject == token.subject,
            "client": lambda other: other.client == token.client,
        }
        self.model.kill([other for other in self.model.tokens.values() if named[kind](other)])

    def target(self, birth: Birth, kind: str) -> Target:
        """What the words of the security team name, as the log knows it."""
        authority = self.story.authority
        match kind:
            case "token":
                return OneToken(birth=birth)
            case "chain":
                return WholeChain(root=self.all[birth.chain])
            case "subject":
                last = authority.subject_revoked_at(birth.subject) or 0
                since = any(b.position > last and b.subject == birth.subject for b in self.all.values())
                return EverythingOfSubject(subject=birth.subject, born_since=since)
            case _:
                last = authority.client_revoked_at(birth.client) or 0
                since = any(b.position > last and b.client == birth.client for b in self.all.values())
                return EverythingOfClient(client=birth.client, born_since=since)

    @rule(data=st.data(), what=st.sampled_from(("subject", "policy", "key", "key")))
    def operate(self, data: st.DataObject, what: str) -> None:
        """An operator disables a subject or lets it back in, changes the policy, or rotates the key."""
        match what:
            case "subject":
                self.disable_subject(data.draw(clients), data.draw(st.booleans()))
            case "policy":
                self.apply_policy(data.draw(st.sampled_from(POLICIES)))
            case _:
                self.rotate_key(data.draw(st.sampled_from((None, None, KeyRetired, KeyCompromised))))

    def disable_subject(self, client: str, disabled: bool) -> None:
        subject = Subject(f"client:{client}")
        kind = SubjectDisabled if disabled else SubjectEnabled
        self.story.given(kind(**self.facts(), subject=subject))
        (self.model.disabled_subjects.add if disabled else self.model.disabled_subjects.discard)(subject)

    def apply_policy(self, changes: dict[str, Any]) -> None:
        self.story.change(**changes)
        self.model.depth = changes.get("limits__depth", 4)
        disabled = [name.split("__")[:2] for name in changes if name.endswith("disabled")]
        self.model.disabled_clients = {name for kind, name in disabled if kind == "clients"}
        self.model.disabled_resources = {name for kind, name in disabled if kind == "resources"}

    def rotate_key(self, end: Any) -> None:
        """A new key signs; the one before verifies on, or is retired, or turns out to be compromised."""
        old, new = Kid(self.model.key), Kid(self.new_id())
        change = KeyChange(by="o", origin=ORIGIN, now=self.story.now)
        self.story.given(
            publish(new, "ES256", {}, 0, change, self.new_id()), KeyActivated(**self.facts(), kid=new)
        )
        self.model.key = new
        if end is not None:
            self.story.given(end(**self.facts(), kid=old))
            self.model.keys_gone.add(old)
        if end is KeyCompromised:
            self.model.kill([token for token in self.model.tokens.values() if token.key == old])

    @rule(seconds=st.sampled_from((1, 20, 20, 119, 150)))
    def wait(self, seconds: int) -> None:
        """Time passes, and housekeeping forgets what can concern no living token."""
        self.story.later(seconds)
        self.model.now += seconds
        self.story.authority.revocations.drop_expired(self.model.now)

    @rule()
    def write_a_snapshot(self) -> None:
        """What the next restart may go on from, whatever is forgotten or recorded until then."""
        self.snapshot = encode_state(self.story.authority.state())

    @precondition(lambda self: self.snapshot)
    @rule()
    def restart_from_the_snapshot(self) -> None:
        """It is read, and only the events after it are folded."""
        self.story.authority = FoldedAuthority()
        self.story.authority.restore(decode_state(self.snapshot))
        for position, event in self.story.history:
            if event.FENCE and position > self.story.authority.position:
                self.story.authority.apply(event, position)

    @rule()
    def restart(self) -> None:
        """Everything is read from the log again: the state is nothing but its fold."""
        self.story.authority = FoldedAuthority()
        for position, event in self.story.history:
            known = stored_and_read(event, position)
            assert known == event
            if known.FENCE:
                self.story.authority.apply(known, position)
            elif isinstance(known, TokenBirth):
                assert birth_of(known, position) == self.all[known.jti]

    @invariant()
    def they_agree_on_who_is_alive(self) -> None:
        """Introspection, for every token and every caller."""
        for name, token in self.model.tokens.items():
            for caller in (*CLIENTS, "idle"):
                told = introspect_token(
                    self.story.authority, ClientId(caller), self.all[name], self.model.now
                )
                assert told["active"] == self.model.active_for(caller, token), (name, caller)

    def teardown(self) -> None:
        """Law 8: the history of this run, replayed, reproduces every decision that was taken in it."""
        authority = FoldedAuthority()
        folded = 0
        for place, request, now, decision in self.decided:
            for position, event in self.story.history[folded:place]:
                if event.FENCE:
                    authority.apply(event, position)
            folded = place
            assert decide_request(authority, request, now) == decision

    def new_id(self) -> str:
        self.ids += 1
        return f"x-{self.ids}"

    def facts(self) -> dict[str, Any]:
        """What every event of an operator says."""
        return {"id": self.new_id(), "at": self.story.now, "origin": ORIGIN, "by": "o"}


TestServiceAndModel = ServiceAndModel.TestCase
TestServiceAndModel.settings = settings(max_examples=120, stateful_step_count=50, deadline=None)
