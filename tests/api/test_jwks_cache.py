"""Keys of trusted issuers are fetched seldom, shared, and outlive an outage (J-08), against a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import pytest

from api.jwk import UnusableKey
from api.jwks_cache import Freshness, JwksCache
from api.jwks_fetcher import JwksFetcher, JwksUnavailable
from api.signing_keys import SigningKey
from domain.identifiers import ClientId, IssuerName
from domain.policy import TrustedIssuer
from tests.attacks.loopback_issuer import Answer, LoopbackIssuer, key_set, response, serving

OLD: Final = SigningKey.generate("ES256")
NEW: Final = SigningKey.generate("ES256")
FRESHNESS: Final = Freshness()


class Scene:
    """An issuer that publishes OLD at first, a cache and the cache's clock."""

    def __init__(self, server: LoopbackIssuer) -> None:
        self.server = server
        self.now = 1000.0
        self.cache = JwksCache(JwksFetcher(allow_loopback=True).fetch, lambda: self.now)
        self.issuer = TrustedIssuer(
            name=IssuerName("corp"),
            issuer="https://login.corp.example",
            audience="travel",
            accepts=("id_token",),
            presented_by=(ClientId("travel-system"),),
            subject_prefix="corp:",
            jwks_uri=server.uri,
        )

    async def finds(self, key: SigningKey) -> bool:
        """Whether the cache has the key, of that very algorithm."""
        return await self.cache.key(self.issuer, key.kid, "ES256") == key.verification_key()

    @property
    def fetches(self) -> int:
        """How often the issuer was asked."""
        return len(self.server.requests)


def play(story: Callable[[Scene], Awaitable[None]]) -> None:
    """Run a story to its end."""

    async def run() -> None:
        async with serving(key_set(OLD.public_jwk())) as server:
            s = Scene(server)
            try:
                await story(s)
            finally:
                await s.cache.aclose()

    asyncio.run(run())


def held_back(answer: Answer) -> tuple[Answer, asyncio.Event, asyncio.Event]:
    """An answer that waits for the second event, and sets the first when it is asked for."""
    asked, release = asyncio.Event(), asyncio.Event()

    async def waiting(writer: asyncio.StreamWriter) -> None:
        asked.set()
        await release.wait()
        await answer(writer)

    return waiting, asked, release


def test_j08_a_flood_of_unknown_kids_costs_one_fetch_per_cooldown() -> None:
    """J-08: in whatever shape and number they come, at once or one by one, and known keys go on being found."""

    async def story(s: Scene) -> None:
        for minute in (1, 2, 3):
            found = await asyncio.gather(
                *(s.cache.key(s.issuer, f"made-up-{i}", "ES256") for i in range(500))
            )
            assert found == [None] * 500
            for i in range(100):
                assert await s.cache.key(s.issuer, f"later-{i}", "ES256") is None
                assert await s.finds(OLD)
            assert s.fetches == minute
            s.now += FRESHNESS.cooldown

    play(story)


def test_j08_the_cooldown_holds_while_the_issuer_is_down() -> None:
    """J-08: a failed fetch counts as one, and is an outage to whoever needed it, not an unknown key."""

    async def story(s: Scene) -> None:
        s.server.answer = response(b"", "HTTP/1.1 503 Busy")
        for _ in range(50):
            with pytest.raises(JwksUnavailable, match="status"):
                await s.finds(OLD)
        assert s.fetches == 1
        s.server.answer = key_set(OLD.public_jwk())
        s.now += FRESHNESS.cooldown - 1
        with pytest.raises(JwksUnavailable):
            await s.finds(OLD)
        s.now += 1
        assert await s.finds(OLD)
        assert s.fetches == 2

    play(story)


@pytest.mark.parametrize("status", ["500 Oops", "404 Not Found", "302 Found"])
def test_j08_cached_keys_survive_a_failed_fetch(status: str) -> None:
    """J-08: neither an unknown kid nor old age makes a bad answer replace good keys."""

    async def story(s: Scene) -> None:
        assert await s.finds(OLD)
        s.server.answer = response(b"", f"HTTP/1.1 {status}")
        s.now += FRESHNESS.cooldown
        assert not await s.finds(NEW)
        s.now += FRESHNESS.max_age
        assert await s.finds(OLD)
        assert s.fetches == 3

    play(story)


