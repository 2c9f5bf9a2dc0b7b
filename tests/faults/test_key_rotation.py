"""F18: keys come and go under load, on several nodes that all tend them; no verifier ever meets what it cannot know."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import jwt
import pytest

from api.metadata import JWKS_PATH
from api.sealing import new_key_text
from api.stamps import milliseconds
from domain.events import KeyActivated, KeyRetired
from tests.faults.caller import Caller, granted
from tests.faults.cluster import Cluster
from tests.faults.effects import tell
from tests.faults.serving_node import ServingNode, eventually
from tests.servers.postgres_database import Database
from tests.stores import shared_on

MAX_AGE = 3
"""COUNTERFOIL_JWKS_MAX_AGE."""
ROTATE_EVERY = 5.0
LONG_AGO = 3_600_000


class Verifier:
    """A resource server: keeps the JWKS for as long as it may, and asks no sooner, whatever `kid` it meets."""

    def __init__(self, node: ServingNode) -> None:
        self._node = node
        self._fetched = -float(MAX_AGE)
        self._keys: dict[str, Any] = {}
        self.verified = 0

    def verify(self, token: str) -> None:
        """Raises where the token does not verify with what is at hand."""
        if time.monotonic() - self._fetched >= MAX_AGE:
            self._fetched = time.monotonic()
            published = self._node.get(JWKS_PATH).json()
            self._keys = {key["kid"]: jwt.PyJWK(key) for key in published["keys"]}
        key = self._keys[jwt.get_unverified_header(token)["kid"]]
        jwt.decode(token, key, options={"verify_aud": False}, leeway=5)
        self.verified += 1


def activations(cluster: Cluster) -> list[KeyActivated]:
    """Those that the log says."""
    return [event for _, event in cluster.events() if isinstance(event, KeyActivated)]


def rotate(cluster: Cluster, seconds: float) -> None:
    """Exchange and verify on both nodes while keys are rotated every few seconds."""
    ageing = {"JWKS_MAX_AGE": str(MAX_AGE)}
    nodes = cluster.start("--workers", "2", NODE="a", **ageing), cluster.start(NODE="b", **ageing)
    verifiers = [Verifier(node) for node in nodes]
    kids, tokens = [], []
    with Caller(cluster, nodes[0]) as one, Caller(cluster, nodes[1]) as other:
        root = one.first()
        ends, next_rotation = time.monotonic() + seconds, time.monotonic()
        while time.monotonic() < ends:
            if time.monotonic() >= next_rotation:
                kids.append(cluster.operator.keys.rotate(MAX_AGE)[0])
                next_rotation += ROTATE_EVERY
            tokens += [granted(one.exchange(root)), granted(other.exchange(root))]
            for token in (root, tokens[len(tokens) // 2], *tokens[-2:]):
                for verifier in verifiers:
                    verifier.verify(token)
            time.sleep(0.02)
        eventually(lambda: any(event.kid == kids[-1] for event in activations(cluster)))
        assert one.is_active(root)
    used = Counter(jwt.get_unverified_header(token)["kid"] for token in tokens)
    tell(f"{len(kids)} rotations, {len(tokens)} tokens of {len(used)} keys, {verifiers[0].verified} verified")
    activated = Counter(event.kid for event in activations(cluster))
    assert {activated[kid] for kid in kids} == {1}
    assert len(used) >= len(kids)


def test_f18_a_rotation_every_five_seconds(cluster: Cluster) -> None:
    """No token fails with a verifier that caches; each key is activated once, though three workers tend it."""
    rotate(cluster, 12)


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_f18_a_minute_of_rotations(cluster: Cluster) -> None:
    """The same, for a minute."""
    rotate(cluster, 60)


def test_f18_a_key_that_has_served_is_retired_once_however_many_tend(database: Database) -> None:
    """Superseded an hour ago: four workers find it at the same time, and the log says it once."""
    with Cluster(shared_on(database), lifetime=60, clock=lambda: milliseconds() - LONG_AGO) as cluster:
        old = cluster.ledger.authority.signing_key()
        cluster.operator.keys.first("ES256")
        nodes = [cluster.start("--workers", "2") for _ in range(2)]
        assert all(node.url for node in nodes)
        eventually(lambda: any(isinstance(event, KeyRetired) for _, event in cluster.events()))
        time.sleep(2.5)  # two more rounds of everybody's housekeeping
        retired = [event.kid for _, event in cluster.events() if isinstance(event, KeyRetired)]
        assert retired == [old]
        assert not [line for node in nodes for line in node.warnings()]


def test_f18_a_compromised_key_is_dead_on_every_node_and_its_successor_signs_there(cluster: Cluster) -> None:
    """Said beside the nodes, as the command line does; without a pause, and without a single 503."""
    nodes = cluster.start(NODE="a"), cluster.start(NODE="b")
    with Caller(cluster, nodes[0]) as one, Caller(cluster, nodes[1]) as other:
        for _ in range(3):
            dead = one.first()
            assert other.is_active(dead)
            kid = cluster.ledger.authority.signing_key()
            assert kid
            successor = cluster.operator.keys.compromise(kid)
            for caller in (one, other):
                assert not caller.is_active(dead)
                assert caller.exchange(dead).status_code == 400
                assert jwt.get_unverified_header(caller.first())["kid"] == successor


def test_f18_a_wrong_key_encryption_key_is_said_at_start_by_name(cluster: Cluster) -> None:
    """A node that could read none of the store's secrets does not start; exit code 2, nothing printed."""
    node = cluster.start(KEY_ENCRYPTION_KEY=new_key_text())
    assert node.ends() == 2
    assert "COUNTERFOIL_KEY_ENCRYPTION_KEY" in "".join(node.logged)
    assert node.printed == []
