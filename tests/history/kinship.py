"""What each token stands on and what can have killed it, as far as the clients themselves can tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache

from tests.history.operations import History, Kill, Operation, Torn
from tests.history.register import Death
from tests.history.switches import Party


class Kinship:
    """The families of tokens in one history."""

    def __init__(self, history: History) -> None:
        self.births = history.births()
        self._kills: dict[Kill, list[Operation]] = defaultdict(list)
        for op in history.operations:
            if op.kill is not None and op.outcome != "no":
                self._kills[op.kill].append(op)
        self.stands_on = cache(self._stands_on)
        self.deaths = cache(self._deaths)

    def _stands_on(self, jti: str) -> frozenset[str]:
        """The token and all that it was made from."""
        birth = self.births.get(jti)
        older = () if birth is None else tuple(t for t in (birth.token, birth.actor) if t is not None)
        return frozenset((jti,)).union(*map(self.stands_on, older))

    def _torn(self, jti: str) -> Torn:
        torn = self.births[jti].torn
        if torn is None:
            raise ValueError(f"{jti} was never given to anybody")
        return torn

    def torn(self, jti: str) -> Torn | None:
        """The token, if some answer gave it."""
        return self._torn(jti) if jti in self.births else None

    def parties(self, jti: str) -> Iterator[Party]:
        """Whose being disabled suspends the token."""
        for older in self.stands_on(jti):
            torn = self._torn(older)
            yield "client", torn.client
            yield "subject", torn.subject
        for audience in self._torn(jti).audiences:
            yield "resource", audience

    def _deaths(self, jti: str) -> tuple[Death, ...]:
        return tuple(death for older in self.stands_on(jti) for death in self._killed(older))

    def _killed(self, jti: str) -> Iterator[Death]:
        birth, torn = self.births[jti], self._torn(jti)
        by_name = (
            Kill(kind="token", name=jti),
            Kill(kind="chain", name=jti),
            Kill(kind="key", name=torn.kid),
        )
        for kill in by_name:
            for op in self._kills.get(kill, ()):
                yield Death(operation=op, certain=op.outcome == "yes")
        for kill in (Kill(kind="subject", name=torn.subject), Kill(kind="client", name=torn.client)):
            for op in self._kills.get(kill, ()):
                # Only what was born before it. Born beside it, a token may have been met or not.
                if birth.start < op.until:
                    yield Death(operation=op, certain=op.outcome == "yes" and birth.end < op.start)
