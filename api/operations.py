"""What an operator does at the command line, each a fence event: policy, secrets, keys, subjects, revocation.

It works on the log itself, beside running servers, which see it behind their next read barrier.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eventsourcing.dcb.api import DCBAppendCondition, DCBQuery, DCBQueryItem
from eventsourcing.persistence import IntegrityError

from api.key_directory import KeyDirectory
from api.ledger import Ledger
from api.recordable import SECRET_PREFIX
from api.signing_keys import SigningKey
from domain.apply_policy import ApplyPolicy, apply_policy
from domain.events import (
    ClientCredentialAdded,
    ClientCredentialRetired,
    Event,
    PolicyApplied,
    Revocation,
    RevokedBy,
    SubjectDisabled,
    SubjectEnabled,
)
from domain.identifiers import ClientId, Kid, Position, Subject, sha256_hex
from domain.keys import Key, KeyChange, activate, compromise, publish, retire
from domain.policy import Policy, SigningAlgorithm
from domain.policy_difference import difference
from domain.pull_the_plug import PullThePlug, pull_the_plug
from domain.requests import Origin
from domain.tags import POLICY
from eventstore.codec import canonical_json, encode
from projections.revocation_targets import Kind, revocation_target

_NEVER = DCBQuery(items=[DCBQueryItem(tags=["counterfoil:never"])])
"""Every append has a condition, also where nothing could contradict it: the stores promise order only then."""


class OperatorMistake(Exception):
    """What was asked for cannot be done; the text says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    """A generated client secret. It is shown once and stored only as a hash."""

    client: ClientId
    credential: str
    secret: str


