"""Records what is decided without a token being torn off: revocations, forgeries, refusals to revoke."""

from __future__ import annotations

from collections.abc import Callable

from api.denials import Denials
from api.facts import Fact
from domain.authority import Authority
from domain.events import Event
from domain.identifiers import ClientId
from domain.refusals import Reason
from eventstore.writer import Writer


class Recorder:
    """Stamps events and appends them; `new_id` and `clock` are what they are stamped with."""

    def __init__(
        self,
        authority: Authority,
        writer: Writer,
        denials: Denials,
        new_id: Callable[[], str],
        clock: Callable[[], int],
    ) -> None:
        self._authority = authority
        self._writer = writer
        self._denials = denials
        self.new_id = new_id
        self.clock = clock

    async def record(self, event: Event) -> Fact:
        """Make the event durable. Raises StoreError."""
        fact = Fact(event=event, decided_at=self._authority.position)
        await self._writer.append(fact)
        return fact

    async def record_up_to_rate(self, event: Event, client: ClientId, reason: Reason) -> None:
        """The same up to the client's rate; past it the event is only counted, by its reason (law 4)."""
        if self._denials.may_record(client, self._authority.policy.limits.denials_per_minute):
            await self.record(event)
        else:
            self._denials.count(client, reason)
