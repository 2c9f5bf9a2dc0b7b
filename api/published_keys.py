"""The public halves of our own signing keys, as the log publishes them."""

from __future__ import annotations

from api.jwk import jwk_from_dict
from api.verification_keys import VerificationKey
from domain.identifiers import Kid
from domain.signing_input import header_segment
from projections.registry import Registry


class PublishedKeys:
    """Finds the key for a token that claims to be ours. What its state means for the token is decided elsewhere."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._keys: dict[Kid, VerificationKey] = {}
        self._by_header: dict[str, VerificationKey] = {}

    def key(self, unverified_kid: str | None) -> VerificationKey | None:
        """The key of that name, unless it is unknown or retired."""
        kid = Kid(unverified_kid or "")
        entry = self._registry.keys.get(kid)
        if entry is None or entry.retired:
            return None
        if kid not in self._keys:
            self._keys[kid] = jwk_from_dict(entry.jwk)
            self._by_header[header_segment(kid, entry.alg).decode()] = self._keys[kid]
        return self._keys[kid]

    def under_header(self, unverified_header: str) -> VerificationKey | None:
        """The key under whose encoded header every token of ours begins, once `key` has found it."""
        return self._by_header.get(unverified_header)
