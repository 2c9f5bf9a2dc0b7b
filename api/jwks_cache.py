"""The keys of trusted issuers, kept while fresh: a flood of unknown key ids costs an issuer one request a minute."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from math import inf

from api.jwk_set import JwkSet, jwk_set
from api.jwks_fetcher import JwksFault, JwksUnavailable
from api.verification_keys import VerificationKey
from domain.identifiers import IssuerName
from domain.policy import TrustedIssuer

Fetch = Callable[[str, Collection[str]], Awaitable[JwkSet]]
"""`JwksFetcher.fetch`."""

_log = logging.getLogger("counterfoil.jwks")


@dataclass(slots=True)
class _Entry:
    """What is known of one issuer's keys; times are readings of the cache's clock."""

    issuer: TrustedIssuer
    keys: JwkSet | None = None
    fetched_at: float = -inf
    tried_at: float = -inf
    fault: JwksFault = "connection"
    fetching: asyncio.Task[None] | None = None

    def find(self, kid: str | None, alg: str) -> VerificationKey | None:
        return None if self.keys is None else self.keys.find(kid, alg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """All in seconds."""

    cooldown: float = 60.0
    """Between the starts of two fetches from one issuer, whatever is asked and however the first one ended."""
    max_age: float = 600.0
    """After this a fetch is waited for; after half of it one is made without waiting."""
    stale_limit: float = 86_400.0
    """How long keys outlive their issuer's outage. A key that was withdrawn meanwhile is not trusted for ever."""


class JwksCache:
    """Belongs to one event loop. Keys inline in the policy are served from here as well, and never fetched."""

    def __init__(
        self, fetch: Fetch, monotonic: Callable[[], float], freshness: Freshness | None = None
    ) -> None:
        """`monotonic` returns seconds."""
        self._fetch = fetch
        self._monotonic = monotonic
        self._freshness = freshness or Freshness()
        self._entries: dict[IssuerName, _Entry] = {}

    async def key(self, issuer: TrustedIssuer, kid: str | None, alg: str) -> VerificationKey | None:
        """The issuer's key of this `kid` for `alg`, or None when the issuer has none such.

        Raises `JwksUnavailable` when there are no keys to look in: then nothing is known about the token. Keys inline
        in the policy must be well formed (`UnusableKey`, `UnusableKeySet`).
        """
        if alg not in issuer.algorithms:
            return None
        entry = self._entry(issuer)
        found, age = entry.find(kid, alg), self._monotonic() - entry.fetched_at
        if found is not None and age <= self._freshness.max_age:
            if age > self._freshness.max_age / 2:
                self._start(entry)
            return found
        fetching = self._start(entry)
        if fetching is not None:
            # Shielded: callers share it, and one that gives up must not take it from the others.
            await asyncio.shield(fetching)
        if self._monotonic() - entry.fetched_at > self._freshness.stale_limit:
            raise JwksUnavailable(entry.fault)
        return entry.find(kid, alg)

    async def aclose(self) -> None:
        """End the fetches under way."""
        tasks = [entry.fetching for entry in self._entries.values() if entry.fetching is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _entry(self, issuer: TrustedIssuer) -> _Entry:
        entry = self._entries.get(issuer.name)
        if entry is None or (entry.issuer is not issuer and _source(entry.issuer) != _source(issuer)):
            entry = self._entries[issuer.name] = _Entry(issuer)
            if issuer.jwks_uri is None:
                entry.keys, entry.fetched_at = jwk_set(issuer.jwks, issuer.algorithms), inf
        return entry

    def _start(self, entry: _Entry) -> asyncio.Task[None] | None:
        """The fetch under way, a new one, or None while it is too early for another."""
        if entry.fetching is not None:
            return entry.fetching
        if entry.issuer.jwks_uri is None or self._monotonic() - entry.tried_at < self._freshness.cooldown:
            return None
        entry.tried_at = self._monotonic()
        entry.fetching = asyncio.create_task(self._refresh(entry, entry.issuer.jwks_uri))
        return entry.fetching

    async def _refresh(self, entry: _Entry, uri: str) -> None:
        try:
            entry.keys = await self._fetch(uri, entry.issuer.algorithms)
            entry.fetched_at = self._monotonic()
        except JwksUnavailable as unavailable:
            entry.fault = unavailable.reason
            _log.warning("keys of trusted issuer %r not fetched: %s", entry.issuer.name, unavailable.reason)
        finally:
            entry.fetching = None


def _source(issuer: TrustedIssuer) -> tuple[object, ...]:
    return issuer.jwks_uri, issuer.algorithms, issuer.jwks
