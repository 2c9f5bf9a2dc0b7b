"""What a backtest finds, in groups: what would be otherwise, why, for which client, from where to where."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from domain.events import TokenBirth
from domain.identifiers import ClientId, Jti, Position
from domain.requests import ForeignCredential, OwnToken, RequestToken

EXAMPLES: Final = 3
"""Of each group."""

Effect = Literal["denied", "allowed", "changed", "orphaned"]
"""Would be denied; would be allowed that was denied; would be another token; stands on one that would be denied."""


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded decision."""

    position: Position
    at: int
    """Milliseconds since the epoch."""
    jti: Jti | None
    subject: str


class Group(msgspec.Struct, kw_only=True):
    """Decisions that differ in the same way. What tells groups apart is bounded by the policies, not by callers."""

    effect: Effect
    why: str
    """The reason code of the denial: of the new one, or of the recorded one; what would change, in words."""
    client: ClientId
    source: str
    """The audiences of the token that was exchanged, the trusted issuer, or `client_credentials`.

    With `audience` it says which rule."""
    audience: str
    """The audiences of the token, separated by spaces."""
    count: int = 0
    examples: list[Example] = []


class Backtested(msgspec.Struct, kw_only=True):
    """All of it, for the positions after `after` and up to `position`."""

    after: Position = Position(0)
    position: Position = Position(0)
    requests: int = 0
    incomplete: int = 0
    """Requests that cannot be decided again: of older versions, or on a token without a birth."""
    groups: dict[str, Group] = {}

    def add(
        self, effect: Effect, why: str, request: RequestToken, token: TokenBirth, position: Position
    ) -> None:
        """One decision that differs; `token` is the one that there is on one of the two sides."""
        source, audience = _source(request), " ".join(token.audiences)
        key = "\n".join((effect, why, request.client, source, audience))
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = Group(
                effect=effect, why=why, client=request.client, source=source, audience=audience
            )
        group.count += 1
        if len(group.examples) < EXAMPLES:
            example = Example(position=position, at=token.at, jti=token.jti or None, subject=token.subject)
            group.examples.append(example)

    def count(self, effect: Effect) -> int:
        """How many decisions."""
        return sum(group.count for group in self.groups.values() if group.effect == effect)


def _source(request: RequestToken) -> str:
    match request.subject_token:
        case OwnToken(birth=birth):
            return " ".join(birth.audiences)
        case ForeignCredential(issuer=issuer):
            return f"trusted issuer {issuer}"
        case _:
            return "client_credentials"
