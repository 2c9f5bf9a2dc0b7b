"""The rules, written down a second time: sets, naive loops, and not a line of the product. Slow, and easy to check.

It knows the small world of `story.py` by heart: who serves what, who may call whom, and what becomes of which scope.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

FIRST: Final = {"travel": {"trip", "read"}, "agent": {"trip"}}
"""Which client gets a first token, for itself, with which scopes."""
HOPS: Final = {
    ("travel", "agent"): {"trip": {"trip"}, "read": {"read"}},
    ("agent", "hr"): {"trip": {"read", "budget"}},
    ("agent", "payroll"): {"read": {"read"}},
    ("hr", "agent"): {"read": {"read"}},
    ("hr", "payroll"): {"read": {"read"}},
}
"""Who may go where, and what each scope becomes there."""
DELEGATING: Final = {("agent", "hr")}
LIFETIMES: Final = {"travel": 300, "agent": 300, "hr": 120, "payroll": 300}
SERVERS: Final = {"travel", "agent", "hr"}


@dataclass
class Token:
    """A token, and the two that it was made from."""

    name: str
    client: str
    subject: str
    key: str
    audiences: set[str]
    scopes: set[str]
    exp: int
    parent: Token | None = None
    actor: Token | None = None

    def depth(self) -> int:
        """How many exchanges lie behind it."""
        return 0 if self.parent is None else self.parent.depth() + 1

    def root(self) -> Token:
        """The first token of its chain."""
        return self if self.parent is None else self.parent.root()

    def stands_on(self) -> list[Token]:
        """Itself and all that it comes from, some of it more than once."""
        made_from = [token for token in (self.parent, self.actor) if token is not None]
        return [self, *(older for token in made_from for older in token.stands_on())]

    def been(self) -> set[str]:
        """Every audience on the way here."""
        return self.audiences | (set() if self.parent is None else self.parent.been())


@dataclass
class Model:
    """Everything there is to know."""

    now: int
    key: str
    depth: int = 4
    tokens: dict[str, Token] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    disabled_clients: set[str] = field(default_factory=set)
    disabled_resources: set[str] = field(default_factory=set)
    disabled_subjects: set[str] = field(default_factory=set)
    keys_gone: set[str] = field(default_factory=set)

    def kill(self, victims: list[Token]) -> None:
        """These, and whatever stands on one of them."""
        names = {token.name for token in victims}
        for token in self.tokens.values():
            if any(older.name in names for older in token.stands_on()):
                self.dead.add(token.name)

    def alive(self, token: Token) -> bool:
        """Whether it may be used now."""
        if token.exp <= self.now or token.name in self.dead or token.key in self.keys_gone:
            return False
        if token.audiences & self.disabled_resources:
            return False
        clients = {older.client for older in token.stands_on()}
        subjects = {older.subject for older in token.stands_on()}
        return not clients & self.disabled_clients and not subjects & self.disabled_subjects

    def active_for(self, caller: str, token: Token) -> bool:
        """Whether introspection says so to this caller."""
        told = caller == token.client or (caller in SERVERS and caller in token.audiences)
        return told and caller not in self.disabled_clients and self.alive(token)

    def may_issue(self, client: str) -> set[str]:
        """The scopes of a first token; none, and there is no token."""
        blocked = client in self.disabled_clients | self.disabled_resources
        if blocked or f"client:{client}" in self.disabled_subjects or self.key in self.keys_gone:
            return set()
        return FIRST.get(client, set())

    def may_exchange(
        self, caller: str, token: Token, targets: set[str], actor: Token | None, asked: set[str]
    ) -> set[str]:
        """The scopes of the new token; none, and there is no token."""
        if not self._parties_agree(caller, token, targets, actor) or self.key in self.keys_gone:
            return set()
        if token.depth() + 1 > self.depth or targets & token.been():
            return set()
        rights = [self._rights(caller, target, token, actor) for target in targets]
        shared = set.intersection(*rights)
        if asked:
            return asked if asked <= shared else set()
        return shared

    def _parties_agree(self, caller: str, token: Token, targets: set[str], actor: Token | None) -> bool:
        if caller in self.disabled_clients or not self.alive(token) or caller not in token.audiences:
            return False
        if targets & self.disabled_resources or any((caller, target) not in HOPS for target in targets):
            return False
        if actor is None:
            return True
        delegating = all((caller, target) in DELEGATING for target in targets)
        return delegating and self.alive(actor) and actor.client == caller and actor.name != token.name

    def _rights(self, caller: str, target: str, token: Token, actor: Token | None) -> set[str]:
        becomes = HOPS[caller, target]
        rights = {there for here in token.scopes for there in becomes.get(here, set())}
        if actor is None:
            return rights
        of_actor = {there for here in actor.scopes for there in becomes.get(here, set())}
        return rights & (of_actor | (actor.scopes if target in actor.audiences else set()))

    def expiry(self, targets: set[str], token: Token | None, actor: Token | None) -> int:
        """When the new token expires."""
        made_from = [older.exp for older in (token, actor) if older is not None]
        return min([self.now + min(LIFETIMES[target] for target in targets), *made_from])