def test_keys_do_not_outlive_an_outage_for_ever() -> None:
    """A key that its issuer withdrew while it could not be asked is trusted for a day, not for ever."""

    async def story(s: Scene) -> None:
        assert await s.finds(OLD)
        s.server.answer = response(b"no keys today")
        s.now += FRESHNESS.stale_limit
        assert await s.finds(OLD)
        s.now += FRESHNESS.cooldown
        with pytest.raises(JwksUnavailable, match="not_json"):
            await s.finds(OLD)

    play(story)


def test_concurrent_callers_share_one_fetch_and_a_lost_one_does_not_stop_it() -> None:
    """The caller that started the fetch goes away; the others get their keys from it all the same."""

    async def story(s: Scene) -> None:
        s.server.answer, asked, release = held_back(key_set(OLD.public_jwk()))
        first = asyncio.create_task(s.finds(OLD))
        others = [asyncio.create_task(s.finds(OLD)) for _ in range(20)]
        await asked.wait()
        first.cancel()
        release.set()
        assert await asyncio.gather(*others) == [True] * 20
        assert first.cancelled()
        assert s.fetches == 1

    play(story)


def test_a_rotated_key_is_found_and_a_withdrawn_one_is_not() -> None:
    """A new kid is looked for once the cooldown allows; past their age all keys are what the issuer says now."""

    async def story(s: Scene) -> None:
        assert await s.finds(OLD)
        s.server.answer = key_set(OLD.public_jwk(), NEW.public_jwk())
        assert not await s.finds(NEW)
        s.now += FRESHNESS.cooldown
        assert await s.finds(NEW)
        s.server.answer = key_set(NEW.public_jwk())
        s.now += FRESHNESS.max_age + 1
        assert not await s.finds(OLD)
        assert await s.finds(NEW)

    play(story)


def test_keys_in_use_are_renewed_without_waiting() -> None:
    """From half their age on a fetch runs beside the requests, so that none of them waits for the issuer."""

    async def story(s: Scene) -> None:
        assert await s.finds(OLD)
        s.server.answer, asked, release = held_back(key_set(NEW.public_jwk()))
        s.now += FRESHNESS.max_age / 2
        assert await s.finds(OLD)
        assert s.fetches == 1
        s.now += 1
        assert await s.finds(OLD)
        await asked.wait()
        assert await s.finds(OLD)
        release.set()
        assert await s.finds(NEW)
        assert s.fetches == 2

    play(story)


def test_an_issuer_is_asked_only_for_algorithms_that_it_may_use() -> None:
    """A token in another algorithm is refused without a fetch; a key of the set for another one is not found."""

    async def story(s: Scene) -> None:
        strict = replace(s.issuer, algorithms=("EdDSA",))
        assert await s.cache.key(strict, OLD.kid, "ES256") is None
        assert s.fetches == 0
        assert await s.cache.key(strict, OLD.kid, "EdDSA") is None
        assert s.fetches == 1

    play(story)


def test_keys_are_kept_per_issuer_and_follow_the_policy() -> None:
    """J-07: one kid at two issuers is two keys; a changed `jwks_uri` is read at once, an unrelated change is not."""

    async def story(s: Scene) -> None:
        async with serving(key_set(NEW.public_jwk() | {"kid": OLD.kid})) as second:
            other = replace(s.issuer, name=IssuerName("partner"), jwks_uri=second.uri)
            assert await s.finds(OLD)
            theirs = await s.cache.key(other, OLD.kid, "ES256")
            assert theirs is not None
            assert theirs.public_key == NEW.verification_key().public_key
            s.issuer = replace(s.issuer, audience="changed")
            assert await s.finds(OLD)
            assert s.fetches == 1
            s.issuer = replace(s.issuer, jwks_uri=second.uri)
            assert not await s.finds(OLD)

    play(story)


def test_keys_inline_in_the_policy_are_never_fetched() -> None:
    """They are all there is; a mistake in them is one of the configuration."""

    async def story(s: Scene) -> None:
        s.issuer = replace(s.issuer, jwks_uri=None, jwks=(OLD.public_jwk(),))
        assert await s.finds(OLD)
        s.now += FRESHNESS.stale_limit * 2
        assert await s.finds(OLD)
        assert not await s.finds(NEW)
        assert s.fetches == 0
        broken = replace(s.issuer, jwks=({"kty": "oct", "k": "AA"},))
        with pytest.raises(UnusableKey, match="private_member"):
            await s.cache.key(broken, OLD.kid, "ES256")

    play(story)
