"""Where a key belongs: the partition that Java's and kafka-python's default partitioner would choose."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Final

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_WORD: Final = 0xFFFFFFFF


@lru_cache(maxsize=8192)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key among that many; the records of one chain come close together, hence the cache."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def murmur2(data: bytes) -> int:
    """MurmurHash2 as `org.apache.kafka.common.utils.Utils.murmur2` computes it, 32 bits without sign."""
    length = len(data)
    h = _SEED ^ length
    words = length // 4
    for k in struct.unpack_from(f"<{words}I", data):
        k = (k * _M) & _WORD  # noqa: PLW2901 - as the algorithm is written down everywhere
        k ^= k >> 24  # noqa: PLW2901
        h = ((h * _M) & _WORD) ^ ((k * _M) & _WORD)
    rest = data[4 * words :]
    if rest:
        h = ((h ^ int.from_bytes(rest, "little")) * _M) & _WORD
    h ^= h >> 13
    h = (h * _M) & _WORD
    return h ^ (h >> 15)
