"""The tree against the definitions of RFC 6962 §2.1, written down naively, and its proofs against forgeries."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.event_leaf import event_entry, void_entry
from domain.merkle import (
    EMPTY_ROOT,
    ProofInvalid,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH, as the RFC defines it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(index.to_bytes(4, "big")) for index in range(size)]


def nodes_of(leaves: list[bytes]):
    return lambda height, index: naive_root(leaves[index << height : (index + 1) << height])


@given(st.integers(0, 300))
def test_the_root_is_that_of_the_definition(size: int) -> None:
    """Any number of leaves."""
    leaves = leaves_of(size)
    assert root_of(size, nodes_of(leaves)) == naive_root(leaves)
    assert root_of(0, nodes_of([])) == EMPTY_ROOT


@given(st.data())
def test_an_inclusion_proof_proves_its_leaf_and_no_other(data: st.DataObject) -> None:
    """Every leaf of every tree; another leaf, index, size or root, or a changed proof, is refused."""
    size = data.draw(st.integers(1, 130))
    index = data.draw(st.integers(0, size - 1))
    leaves = leaves_of(size)
    root, proof = naive_root(leaves), inclusion_proof(index, size, nodes_of(leaves))
    verify_inclusion(leaves[index], index, size, proof, root)
    false = [
        (leaf_hash(b"x"), index, size, proof, root),
        (leaves[index], index, size, proof, leaf_hash(b"x")),
        (leaves[index], index, size, [*proof, root], root),
        (leaves[index], size, size, proof, root),
        *((leaves[index], index, size, proof[:i] + proof[i + 1 :], root) for i in range(len(proof))),
        *((leaves[index], other, size, proof, root) for other in range(size) if other != index),
    ]
    for forged in false:
        with pytest.raises(ProofInvalid):
            verify_inclusion(*forged)


@given(st.data())
def test_a_consistency_proof_proves_the_beginning_and_no_other(data: st.DataObject) -> None:
    """Every pair of sizes; a tree with another beginning, or a changed proof, is refused."""
    size = data.draw(st.integers(1, 130))
    old = data.draw(st.integers(0, size))
    leaves = leaves_of(size)
    root, old_root = naive_root(leaves), naive_root(leaves[:old])
    proof = consistency_proof(old, size, nodes_of(leaves))
    verify_consistency(old, old_root, size, root, proof)
    forged = leaf_hash(b"x")
    false = [
        (old, forged, size, root, proof),
        (old, old_root, size, root, [*proof, root]),
        (size + 1, old_root, size, root, proof),
        *((old, old_root, size, root, [*proof[:i], forged, *proof[i + 1 :]]) for i in range(len(proof))),
        *((old, old_root, size, root, proof[:i] + proof[i + 1 :]) for i in range(len(proof))),
    ]
    if old:
        false.append((old, old_root, size, forged, proof))
    for attempt in false:
        with pytest.raises(ProofInvalid):
            verify_consistency(*attempt)


def test_proofs_outside_of_the_tree_are_not_made() -> None:
    """A leaf beyond the last one, and a tree larger than this one."""
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_proof(3, 3, nodes_of(leaves_of(3)))
    with pytest.raises(ValueError, match="never had"):
        consistency_proof(4, 3, nodes_of(leaves_of(3)))


def test_the_known_roots_of_certificate_transparency() -> None:
    """The test vectors of the reference implementation: eight entries, and their roots."""
    entries = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    leaves = [leaf_hash(bytes.fromhex(entry)) for entry in entries]
    known = {
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    for size, root in known.items():
        assert root_of(size, nodes_of(leaves[:size])).hex() == root


EVENTS = st.tuples(
    st.integers(1, 3),
    st.sampled_from(["a", "ab"]),
    st.lists(st.sampled_from(["", "a", "b", "ab"]), max_size=3),
    st.sampled_from([b"", b"a", b"ab"]),
)


@given(EVENTS, EVENTS)
def test_no_two_events_share_an_entry(first: Any, second: Any) -> None:
    """Position, type, tags, their order, and payload: each is bound, and none can run into the next."""
    assert (event_entry(*first) == event_entry(*second)) == (first == second)
    assert void_entry(first[0]) != event_entry(*first)
