"""Who and what is known: policy, keys, client credentials, disabled subjects. Small, in memory, from fence events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from domain.events import (
    ClientCredentialAdded,
    ClientCredentialRetired,
    Event,
    KeyActivated,
    KeyCompromised,
    KeyPublished,
    KeyRetired,
    PolicyApplied,
    SubjectDisabled,
    SubjectEnabled,
)
from domain.identifiers import Audience, ClientId, Kid, Position, ResourceName, Subject
from domain.keys import Key
from domain.policy import ADMINISTRATION, ADMINISTRATION_SCOPES, Limits, Policy, Resource
from projections.folded_state import RegistryState

NO_POLICY = Policy(issuer="", limits=Limits(), resources={}, clients={}, trusted_issuers={})
"""Before the first `policy.applied`: nothing is allowed."""


class Registry:
    """The fold of policy, keys, credentials and disabled subjects."""

    def __init__(self) -> None:
        self.policy = NO_POLICY
        self.policy_position = Position(0)
        self.policy_sha256 = ""
        self.longest_lifetime = 0
        self.keys: dict[Kid, Key] = {}
        self.disabled_subjects: set[Subject] = set()
        self._credentials: dict[ClientId, dict[str, int | None]] = {}
        self._signing_key: Kid | None = None
        self.retired_keys: set[Kid] = set()
        self._index()

    def apply(self, event: Event, position: Position) -> None:
        """Fold one fence event; those that say nothing about the registry are passed over."""
        match event:
            case PolicyApplied():
                self._apply_policy(event, position)
            case KeyPublished():
                self.keys[event.kid] = Key(
                    kid=event.kid,
                    alg=event.alg,
                    jwk=event.jwk,
                    published=position,
                    signs_from=event.signs_from,
                )
            case KeyActivated() | KeyRetired() | KeyCompromised():
                self._change_key(event, position)
            case ClientCredentialAdded():
                self._credentials.setdefault(event.client, {})[event.credential] = None
            case ClientCredentialRetired():
                self._credentials.setdefault(event.client, {})[event.credential] = event.counts_until
            case SubjectDisabled():
                self.disabled_subjects.add(event.subject)
            case SubjectEnabled():
                self.disabled_subjects.discard(event.subject)
            case _:
                pass

    def _apply_policy(self, event: PolicyApplied, position: Position) -> None:
        self.policy = event.policy
        self.policy_position = position
        self.policy_sha256 = event.sha256
        self.longest_lifetime = max(self.longest_lifetime, event.policy.limits.lifetime)
        self._index()

    def _index(self) -> None:
        self.itineraries: dict[Any, Any] = {}
        resources = dict(self.policy.resources)
        resources[ADMINISTRATION] = _administration(self.policy)
        self._resources: dict[str, Resource] = {str(name): resource for name, resource in resources.items()}
        self._by_audience: dict[str, Resource] = {str(r.audience): r for r in resources.values()}
        self.enabled_clients = frozenset(c.name for c in self.policy.clients.values() if not c.disabled)
        self.disabled_audiences = frozenset(r.audience for r in resources.values() if r.disabled)
        served: dict[ClientId, set[Audience]] = {}
        for resource in resources.values():
            if resource.served_by is not None:
                served.setdefault(resource.served_by, set()).add(resource.audience)
        self._served = {client: frozenset(audiences) for client, audiences in served.items()}

    def _change_key(self, event: KeyActivated | KeyRetired | KeyCompromised, position: Position) -> None:
        key = self.keys[event.kid]
        match event:
            case KeyActivated():
                self._supersede(event.at // 1000)
                self.keys[event.kid] = replace(key, activated=position)
            case KeyRetired():
                self.keys[event.kid] = replace(key, retired=True)
                self.retired_keys.add(event.kid)
            case KeyCompromised():
                self.keys[event.kid] = replace(key, compromised=True)
        signing = [k for k in self.keys.values() if k.activated is not None and k.verifies]
        newest = max(signing, key=lambda k: k.activated or 0, default=None)
        self._signing_key = None if newest is None else newest.kid
        if newest is not None and newest.superseded_at is not None:
            # The key after it is gone: it signs again, and what it signs from here on must be outlived as well.
            self.keys[newest.kid] = replace(newest, superseded_at=None)

    def _supersede(self, now: int) -> None:
        for kid, key in self.keys.items():
            if key.activated is not None and key.superseded_at is None:
                self.keys[kid] = replace(key, superseded_at=now)

    def state(self) -> RegistryState:
        """All that was folded, for a snapshot; what `_index` makes of it is made again."""
        return RegistryState(
            policy=self.policy,
            policy_position=self.policy_position,
            policy_sha256=self.policy_sha256,
            longest_lifetime=self.longest_lifetime,
            keys=list(self.keys.values()),
            signing_key=self._signing_key,
            retired_keys=sorted(self.retired_keys),
            credentials=self._credentials,
            disabled_subjects=sorted(self.disabled_subjects),
        )

    def restore(self, state: RegistryState) -> None:
        """Go on from there, instead of from the first event."""
        self.policy = state.policy
        self.policy_position = state.policy_position
        self.policy_sha256 = state.policy_sha256
        self.longest_lifetime = state.longest_lifetime
        self.keys = {key.kid: key for key in state.keys}
        self._signing_key = state.signing_key
        self.retired_keys = set(state.retired_keys)
        self._credentials = state.credentials
        self.disabled_subjects = set(state.disabled_subjects)
        self._index()

    def signing_key(self) -> Kid | None:
        """The key activated last, unless it was retired or compromised since."""
        return self._signing_key

    def algorithm_of(self, kid: Kid) -> str:
        """The one algorithm the key is bound to."""
        return self.keys[kid].alg

    def published_keys(self) -> Iterator[Key]:
        """What stands in the JWKS."""
        return (key for key in self.keys.values() if key.verifies)

    def resource_for(self, audience: str) -> Resource | None:
        """The resource whose audience is exactly this."""
        return self._by_audience.get(audience)

    def resource_called(self, name: str) -> Resource | None:
        """The resource of that name."""
        return self._resources.get(ResourceName(name))

    def audiences_served_by(self, client: ClientId) -> frozenset[Audience]:
        """The audiences of the resources that the client serves."""
        return self._served.get(client, frozenset())

    def credentials_of(self, client: ClientId) -> Mapping[str, int | None]:
        """Ids of the client's secrets, each with the NumericDate until which it counts, if it was retired."""
        return self._credentials.get(client, {})

    def credential_counts(self, client: ClientId, credential: str, now: int) -> bool:
        """Whether that secret, or that public key of the policy, authenticates the client."""
        secrets = self._credentials.get(client)
        if secrets is not None and credential in secrets:
            until = secrets[credential]
            return until is None or now < until
        entry = self.policy.clients.get(client)
        return entry is not None and any(jwk.get("kid") == credential for jwk in entry.jwks)


def _administration(policy: Policy) -> Resource:
    """The built-in resource: clients whose grant names it may get a token for it; nobody exchanges in or out."""
    granted = {g.client for c in policy.clients.values() for g in c.first_tokens if g.to == ADMINISTRATION}
    return Resource(
        name=ADMINISTRATION,
        audience=policy.administration_audience,
        scopes=ADMINISTRATION_SCOPES,
        accepts=tuple(sorted(granted)),
    )