class Operator:
    """One operator at one ledger."""

    def __init__(
        self,
        ledger: Ledger,
        keys: KeyDirectory,
        *,
        by: str,
        node: str,
        new_id: Callable[[], str],
        clock: Callable[[], int],
    ) -> None:
        self._ledger = ledger
        self._keys = keys
        self._by = by
        self._origin = Origin(node=node, request=new_id())
        self._new_id = new_id
        self._clock = clock

    def apply(self, policy: Policy) -> tuple[PolicyApplied | None, list[NewSecret]]:
        """Put a policy in force and give a secret to every client that needs one and has none.

        Raises IssuerChanged, and OperatorMistake if another policy was applied at the same moment.
        """
        authority = self._ledger.authority
        self._ledger.fence.catch_up()
        in_force = authority.policy if authority.policy.issuer else None
        command = ApplyPolicy(
            policy=policy,
            sha256=sha256_hex(canonical_json(policy)),
            difference=difference(in_force, policy),
            by=self._by,
            origin=self._origin,
            event_id=self._new_id(),
        )
        event = apply_policy(authority, command, self._clock())
        if event is not None:
            self._append_policy(event)
        return event, [self._add_secret(client) for client in self._without_secret()]

    def _append_policy(self, event: PolicyApplied) -> None:
        unchanged = DCBQuery(items=[DCBQueryItem(tags=[POLICY])])
        try:
            self._append([event], DCBAppendCondition(unchanged, after=event.previous))
        except IntegrityError:
            raise OperatorMistake(
                "another policy was applied at this moment: plan again, then apply"
            ) from None

    def _without_secret(self) -> list[ClientId]:
        registry = self._ledger.authority.registry
        clients = self._ledger.authority.policy.clients.values()
        needing = [c.name for c in clients if c.authentication != "private_key_jwt"]
        now = self._now()
        return [
            name
            for name in needing
            if not any(until is None or until > now for until in registry.credentials_of(name).values())
        ]

    def rotate_secret(self, client: ClientId, overlap: int) -> NewSecret:
        """A new secret for a client; its older ones count for `overlap` more seconds."""
        entry = self._ledger.authority.policy.clients.get(client)
        if entry is None:
            raise OperatorMistake(f"the policy has no client {client!r}")
        if entry.authentication == "private_key_jwt":
            raise OperatorMistake(
                f"{client} authenticates with its keys: change `jwks` in the policy instead"
            )
        older = self._ledger.authority.registry.credentials_of(client)
        until = self._now() + overlap
        retired = [c for c, counts_until in older.items() if counts_until is None or counts_until > until]
        added = self._add_secret(client)
        self._append([self._retired(client, credential, until) for credential in retired])
        return added

    def _add_secret(self, client: ClientId) -> NewSecret:
        secret = SECRET_PREFIX + secrets.token_urlsafe(32)
        credential = self._new_id()
        digest = hashlib.sha256(secret.encode()).digest()
        self._ledger.side_tables.add_client_secret(client, credential, digest)
        self._append(
            [
                ClientCredentialAdded(
                    id=self._new_id(),
                    at=self._clock(),
                    origin=self._origin,
                    by=self._by,
                    client=client,
                    credential=credential,
                )
            ]
        )
        return NewSecret(client=client, credential=credential, secret=secret)

    def _retired(self, client: ClientId, credential: str, until: int) -> ClientCredentialRetired:
        return ClientCredentialRetired(
            id=self._new_id(),
            at=self._clock(),
            origin=self._origin,
            by=self._by,
            client=client,
            credential=credential,
            counts_until=until,
        )

    def first_key(self, alg: SigningAlgorithm) -> Kid:
        """Publish a key and let it sign at once: nobody can have cached a JWKS without it."""
        key = self._generate(alg)
        self._append([self._published(key, self._now()), activate(key.kid, self._change(), self._new_id())])
        return key.kid

    def rotate_key(self, published_ahead: int) -> tuple[Kid, int]:
        """Publish a key that signs `published_ahead` seconds from now; the kid, and from when (NumericDate)."""
        key = self._generate(self._ledger.authority.policy.signing_algorithm)
        signs_from = self._now() + published_ahead
        self._append([self._published(key, signs_from)])
        return key.kid, signs_from

    def retire_key(self, kid: Kid) -> None:
        """Take a superseded key out of the JWKS now; its living tokens are refused from here on."""
        if self._key(kid).state == "signing":
            raise OperatorMistake(f"{kid} signs: rotate first, so that another key takes over")
        if not self._key(kid).verifies:
            raise OperatorMistake(f"{kid} is {self._key(kid).state} already")
        self._append([retire(kid, self._change(), self._new_id())])

    def compromise_key(self, kid: Kid) -> Kid | None:
        """Kill every token of a key. If it was signing, a new one takes over at once; its kid."""
        key = self._key(kid)
        if key.compromised:
            raise OperatorMistake(f"{kid} is compromised already")
        events: list[Event] = []
        successor = None
        if self._ledger.authority.signing_key() == kid:
            successor = self._generate(self._ledger.authority.policy.signing_algorithm)
            events.append(self._published(successor, self._now()))
            events.append(activate(successor.kid, self._change(), self._new_id()))
        events.append(compromise(kid, self._change(), self._new_id()))
        self._append(events)
        return None if successor is None else successor.kid

    def _key(self, kid: Kid) -> Key:
        key = self._ledger.authority.registry.keys.get(kid)
        if key is None:
            raise OperatorMistake(f"the log knows no key {kid!r}; `counterfoil keys list` shows them")
        return key

    def _generate(self, alg: SigningAlgorithm) -> SigningKey:
        key = SigningKey.generate(alg)
        self._keys.save(key)
        return key

    def _published(self, key: SigningKey, signs_from: int) -> Event:
        return publish(key.kid, key.alg, key.public_jwk(), signs_from, self._change(), self._new_id())

    def _change(self) -> KeyChange:
        return KeyChange(by=self._by, origin=self._origin, now=self._clock())

    def disable_subject(self, subject: Subject) -> bool:
        """Refuse the subject on every path from here on; False if it is disabled already."""
        if self._ledger.authority.is_disabled(subject):
            return False
        self._append(
            [
                SubjectDisabled(
                    id=self._new_id(), at=self._clock(), origin=self._origin, by=self._by, subject=subject
                )
            ]
        )
        return True

    def enable_subject(self, subject: Subject) -> bool:
        """Refuse the subject no longer; False if it was not disabled."""
        if not self._ledger.authority.is_disabled(subject):
            return False
        self._append(
            [
                SubjectEnabled(
                    id=self._new_id(), at=self._clock(), origin=self._origin, by=self._by, subject=subject
                )
            ]
        )
        return True

    def revoke(self, kind: Kind, name: str) -> Revocation | None:
        """Pull the plug; the event, or `None` where everything named was dead already. Raises OperatorMistake."""
        target = revocation_target(self._ledger.authority, self._ledger.births, kind, name)
        if target is None:
            raise OperatorMistake(f"the log knows no {kind} {name!r}")
        command = PullThePlug(
            target=target,
            by=RevokedBy(kind="operator", name=self._by),
            origin=self._origin,
            event_id=self._new_id(),
        )
        event = pull_the_plug(self._ledger.authority, command, self._clock())
        if event is not None:
            self._append([event])
        return event

    def _append(self, events: Sequence[Event], condition: DCBAppendCondition | None = None) -> Position:
        """Append fence events and fold them. An empty list appends nothing."""
        if events:
            rows = [encode(event) for event in events]
            self._ledger.recorder.append(rows, condition or DCBAppendCondition(_NEVER))
            self._ledger.fence.catch_up()
        return self._ledger.fence.position

    def _now(self) -> int:
        return self._clock() // 1000
