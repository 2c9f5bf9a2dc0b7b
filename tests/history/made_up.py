"""Histories that are right by construction: real decisions on one log, and made-up spans around their true moments.

What a checker must not complain of is drawn from here, and so is what it must find, once something is changed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from domain.apply_policy import ApplyPolicy, apply_policy
from domain.births import birth_of
from domain.decide_request import decide_request
from domain.events import RevokedBy, SubjectDisabled, SubjectEnabled, TokenBirth, TokenRevokeDenied
from domain.identifiers import ClientId, Position, Subject, sha256_hex
from domain.introspect_token import introspect_token
from domain.lineage import Birth
from domain.policy_compilation import compile_policy
from domain.policy_difference import difference
from domain.pull_the_plug import EverythingOfSubject, PullThePlug, Target, WholeChain, pull_the_plug
from domain.requests import Origin, OwnToken
from domain.revoke_token import RevokeToken, revoke_token
from eventstore.codec import canonical_json
from tests.domain.story import NOW, Story, world
from tests.history.log import Log, Recorded
from tests.history.operations import History, Kill, Kind, Operation, Switch, Torn

STEP: Final = 0.01
"""Seconds between the true moments of two operations."""
BY_NAME: Final = [
    {"to": "hr", "scopes": ["read"], "semantics": "delegation"},
    {"to": "payroll", "scopes": ["read"]},
]
SERVERS: Final = {
    "https://travel.example": "travel",
    "https://agent.example": "agent",
    "https://hr.example": "hr",
}


class MadeUp:
    """A service that is never wrong, and those who ask it."""

    def __init__(self) -> None:
        self.story = Story(clients__agent__exchange=BY_NAME)
        # The story's own first policy has no hash; it is part of the world, not of what is checked.
        self.begun_at = self.story.position
        self.operations: list[Operation] = []
        self.births: list[Birth] = []

    def _record(self, kind: Kind, spread: tuple[int, int] = (0, 0), **facts: Any) -> Operation:
        number = len(self.operations) + 1
        moment = number * STEP
        before, after = (0.001 + width * STEP * 0.4 for width in spread)
        op = Operation(number=number, kind=kind, start=moment - before, end=moment + after, **facts)
        self.operations.append(op)
        return op

    def _origin(self) -> Origin:
        number = len(self.operations) + 1
        return Origin(node="n", request=f"r{number}", trace=f"{number:032x}")

    def issue(self, client: str, spread: tuple[int, int] = (0, 0)) -> Birth | None:
        """A first token, or a refusal."""
        return self._tear_off("issue", self.story.request(client, "client_credentials", client), spread)

    def exchange(
        self, parent: Birth, to: str, actor: Birth | None = None, spread: tuple[int, int] = (0, 0)
    ) -> Birth | None:
        """A child, or a refusal."""
        client = SERVERS.get(parent.audiences[0], "hr")
        request = self.story.request(client, "token-exchange", to, subject=parent, actor=actor)
        return self._tear_off("exchange", request, spread)

    def _tear_off(self, kind: Kind, request: Any, spread: tuple[int, int]) -> Birth | None:
        request = replace(request, origin=self._origin())
        decision = decide_request(self.story.authority, request, self.story.now)
        position = self.story.given(decision.event)
        birth = birth_of(decision.event, position) if isinstance(decision.event, TokenBirth) else None
        self._record(
            kind,
            spread,
            outcome="yes" if birth else "no",
            answer="200" if birth else "invalid_request",
            status=200 if birth else 400,
            caller=request.client,
            token=request.subject_token.birth.jti if request.subject_token else None,
            actor=request.actor_token.birth.jti if request.actor_token else None,
            torn=None if birth is None else _torn(birth),
        )
        if birth is not None:
            self.births.append(birth)
        return birth

    def introspect(self, birth: Birth, spread: tuple[int, int] = (0, 0)) -> Operation:
        """Its holder asks."""
        told = introspect_token(self.story.authority, ClientId(birth.client), birth, self.story.now // 1000)
        return self._record(
            "introspect",
            spread,
            outcome="yes" if told["active"] else "no",
            answer="active" if told["active"] else "inactive",
            status=200,
            caller=birth.client,
            token=birth.jti,
        )

    def revoke(self, birth: Birth, client: str | None = None, spread: tuple[int, int] = (0, 0)) -> Operation:
        """By its holder, or by somebody else."""
        command = RevokeToken(
            client=ClientId(client or birth.client),
            token=OwnToken(birth=birth, sha256="5" * 64),
            origin=self._origin(),
            event_id=self.story.id(),
        )
        revoking = revoke_token(self.story.authority, command, self.story.now)
        if revoking.event is not None:
            self.story.given(revoking.event)
        refused = isinstance(revoking.event, TokenRevokeDenied)
        return self._record(
            "revoke",
            spread,
            outcome="no" if refused else "yes",
            answer="invalid_grant" if refused else "200",
            status=400 if refused else 200,
            caller=command.client,
            token=birth.jti,
            kill=Kill(kind="token", name=birth.jti),
        )

    def pull(self, birth: Birth, kind: str, spread: tuple[int, int] = (0, 0)) -> Operation:
        """The plug of a chain, or of a subject."""
        root = next(b for b in self.births if b.jti == birth.chain)
        last = self.story.authority.subject_revoked_at(birth.subject) or 0
        since = any(b.subject == birth.subject and b.position > last for b in self.births)
        target: Target = WholeChain(root=root)
        if kind == "subject":
            target = EverythingOfSubject(subject=birth.subject, born_since=since)
        command = PullThePlug(
            target=target,
            by=RevokedBy(kind="administrator", name="security"),
            origin=self._origin(),
            event_id=self.story.id(),
        )
        event = pull_the_plug(self.story.authority, command, self.story.now)
        position = self.story.authority.position if event is None else self.story.given(event)
        kill = (
            Kill(kind="subject", name=birth.subject)
            if kind == "subject"
            else Kill(kind="chain", name=birth.chain)
        )
        return self._record(
            "revoke",
            spread,
            outcome="yes",
            answer="200",
            status=200,
            caller="security",
            token=birth.chain if kind == "chain" else None,
            kill=kill,
            effect=event is not None,
            position=position,
        )

    def subject(self, subject: str, disabled: bool, spread: tuple[int, int] = (0, 0)) -> Operation:
        """Disable it, or enable it again."""
        number = len(self.operations) + 1
        kind = SubjectDisabled if disabled else SubjectEnabled
        position = self.story.given(
            kind(
                id=self.story.id(),
                at=self.story.now,
                origin=Origin(node="n", request="o"),
                by=f"operator-{number}",
                subject=Subject(subject),
            )
        )
        switch = Switch(kind="subject", name=subject, disabled=disabled)
        return self._operate((switch,), position, spread)

    def policy(self, spread: tuple[int, int] = (0, 0), **changes: Any) -> Operation:
        """Put a policy in force; what it does not say is enabled."""
        number = len(self.operations) + 1
        policy = compile_policy(world(clients__agent__exchange=BY_NAME, **changes))
        command = ApplyPolicy(
            policy=policy,
            sha256=sha256_hex(canonical_json(policy)),
            difference=difference(self.story.authority.policy, policy),
            by=f"operator-{number}",
            origin=Origin(node="n", request="o"),
            event_id=self.story.id(),
        )
        event = apply_policy(self.story.authority, command, self.story.now)
        position = None if event is None else self.story.given(event)
        switches = (
            *(Switch(kind="client", name=c.name, disabled=c.disabled) for c in policy.clients.values()),
            *(
                Switch(kind="resource", name=r.audience, disabled=r.disabled)
                for r in policy.resources.values()
            ),
        )
        return self._operate(switches, position, spread)

    def _operate(
        self, switches: tuple[Switch, ...], position: Position | None, spread: tuple[int, int]
    ) -> Operation:
        return self._record(
            "operate",
            spread,
            outcome="yes",
            answer="done",
            caller="operator",
            switches=switches,
            effect=position is not None,
            position=position,
        )

    def history(self) -> History:
        """What was asked and answered."""
        ordered = sorted(self.operations, key=lambda op: op.start)
        return History(operations=tuple(ordered), wall_offset=NOW / 1000)

    def recorded(self) -> list[Recorded]:
        """What the log holds."""
        return [Recorded(position, event) for position, event in self.story.history]

    def log(self) -> Log:
        """The same, indexed."""
        return Log(self.recorded())


def _torn(birth: Birth) -> Torn:
    return Torn(
        jti=birth.jti,
        chain=birth.chain,
        client=birth.client,
        subject=birth.subject,
        kid=birth.kid,
        audiences=birth.audiences,
        scope=" ".join(birth.scope),
        exp=birth.exp,
    )
