"""Replay: the log folded again, and every decision in it taken again with the policy and the state of its moment.

Each is decided right before its own position (law 2) and, where it stood on an earlier state, there too (law 8). What
comes out must be what was recorded, to the last field. Memory is bounded: pages of events, the births passed last.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final, Protocol

from eventsourcing.dcb.api import DCBQuery, DCBReadResponse, DCBSequencedEvent

from domain.events import Denied, Event, TokenBirth, TokenRevokeDenied
from domain.identifiers import Position
from domain.tags import tags_of
from eventstore.codec import UnreadableEvent, decode
from projections.authority import FoldedAuthority
from projections.births import Births
from projections.folded_state import FoldedState
from projections.known_births import KnownBirths
from projections.replay_decisions import ReplayedDecisions
from projections.replay_findings import Difference, Findings
from projections.trailing_state import folded_up_to

PAGE: Final = 1000
"""Events read at once."""
PART: Final = 25
"""Of them decoded and decided at once: what stays in the processor's own cache meanwhile. Measured, with the whole page
instead a replay takes a sixth longer."""
FORGET_EVERY: Final = 64
"""Pages."""
PATIENCE: Final = 3600
"""Seconds by which clocks of nodes may disagree before what a revocation killed is forgotten too early; whoever is
further behind is decided on a state that is folded anew."""

_PLAIN: Final = 200
"""Characters of all tags together; then no value is too long for its tag."""

Read = tuple[Position, DCBSequencedEvent, Event]


class ReplayLog(Protocol):
    """The reading half of a store."""

    def read(
        self, query: DCBQuery | None = None, *, after: int | None = None, limit: int | None = None
    ) -> DCBReadResponse:
        """The events that a query finds, in order."""

    def read_fence(self, after: int, limit: int | None = None) -> Iterator[DCBSequencedEvent]:
        """The fence events after a position, in order."""

    def read_tokens(self, tags: list[str]) -> list[DCBSequencedEvent]:
        """The events under these `token:` tags."""


class Replay:
    """Walks through one log. Raises what the store raises, and UnknownEventType where a newer version wrote."""

    def __init__(
        self,
        log: ReplayLog,
        after: Position,
        *,
        begun_after: Position | None = None,
        state: FoldedState | None = None,
        findings: Findings | None = None,
    ) -> None:
        """Begin after a position, with the state there; without one, it is folded from the log.

        `begun_after` and `findings`: of the part that was replayed before.
        """
        self._log = log
        self._births = KnownBirths(log)
        authority = FoldedAuthority() if state is not None or after == 0 else folded_up_to(log, after)
        if state is not None:
            authority.restore(state)
        self.after = after if begun_after is None else begun_after
        self.position = after
        self.last_event: tuple[Position, str] | None = None
        """Position and id of the last event that was read: another log has another there."""
        self.findings = findings or Findings()
        self._decisions = ReplayedDecisions(log, authority, self._births, Births(log), self.findings)

    def run(self, until: Position) -> Iterator[Position]:
        """Go on up to a position; stops after each page, to be told how far it is."""
        pages = 0
        while self.position < until:
            earliest = self._page(until)
            self._decisions.follow(self.position)
            pages += 1
            if earliest is not None and pages % FORGET_EVERY == 0:
                self._decisions.forget(earliest // 1000 - PATIENCE)
            yield self.position
        self.settle()

    def settle(self) -> FoldedState:
        """Decide what still waits for an earlier state; the state here, to be written down before going on."""
        return self._decisions.settle(self.position)

    def _page(self, until: Position) -> int | None:
        """Decide a page of events again; the earliest time that is said at the beginning of a part, in ms."""
        page, count = self._log.read(after=self.position, limit=PAGE), 0
        earliest: int | None = None
        while self.position < until and (part := list(islice(page, PART))):
            count += len(part)
            read = self._decoded([stored for stored in part if stored.position <= until])
            if read:
                self._births.look_up([event for _, _, event in read], before=read[0][0])
            for position, stored, event in read:
                self._births.at = position
                self._event(position, stored, event)
            if read:
                self.last_event = read[-1][0], read[-1][2].id
                earliest = min(earliest or read[0][2].at, read[0][2].at)
            self.position = min(Position(part[-1].position), until)
        if count < PAGE:
            self.position = until
        return earliest

    def _decoded(self, page: list[DCBSequencedEvent]) -> list[Read]:
        self.findings.tally.events += len(page)
        read = []
        for stored in page:
            try:
                read.append((Position(stored.position), stored, decode(stored)))
            except UnreadableEvent as error:
                self._unreadable(stored, str(error))
        return read

    def _unreadable(self, stored: DCBSequencedEvent, why: str) -> None:
        position = Position(stored.position)
        self.findings.add(lambda: Difference(position=position, type=stored.event.type, what=why))

    def _event(self, position: Position, stored: DCBSequencedEvent, event: Event) -> None:
        if isinstance(event, TokenRevokeDenied):
            self._decisions.refused_revocation(position, event)
        elif isinstance(event, TokenBirth):
            event = self._decisions.request(position, event)  # type: ignore[arg-type]
            self._births.passed(event, position)  # type: ignore[arg-type]
        elif isinstance(event, Denied):
            self._decisions.request(position, event)  # type: ignore[arg-type]
        elif event.FENCE:
            self._decisions.fence(position, event)
        self._tags(position, stored, event)

    def _tags(self, position: Position, stored: DCBSequencedEvent, event: Event) -> None:
        if isinstance(event, TokenBirth) and _plainly_tagged(stored.event.tags, event):
            return
        tags = tags_of(event)
        if stored.event.tags == tags or sorted(stored.event.tags) == sorted(tags):
            return
        self.findings.add(
            lambda: Difference(
                position=position,
                type=event.TYPE,
                what="its tags are others than the event has: it is not found where it should be",
                recorded={"tags": stored.event.tags},
                again={"tags": tags},
            )
        )


def _plainly_tagged(tags: list[str], event: TokenBirth) -> bool:
    """What `tags_of` would say of nearly every birth, in a quarter of the time; the others are its to say."""
    text = f"token:{event.jti} chain:{event.chain} subject:{event.subject} client:{event.client}"
    return (
        " ".join(tags) == text
        and text.count(" ") == len(tags) - 1 == 3  # so none is in a value
        and len(text) <= _PLAIN
        and text.isascii()
        and text.isprintable()
        and "sha256-" not in text
        and ": " not in text
        and not text.endswith(":")
    )
