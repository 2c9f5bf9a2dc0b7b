"""The service against a small model of it: whatever happens in whatever order, they agree on who is alive."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from domain.decisions import Granted
from domain.events import (
    ClientRevoked,
    KeyActivated,
    KeyCompromised,
    SubjectDisabled,
    SubjectEnabled,
    SubjectRevoked,
)
from domain.identifiers import Kid, Position
from domain.keys import KeyChange, publish
from domain.lineage import Birth
from domain.refusals import Reason
from projections.authority import FoldedAuthority
from tests.domain.story import KID, OPERATOR, ORIGIN, Story

CLIENTS = ("travel", "agent", "hr")


class Model:
    """What a reader of the rules would write down: a tree of names, and a set of the dead."""

    def __init__(self) -> None:
        self.parent: dict[str, str | None] = {}
        self.client: dict[str, str] = {}
        self.key: dict[str, str] = {}
        self.exp: dict[str, int] = {}
        self.dead: set[str] = set()
        self.disabled_subjects: set[str] = set()
        self.disabled_clients: set[str] = set()

    def born(self, birth: Birth, parent: Birth | None) -> None:
        self.parent[birth.jti] = None if parent is None else parent.jti
        self.client[birth.jti] = birth.client
        self.key[birth.jti] = birth.kid
        self.exp[birth.jti] = birth.exp

    def kill(self, jti: str) -> None:
        self.dead.add(jti)

    def line(self, jti: str) -> list[str]:
        found: list[str] = []
        at: str | None = jti
        while at is not None:
            found.append(at)
            at = self.parent[at]
        return found

    def alive(self, jti: str, now: int) -> bool:
        line = self.line(jti)
        suspended = any(
            self.client[name] in self.disabled_clients
            or f"client:{self.client[line[-1]]}" in self.disabled_subjects
            for name in line
        )
        return now < self.exp[jti] and not suspended and not self.dead.intersection(line)


class ServiceAndModel(RuleBasedStateMachine):
    """Issue, exchange, revoke, disable, rotate, wait, restart, in any order."""

    births = Bundle("births")

    def __init__(self) -> None:
        super().__init__()
        self.story = Story()
        self.model = Model()
        self.all: dict[str, Birth] = {}
        self.key = KID

    def keep(self, birth: Birth, parent: Birth | None) -> Birth:
        self.model.born(birth, parent)
        self.all[birth.jti] = birth
        return birth

    @rule(target=births, client=st.sampled_from(("travel", "agent")))
    def issue(self, client: str) -> Birth | None:
        decision = self.story.decide(self.story.request(client, "client_credentials", client))
        blocked = client in self.model.disabled_clients or f"client:{client}" in self.model.disabled_subjects
        assert isinstance(decision, Granted) == (not blocked)
        return self.keep(self.story.born(decision), None) if isinstance(decision, Granted) else None

    @rule(target=births, parent=births, to=st.sampled_from(("agent", "hr", "payroll")))
    def exchange(self, parent: Birth | None, to: str) -> Birth | None:
        if parent is None:
            return None
        server = parent.audiences[0].removeprefix("https://").removesuffix(".example")
        decision = self.story.exchange(server, parent, to)
        if isinstance(decision, Granted):
            assert self.model.alive(parent.jti, self.story.now // 1000)
            assert server not in self.model.disabled_clients
            return self.keep(self.story.born(decision), parent)
        if not self.model.alive(parent.jti, self.story.now // 1000):
            assert decision.refusal.reason not in (Reason.DEPTH_EXCEEDED, Reason.CIRCULAR_CHAIN)
        return None

    @rule(birth=births)
    def revoke(self, birth: Birth | None) -> None:
        if birth is not None:
            self.story.revoke(birth)
            self.model.kill(birth.jti)

    @rule(client=st.sampled_from(CLIENTS))
    def revoke_client(self, client: str) -> None:
        self.story.given(
            ClientRevoked(
                id="x",
                at=0,
                origin=ORIGIN,
                by=OPERATOR,
                until=2**40,
                client=client,  # type: ignore[arg-type]
            )
        )
        for jti, owner in self.model.client.items():
            if owner == client:
                self.model.kill(jti)

    @rule(client=st.sampled_from(CLIENTS))
    def revoke_subject(self, client: str) -> None:
        subject = f"client:{client}"
        self.story.given(
            SubjectRevoked(
                id="x",
                at=0,
                origin=ORIGIN,
                by=OPERATOR,
                until=2**40,
                subject=subject,  # type: ignore[arg-type]
            )
        )
        for jti, birth in self.all.items():
            if birth.subject == subject:
                self.model.kill(jti)

    @rule(client=st.sampled_from(CLIENTS), disabled=st.booleans())
    def disable_subject(self, client: str, disabled: bool) -> None:
        subject = f"client:{client}"
        kind = SubjectDisabled if disabled else SubjectEnabled
        self.story.given(kind(id="x", at=0, origin=ORIGIN, by="o", subject=subject))  # type: ignore[arg-type]
        (self.model.disabled_subjects.add if disabled else self.model.disabled_subjects.discard)(subject)

    @rule(client=st.none() | st.sampled_from(CLIENTS))
    def change_policy(self, client: str | None) -> None:
        self.story.change(**({} if client is None else {f"clients__{client}__disabled": True}))
        self.model.disabled_clients = set() if client is None else {client}

    @rule(compromised=st.booleans())
    def rotate_key(self, compromised: bool) -> None:
        old, self.key = self.key, Kid(self.story.id())
        change = KeyChange(by="o", origin=ORIGIN, now=self.story.now)
        self.story.given(
            publish(self.key, "ES256", {}, 0, change, self.story.id()),
            KeyActivated(id=self.story.id(), at=self.story.now, origin=ORIGIN, by="o", kid=self.key),
        )
        if compromised:
            self.story.given(KeyCompromised(id=self.story.id(), at=0, origin=ORIGIN, by="o", kid=old))
            for jti, kid in self.model.key.items():
                if kid == old:
                    self.model.kill(jti)

    @rule(seconds=st.sampled_from((1, 60, 150)))
    def wait(self, seconds: int) -> None:
        self.story.later(seconds)

    @rule()
    def restart(self) -> None:
        """Fold the whole log anew: the state is nothing but its fold."""
        authority = FoldedAuthority()
        for position, event in self.story.history:
            if event.FENCE:
                authority.apply(event, Position(position))
        self.story.authority = authority

    @invariant()
    def agree(self) -> None:
        authority, now = self.story.authority, self.story.now // 1000
        for jti, birth in self.all.items():
            alive = (
                birth.exp > now and authority.revoked(birth) is None and authority.suspended(birth) is None
            )
            assert alive == self.model.alive(jti, now), jti


TestServiceAndModel = ServiceAndModel.TestCase
TestServiceAndModel.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
