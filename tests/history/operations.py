"""What a client did and what it was told: one record for each request, with the span in which it took effect."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Kind = Literal["issue", "exchange", "introspect", "revoke", "operate"]
Outcome = Literal["yes", "no", "unknown"]
"""`unknown`: no answer, or 503. It may have happened, may still happen, or never."""
KillKind = Literal["token", "chain", "subject", "client", "key"]
SwitchKind = Literal["client", "resource", "subject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Torn:
    """A token as whoever holds it reads it, unverified."""

    jti: str
    chain: str
    client: str
    subject: str
    kid: str
    audiences: tuple[str, ...]
    scope: str
    exp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """What a revocation names."""

    kind: KillKind
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A party that is disabled, or enabled again."""

    kind: SwitchKind
    name: str
    disabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One request and its answer. Times are seconds of one monotonic clock, which all clients share."""

    number: int
    """Also the W3C trace id that the request carried, so that its events are found whatever the answer was."""
    kind: Kind
    start: float
    end: float
    outcome: Outcome
    answer: str
    """In short: `200`, an error code, `active`, `inactive`, `reset`."""
    caller: str = ""
    node: str = ""
    status: int = 0
    token: str | None = None
    """The `jti` of the token that it was about."""
    actor: str | None = None
    torn: Torn | None = None
    """The token that was given."""
    kill: Kill | None = None
    effect: bool | None = None
    """Whether the answer says that it changed anything; `None` where it does not say."""
    switches: tuple[Switch, ...] = ()
    position: int | None = None
    """The position that the answer named."""

    @property
    def until(self) -> float:
        """The last moment at which it can have taken effect."""
        return math.inf if self.outcome == "unknown" else self.end

    @property
    def trace(self) -> str:
        """The trace id of the request."""
        return f"{self.number:032x}"

    @property
    def operator(self) -> str:
        """The name under which the log knows who did it, for what was done at the command line."""
        return f"operator-{self.number}"

    @property
    def uses(self) -> tuple[str, ...]:
        """The tokens that a yes says are alive."""
        if self.kind not in ("exchange", "introspect"):
            return ()
        return tuple(jti for jti in (self.token, self.actor) if jti is not None)

    def __str__(self) -> str:
        span = f"{self.start:.4f}-{self.end:.4f} s"
        about = self.token or (f"{self.kill.kind} {self.kill.name}" if self.kill else "")
        place = f"by {self.caller} at {self.node or 'the store'}"
        return f"#{self.number} {self.kind} {about} {place}, {span}: {self.answer}"


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All that was done in one run."""

    operations: tuple[Operation, ...]
    wall_offset: float = 0.0
    """Add it to a monotonic time to get seconds since the epoch."""

    def births(self) -> dict[str, Operation]:
        """`jti` → the operation that answered with the token."""
        return {op.torn.jti: op for op in self.operations if op.torn is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """What must not be, in words, and the operations that show it."""

    rule: str
    what: str
    operations: tuple[Operation, ...] = ()

    def __str__(self) -> str:
        return "\n".join([f"[{self.rule}] {self.what}", *(f"    {op}" for op in self.operations)])
