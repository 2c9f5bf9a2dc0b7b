"""A JWK Set (RFC 7517 §5): the keys of one issuer or client, found by `kid` and `alg`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from api.jwk import UnusableKey, keys_from_jwk
from api.verification_keys import VerificationKey

MAX_KEYS: Final = 100


class UnusableKeySet(ValueError):
    """The set as a whole cannot be used: no list, too many keys, or two keys under one `kid`."""


@dataclass(frozen=True, slots=True)
class JwkSet:
    keys: tuple[VerificationKey, ...]

    def find(self, kid: str | None, alg: str) -> VerificationKey | None:
        """The key of this exact `kid`; without a `kid`, the only key there is for `alg` (RFC 7515 §4.1.4)."""
        candidates = [key for key in self.keys if key.alg == alg and kid in (None, key.kid)]
        return candidates[0] if len(candidates) == 1 else None


def jwk_set(
    unverified_keys: object, algorithms: Collection[str] | None = None, *, skip_unusable: bool = False
) -> JwkSet:
    """The set of the JWKs in `unverified_keys`, the value of `keys`. Raises `UnusableKeySet` and `UnusableKey`.

    Our own configuration must be right as a whole. The set of a foreign issuer may hold keys for other purposes than
    ours (RFC 7517 §5): with `skip_unusable` they are left out.
    """
    if not isinstance(unverified_keys, Sequence) or isinstance(unverified_keys, (str, bytes)):
        raise UnusableKeySet("keys must be a list")
    if len(unverified_keys) > MAX_KEYS:
        raise UnusableKeySet(f"more than {MAX_KEYS} keys")
    groups = list(_usable(unverified_keys, algorithms, skip_unusable))
    if any(count > 1 for count in Counter(group[0].kid for group in groups).values()):
        raise UnusableKeySet("two keys have the same kid")
    return JwkSet(tuple(key for group in groups for key in group))


def _usable(
    unverified_keys: Sequence[object], algorithms: Collection[str] | None, skip_unusable: bool
) -> Iterator[tuple[VerificationKey, ...]]:
    for unverified_jwk in unverified_keys:
        try:
            yield keys_from_jwk(unverified_jwk, algorithms)
        except UnusableKey:
            if not skip_unusable:
                raise
