"""Merkle trees of RFC 6962 §2.1: hashes, proofs, and what proves them. Pure; who has the hashes gives them.

`Node` answers the hash of a perfect subtree: `node(height, index)` covers the leaves from `index << height` to
`(index + 1) << height`, exclusive.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

Node = Callable[[int, int], bytes]

EMPTY_ROOT: Final = hashlib.sha256().digest()
"""The root of the tree without leaves."""
HASH: Final = 32
"""Bytes of a hash."""


class ProofInvalid(Exception):
    """The proof does not lead from what is known to what is claimed."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf: of 0x00 and the entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: of 0x01 and its two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of hashes, which may themselves be roots of equal height."""
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(level[i], level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


def root_of(size: int, node: Node) -> bytes:
    """The root over the first `size` leaves."""
    return range_root(0, size, node) if size else EMPTY_ROOT


def range_root(start: int, end: int, node: Node) -> bytes:
    """MTH(D[start:end]) of the RFC, for the ranges that its recursion meets; at least one leaf."""
    width = end - start
    split = _split(width)
    if split * 2 == width or width == 1:
        height = width.bit_length() - 1
        return node(height, start >> height)
    return node_hash(range_root(start, start + split, node), range_root(start + split, end, node))


def _split(width: int) -> int:
    """The largest power of two below the width (k of the RFC)."""
    return 1 << (width - 1).bit_length() - 1 if width > 1 else 0


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """PATH(index, D[size]): from the leaf upwards. Raises ValueError for a leaf outside of the tree."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(range_root(middle, end, node))
            end = middle
        else:
            path.append(range_root(start, middle, node))
            start = middle
    return path[::-1]


def consistency_proof(old: int, size: int, node: Node) -> list[bytes]:
    """PROOF(old, D[size]); empty for equal sizes and for the empty tree. Raises ValueError where old is larger."""
    if not 0 <= old <= size:
        raise ValueError(f"a tree of {size} leaves never had {old}")
    if old in (0, size):
        return []
    start, end, path, whole = 0, size, [], True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(range_root(middle, end, node))
            end = middle
        else:
            path.append(range_root(start, middle, node))
            start, whole = middle, False
    return ([] if whole else [range_root(start, end, node)]) + path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Whether that leaf hash stands at that index (RFC 9162 §2.1.3.2). Raises ProofInvalid."""
    if not 0 <= index < size:
        raise ProofInvalid(f"a tree of {size} leaves has no leaf {index}")
    at, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofInvalid("the proof is too long")
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        at, last = at >> 1, last >> 1
    if last != 0 or found != root:
        raise ProofInvalid("the proof does not lead from the leaf to the root")


def verify_consistency(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Whether the old tree is the beginning of the new one (RFC 9162 §2.1.4.2). Raises ProofInvalid."""
    if old in (0, size):
        same = old_root == (root if old == size else EMPTY_ROOT)
        if proof or not same:
            raise ProofInvalid("the same size has another root" if old else "the empty tree needs no proof")
        return
    if not 0 < old < size:
        raise ProofInvalid(f"a tree of {size} leaves never had {old}")
    hashes = [old_root, *proof] if old & old - 1 == 0 else list(proof)
    if not hashes:
        raise ProofInvalid("the proof is too short")
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise ProofInvalid("the proof is too long")
        if at & 1 or at == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        at, last = at >> 1, last >> 1
    if last != 0 or before != old_root or after != root:
        raise ProofInvalid("the new tree does not begin with the old one")
