"""The tree in tiles (C2SP tlog-tiles): 256 hashes wide, eight levels of the tree high; and the edge that grows.

Tile (level, index) holds the nodes of height `8 * level`, from `256 * index` on. Only the last tile of a level can be
partial, and what it holds never changes when it grows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from domain.merkle import EMPTY_ROOT, HASH, Node, node_hash, perfect_root

WIDTH: Final = 256
_HEIGHT: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """Hashes of one level, side by side; at most 256."""

    level: int
    index: int
    hashes: bytes


ReadTile = Callable[[int, int], bytes]
"""The hashes that a tile has by now, by level and index; empty where there is none."""


class TileMissing(Exception):
    """The stored tiles are not those of a tree of this size: they were damaged."""


class Edge:
    """The right edge of a tree: the last tile of each level. All that is needed to append, and to know the root."""

    def __init__(self) -> None:
        self.size = 0
        self._levels: list[list[bytes]] = []
        self._indexes: list[int] = []
        self._full: list[Tile] = []
        self._grown: set[int] = set()

    def append(self, leaf: bytes) -> None:
        """One leaf hash more."""
        self.size += 1
        self._push(0, leaf)

    def _push(self, level: int, value: bytes) -> None:
        if level == len(self._levels):
            self._levels.append([])
            self._indexes.append(0)
        hashes = self._levels[level]
        hashes.append(value)
        self._grown.add(level)
        if len(hashes) == WIDTH:
            self._full.append(Tile(level=level, index=self._indexes[level], hashes=b"".join(hashes)))
            self._indexes[level] += 1
            self._levels[level] = []
            self._push(level + 1, perfect_root(hashes))

    def root(self) -> bytes:
        """MTH of RFC 6962 §2.1 over all leaves so far."""
        root: bytes | None = None
        for hashes in self._levels:
            for perfect in _perfect_from_right(hashes):
                root = perfect if root is None else node_hash(perfect, root)
        return EMPTY_ROOT if root is None else root

    def take_tiles(self) -> list[Tile]:
        """The tiles that have grown since the last time, whole."""
        partial = [
            Tile(level=level, index=self._indexes[level], hashes=b"".join(self._levels[level]))
            for level in sorted(self._grown)
            if self._levels[level]
        ]
        tiles = [*self._full, *partial]
        self._full, self._grown = [], set()
        return tiles


def _perfect_from_right(hashes: list[bytes]) -> Iterator[bytes]:
    """The roots of the perfect subtrees that a partial tile is made of, the smallest first."""
    end, width = len(hashes), 1
    while end:
        if end & width:
            yield perfect_root(hashes[end - width : end])
            end -= width
        width *= 2


def edge_at(size: int, read: ReadTile) -> Edge:
    """The edge of a tree of that size, from its stored tiles. Raises TileMissing."""
    edge = Edge()
    edge.size = size
    level, count = 0, size
    while count:
        index, width = divmod(count, WIDTH)
        hashes = stored(read, level, index, width) if width else b""
        edge._levels.append([hashes[i : i + HASH] for i in range(0, len(hashes), HASH)])  # noqa: SLF001 - its own module
        edge._indexes.append(index)  # noqa: SLF001 - its own module
        level, count = level + 1, index
    return edge


def stored(read: ReadTile, level: int, index: int, width: int) -> bytes:
    """The first `width` hashes of a tile. Raises TileMissing."""
    hashes = read(level, index)
    if len(hashes) < width * HASH:
        raise TileMissing(f"tile {index} of level {level} has {len(hashes) // HASH} hashes, not {width}")
    return hashes[: width * HASH]


def nodes(read: ReadTile) -> Node:
    """The nodes of a tree, from its stored tiles: what proofs are made of. It raises TileMissing."""
    kept: dict[tuple[int, int], bytes] = {}

    def node(height: int, index: int) -> bytes:
        level, above = divmod(height, _HEIGHT)
        first = index << above
        place = (level, first // WIDTH)
        if place not in kept:
            kept[place] = read(*place)
        start, count = first % WIDTH, 1 << above
        hashes = kept[place][start * HASH : (start + count) * HASH]
        if len(hashes) < count * HASH:
            raise TileMissing(f"tile {place[1]} of level {level} ends before the node that is asked for")
        return perfect_root([hashes[i : i + HASH] for i in range(0, len(hashes), HASH)])

    return node


def width_of(level: int, index: int, size: int) -> int:
    """How many hashes of a tile a tree of that size has; 0 where it has no such tile."""
    return max(0, min(WIDTH, (size >> _HEIGHT * level) - index * WIDTH))
