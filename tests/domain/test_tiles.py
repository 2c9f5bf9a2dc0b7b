"""Tiles against the naive tree: roots, proofs from stored tiles, and an edge that is taken up again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from domain.merkle import HASH, inclusion_proof, leaf_hash, range_root, root_of, verify_inclusion
from domain.tiles import Edge, TileMissing, edge_at, nodes, width_of
from tests.domain.test_merkle import naive_root

MOST = 70_000
LEAVES = [leaf_hash(index.to_bytes(4, "big")) for index in range(MOST)]


class Stored:
    """Tiles as a store keeps them: whole rows, each replaced by a longer one."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, int], bytes] = {}

    def keep(self, edge: Edge) -> None:
        for tile in edge.take_tiles():
            before = self.rows.get((tile.level, tile.index), b"")
            assert tile.hashes.startswith(before)
            self.rows[tile.level, tile.index] = tile.hashes

    def read(self, level: int, index: int) -> bytes:
        return self.rows.get((level, index), b"")


def grown(edge: Edge, stored: Stored, size: int) -> None:
    for leaf in LEAVES[edge.size : size]:
        edge.append(leaf)
    stored.keep(edge)


@given(st.lists(st.integers(1, 1500), min_size=1, max_size=4))
@hypothesis_settings(max_examples=20)
def test_a_tree_that_grows_in_parts_is_the_tree_of_the_definition(parts: list[int]) -> None:
    """After each part: the root, also of the edge that another process takes up from the stored tiles."""
    edge, stored, size = Edge(), Stored(), 0
    for part in parts:
        size = min(size + part, 4000)
        grown(edge, stored, size)
        assert edge.root() == naive_root(LEAVES[:size]) == root_of(size, nodes(stored.read))
        again = edge_at(size, stored.read)
        assert again.root() == edge.root()
        edge = again


def test_three_levels_of_tiles_prove_every_kind_of_leaf() -> None:
    """More than 65,536 leaves: what an older tree said is proved from the tiles of the larger one."""
    edge, stored = Edge(), Stored()
    grown(edge, stored, MOST)
    node = nodes(stored.read)
    assert {level for level, _ in stored.rows} == {0, 1, 2}
    for size in (1, 255, 256, 257, 65_535, 65_536, 65_537, MOST):
        root = root_of(size, node)
        assert edge_at(size, stored.read).root() == root
        for index in {0, size // 2, size - 1}:
            verify_inclusion(LEAVES[index], index, size, inclusion_proof(index, size, node), root)
    assert range_root(0, 65_536, node) == stored.rows[2, 0][:HASH]


def test_a_missing_tile_is_said_and_not_guessed() -> None:
    """Neither an edge nor a proof comes from tiles that are not all there."""
    edge, stored = Edge(), Stored()
    grown(edge, stored, 300)
    del stored.rows[0, 1]
    with pytest.raises(TileMissing):
        edge_at(300, stored.read)
    with pytest.raises(TileMissing):
        root_of(300, nodes(stored.read))


def test_the_width_of_a_tile_follows_from_the_size_of_the_tree() -> None:
    """Full, partial, and not there."""
    assert [width_of(0, index, 300) for index in (0, 1, 2)] == [256, 44, 0]
    assert [width_of(1, 0, size) for size in (255, 256, 65_536)] == [0, 1, 256]
