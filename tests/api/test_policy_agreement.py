"""What the compiler lets through works at run time: keys verify, addresses are fetched, the log gives policies back."""

from __future__ import annotations

from typing import Any, Final

from eventsourcing.dcb.api import DCBSequencedEvent
from hypothesis import example, given, settings
from hypothesis import strategies as st

from api import algorithms, client_authentication, jwk, jwk_set, metadata
from api.jwks_uri import parse_jwks_uri
from api.sample_policy import sample_policy
from domain import policy_clients, policy_jwks, policy_uris
from domain.events import PolicyApplied
from domain.identifiers import ClientId, Position
from domain.policy import Policy
from domain.policy_compilation import compile_policy
from domain.policy_problems import PolicyInvalid
from domain.policy_values import Unreadable
from domain.requests import Origin
from eventstore.codec import decode, encode
from tests.domain.public_keys import ED25519, P256, P521, base64url, rsa_key
from tests.domain.sample_documents import document, put

MEMBERS: Final[dict[str, list[Any]]] = {
    "kty": ["RSA", "EC", "OKP", "oct"],
    "crv": ["P-256", "P-384", "P-521", "Ed25519", "X25519"],
    "kid": ["k", "", "\u00e9", 5],
    "alg": [*algorithms.ALGORITHMS, "HS256"],
    "use": ["sig", "enc"],
    "key_ops": [["verify"], ["sign"], [], "verify"],
    "x": [P256["x"], P256["y"], P521["x"], ED25519["x"], "AA", "A", "=", 5],
    "y": [P256["y"], P256["x"], P521["y"], "AAA"],
    "n": [base64url(2**2048 - 1), base64url(2**2047), base64url(2**1024 - 1), base64url(2**8193 - 1), "AB"],
    "e": ["AQAB", "Aw", "AQAA", base64url(2**64 + 1)],
    "d": ["AQAB"],
}


def mutated() -> st.SearchStrategy[dict[str, Any]]:
    """A good key in which some members are replaced, added or gone."""
    good = st.sampled_from([ED25519, P256, P521, rsa_key()])
    changes = st.lists(
        st.sampled_from([(name, value) for name, values in MEMBERS.items() for value in [*values, None]]),
        max_size=3,
    )
    return st.builds(
        lambda key, changed: {n: v for n, v in {**key, **dict(changed)}.items() if v is not None},
        good,
        changes,
    )


@settings(max_examples=500, deadline=None)
@given(mutated(), st.sets(st.sampled_from(list(algorithms.ALGORITHMS)), min_size=1))
@example(P521, {"ES512"})
def test_a_key_that_the_policy_takes_can_verify(key: dict[str, Any], taken: set[str]) -> None:
    """No key of the policy is a surprise when the first token arrives."""
    changed = put(put(document(), "trusted_issuers/corp/jwks_uri", None), "trusted_issuers/corp/jwks", [key])
    put(changed, "trusted_issuers/corp/algorithms", sorted(taken))
    try:
        compile_policy(changed)
    except PolicyInvalid:
        return
    usable = jwk_set.jwk_set([key], sorted(taken))
    assert any(usable.find(key["kid"], alg) for alg in taken)


@given(
    st.sampled_from(["https://", "http://", "HTTPS://", "ftp://", ""]),
    st.sampled_from(
        [
            "a.example",
            "A.example",
            "127.0.0.1",
            "localhost",
            "[::1]",
            "10.0.0.1",
            "0x7f.1",
            "1",
            "u@a.b",
            "a.",
        ]
    ),
    st.sampled_from(["", ":443", ":0", ":70000", ":x", ":8443"]),
    st.sampled_from(["", "/", "/jwks", "/a?b=c", "#x", "/\\", "/%0a", "/\u00e9"]),
)
def test_an_address_of_keys_that_the_policy_takes_can_be_fetched(
    scheme: str, host: str, port: str, path: str
) -> None:
    """The fetcher refuses no address that was let into the policy, loopback apart, which it must be told to allow."""
    try:
        uri = policy_uris.jwks_url(scheme + host + port + path)
    except Unreadable:
        return
    assert parse_jwks_uri(uri, allow_loopback=True).scheme == scheme.removesuffix("://")


def test_both_sides_know_the_same_algorithms_and_bounds() -> None:
    """The domain keeps its own lists, for it imports nothing."""
    kinds = {name: algorithm.kind for name, algorithm in algorithms.ALGORITHMS.items()}
    assert kinds == policy_jwks.KIND_OF_ALGORITHM
    assert policy_jwks.ASSERTION_ALGORITHMS == client_authentication.ASSERTION_ALGORITHMS
    assert policy_jwks.PRIVATE_MEMBERS == jwk.PRIVATE_MEMBERS
    assert policy_jwks.MOST_KEYS == jwk_set.MAX_KEYS
    assert (policy_jwks.SMALLEST_RSA, policy_jwks.LARGEST_RSA) == (
        algorithms.MIN_RSA_BITS,
        algorithms.MAX_RSA_BITS,
    )
    assert policy_clients.TOKEN_ENDPOINT == metadata.TOKEN_PATH


def from_the_log(policy: Policy) -> Policy:
    """The policy of an event that was written and read again."""
    origin = Origin(node="n", request="r")
    applied = PolicyApplied(
        id="1", at=1, origin=origin, by="o", policy=policy, sha256="", difference=(), previous=Position(0)
    )
    read = decode(DCBSequencedEvent(event=encode(applied), position=1))
    assert isinstance(read, PolicyApplied)
    return read.policy


def test_the_log_gives_back_the_policy_that_was_applied() -> None:
    """Equal, so that applying it again changes nothing."""
    extras = {"ext": True, "key_ops": ["verify"], "x5c": ["MIIB"]}
    changed = put(document(), "clients/travel/authentication", "private_key_jwt")
    with_keys = compile_policy(put(changed, "clients/travel/jwks", [ED25519 | extras]))
    assert with_keys.clients[ClientId("travel")].jwks
    for policy in (sample_policy(), with_keys):
        assert from_the_log(policy) == policy
