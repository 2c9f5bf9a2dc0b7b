"""A store with a long history in which every event follows from those before it: real decisions, put in as rows.

Made by the decisions of the product in one process; what a busy service records: first
tokens, two exchanges of each, a refusal in twenty, a revocation in two hundred, a policy and a key now and then.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, Final

from api.stamps import milliseconds, new_id
from benchmarks.long_history import BATCH
from benchmarks.policies import chain_policy
from domain.apply_policy import ApplyPolicy, apply_policy
from domain.births import birth_of
from domain.decide_request import decide_request
from domain.events import ClientCredentialAdded, Event, KeyActivated, KeyPublished, TokenBirth
from domain.identifiers import ClientId, Jti, Kid, Position, sha256_hex
from domain.lineage import Birth
from domain.policy_compilation import compile_policy
from domain.policy_difference import difference
from domain.requests import ACCESS_TOKEN, AskedFor, Origin, OwnToken, RequestToken
from domain.revoke_token import RevokeToken, revoke_token
from eventstore.codec import canonical_json, encode
from eventstore.sqlite import SQLiteRecorder
from eventstore.sqlite_file import connect_to_write
from eventstore.sqlite_rows import event_row
from projections.authority import FoldedAuthority

CLIENT: Final = ClientId("agent")
CREDENTIAL: Final = "secret-1"
A_POLICY_EVERY: Final = 50_000
_INSERT: Final = "INSERT INTO events(type, tags, fence, data) VALUES (?, ?, ?, ?)"
_INDEX: Final = "INSERT OR IGNORE INTO event_tags(tag, position) VALUES (?, ?)"
_MOVE_INDEX: Final = "UPDATE meta SET value = ? WHERE name = 'indexed_up_to'"


class TrueHistory:
    """A service without a store: it decides, and folds what it decided."""

    def __init__(self) -> None:
        self._authority = FoldedAuthority()
        self._position = 0
        self._now = milliseconds() - 24 * 3600 * 1000
        self._origin = Origin(node="bench", request=new_id(), address="192.0.2.7")

    def events(self, count: int) -> Iterator[Event]:
        """At least so many."""
        yield from self._beginning()
        chains = 0
        while self._position < count:
            chains += 1
            yield from self._chain(chains)
            if chains % (A_POLICY_EVERY // 3) == 0:
                yield self._policy(4 + chains // (A_POLICY_EVERY // 3) % 2)

    def _given(self, event: Event) -> Event:
        self._position += 1
        if event.FENCE:
            self._authority.apply(event, Position(self._position))
        return event

    def _beginning(self) -> Iterator[Event]:
        said: dict[str, Any] = {"at": self._now, "origin": self._origin, "by": "bench"}
        kid = Kid("k" * 43)
        yield self._policy(4)
        yield self._given(
            KeyPublished(id=new_id(), kid=kid, alg="ES256", jwk={"kid": kid}, signs_from=0, **said)
        )
        yield self._given(KeyActivated(id=new_id(), kid=kid, **said))
        yield self._given(ClientCredentialAdded(id=new_id(), client=CLIENT, credential=CREDENTIAL, **said))

    def _policy(self, depth: int) -> Event:
        document = copy.deepcopy(chain_policy(3))
        document["limits"] = {"lifetime": "5m", "depth": depth}
        policy, before = compile_policy(document), self._authority.policy
        command = ApplyPolicy(
            policy=policy,
            sha256=sha256_hex(canonical_json(policy)),
            difference=difference(before if before.issuer else None, policy),
            by="bench",
            origin=self._origin,
            event_id=new_id(),
        )
        event = apply_policy(self._authority, command, self._now)
        if event is None:
            raise RuntimeError("this policy is in force already")
        return self._given(event)

    def _chain(self, number: int) -> Iterator[Event]:
        """A first token, two exchanges; now and then a refusal, and the end of it."""
        self._now += 4
        root = self._decided(self._request("client_credentials", "step-0"))
        yield root
        parent = self._birth(root)
        for step in ("step-1", "step-2"):
            child = self._decided(self._request("token-exchange", step, parent))
            yield child
            parent = self._birth(child)
        if number % 7 == 0:
            yield self._decided(self._request("token-exchange", "step-1", parent))
        if number % 66 == 0:
            own = OwnToken(birth=self._birth(root), sha256="5" * 64)
            command = RevokeToken(client=CLIENT, token=own, origin=self._origin, event_id=new_id())
            event = revoke_token(self._authority, command, self._now).event
            if event is not None:
                yield self._given(event)

    def _decided(self, request: RequestToken) -> Event:
        return self._given(decide_request(self._authority, request, self._now).event)

    def _birth(self, event: Event) -> Birth:
        birth = birth_of(event, Position(self._position))
        if birth is None or not isinstance(event, TokenBirth):
            raise RuntimeError(f"refused: {event}")
        return birth

    def _request(self, grant: Any, to: str, subject: Birth | None = None) -> RequestToken:
        return RequestToken(
            client=CLIENT,
            credential=CREDENTIAL,
            asked=AskedFor(
                grant=grant, audiences=(to,), subject_token_type=None if subject is None else ACCESS_TOKEN
            ),
            origin=self._origin,
            subject_token=None if subject is None else OwnToken(birth=subject, sha256="5" * 64),
            actor_token=None,
            event_id=new_id(),
            jti=Jti(new_id()),
        )


def fill_truly(store: Path, count: int) -> None:
    """Put such a history into a new store. Not synced: who loses power begins again."""
    with closing(SQLiteRecorder(store)):
        pass
    events = map(encode, TrueHistory().events(count))
    with closing(connect_to_write(store)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        position = 0
        while batch := list(islice(events, BATCH)):
            tokens = [
                (tag, position + number)
                for number, row in enumerate(batch, 1)
                for tag in row.tags
                if tag.startswith("token:")
            ]
            position += len(batch)
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_INSERT, map(event_row, batch))
            connection.executemany(_INDEX, tokens)
            connection.execute(_MOVE_INDEX, (position,))
            connection.execute("COMMIT")
