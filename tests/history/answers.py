"""What the answers alone say: the service is a black box, nothing in its log is believed but the reasons it gave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from tests.history.kinship import Kinship
from tests.history.operations import History, Operation, Violation
from tests.history.register import Fault, Said, faults
from tests.history.switches import Switches

DEAD_FOR_GOOD = frozenset(
    (
        "token_revoked",
        "ancestor_revoked",
        "chain_revoked",
        "subject_revoked",
        "client_revoked",
        "key_compromised",
    )
)
"""Reasons of a refusal that say: this token will never be good again."""


class Answers:
    """Holds the answers of one run against each other."""

    def __init__(self, history: History, reasons: Mapping[int, tuple[str, str | None]]) -> None:
        """`reasons`: number of a refused operation → the reason that the log gives, and the token it is about."""
        self._history = history
        self._reasons = reasons
        self._kinship = Kinship(history)
        self._switches = Switches(history.operations)

    def violations(self) -> Iterator[Violation]:
        """All that no order of the operations explains."""
        said: dict[str, list[Said]] = defaultdict(list)
        for op in self._history.operations:
            yield from self._of_itself(op)
            for jti in op.uses:
                if self._kinship.torn(jti) is not None:
                    said[jti] += self._said(op, jti)
        for jti, about in said.items():
            for fault in faults(self._kinship.deaths(jti), about):
                yield _told(jti, fault)

    def _of_itself(self, op: Operation) -> Iterator[Violation]:
        if op.status >= 500 and op.status != 503:
            yield Violation(rule="an outage is a 503", what=f"answered {op.status}", operations=(op,))
        for jti in op.uses if op.outcome == "yes" else ():
            torn = self._kinship.torn(jti)
            if torn is None:
                continue
            if op.start + self._history.wall_offset >= torn.exp:
                yield Violation(
                    rule="yes after the expiry", what=f"{jti} expired at {torn.exp}", operations=(op,)
                )
            for party in set(self._kinship.parties(jti)):
                if self._switches.surely(party, True, op.start, op.end):
                    what = f"{jti} stands on the {party[0]} {party[1]}, disabled all the while"
                    yield Violation(rule="yes while disabled", what=what, operations=(op,))

    def _said(self, op: Operation, jti: str) -> Iterator[Said]:
        if op.outcome == "yes":
            yield Said(operation=op, verdict="alive")
        elif op.outcome == "no" and self._only_death_explains(op, jti):
            yield Said(operation=op, verdict="dead")

    def _only_death_explains(self, op: Operation, jti: str) -> bool:
        if op.kind == "exchange":
            reason, about = self._reasons.get(op.number, ("", None))
            return reason in DEAD_FOR_GOOD and about == jti
        torn = self._kinship.torn(jti)
        if torn is None or op.answer != "inactive" or op.end + self._history.wall_offset >= torn.exp:
            return False
        parties = {("client", op.caller), *self._kinship.parties(jti)}
        return not any(self._switches.perhaps_disabled(party, op.start, op.end) for party in parties)


def _told(jti: str, fault: Fault) -> Violation:
    involved = (fault.first, fault.then) if fault.first is not None else (fault.then,)
    return Violation(rule=fault.rule, what=f"of the token {jti}", operations=involved)
