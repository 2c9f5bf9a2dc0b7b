"""Kafka's record batch, version 2 (KIP-98), written by hand: a batch is what a partition takes whole or not at all.

The client's own encoder writes every header byte by byte and keeps a future for each record; here the ten headers of
a record cost as much as one. What is written is neither compressed nor idempotent (its producer id is -1).
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Final

from crc32c import crc32c

from consumers.audit_record import Headers

HEADER: Final = struct.Struct(">qiibIhiqqqhii")
"""Base offset, length, leader epoch, magic, CRC, attributes, last offset delta, first and last timestamp, producer id,
producer epoch, first sequence number, count."""
_CRC_FROM: Final = 21
"""The CRC covers everything from the attributes on."""
_LENGTH_FROM: Final = 12
_MAGIC: Final = 2


def zigzag(number: int) -> bytes:
    """A signed number in Protocol Buffers' zigzag encoding, seven bits a byte."""
    left = (number << 1) ^ (number >> 63)
    written = bytearray()
    while left > 0x7F:
        written.append(0x80 | left & 0x7F)
        left >>= 7
    written.append(left)
    return bytes(written)


_SMALL: Final = tuple(zigzag(number) for number in range(4096))


def _size(number: int) -> bytes:
    return _SMALL[number] if number < 4096 else zigzag(number)


@lru_cache(maxsize=256)
def _name(name: str) -> bytes:
    written = name.encode()
    return zigzag(len(written)) + written


class RecordBatch:
    """The records of one round for one partition, in order."""

    __slots__ = ("_first", "_last", "_parts", "count", "size")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._first = self._last = 0
        self.count = 0
        self.size = HEADER.size
        """Bytes, as the broker counts them against `max.message.bytes`."""

    def append(self, key: bytes, value: bytes, headers: Headers, time: int) -> None:
        """Add a record; `time` in milliseconds."""
        if not self.count:
            self._first = self._last = time
        elif time > self._last:
            self._last = time
        fields = [b"\0", zigzag(time - self._first), _size(self.count), _size(len(key)), key]
        fields += (_size(len(value)), value, _size(len(headers)))
        for name, content in headers:
            fields += (_name(name), _size(len(content)), content)
        record = b"".join(fields)
        length = _size(len(record))
        self._parts += (length, record)
        self.size += len(length) + len(record)
        self.count += 1

    def written(self) -> bytes:
        """The batch as it stands in a Produce request. At least one record must have been added."""
        body = b"".join(self._parts)
        header = bytearray(HEADER.size)
        HEADER.pack_into(
            header, 0,
            0, HEADER.size - _LENGTH_FROM + len(body), -1, _MAGIC, 0,
            0, self.count - 1, self._first, self._last, -1, -1, -1, self.count,
        )  # fmt: skip
        checksum = crc32c(body, crc32c(bytes(header[_CRC_FROM:])))
        struct.pack_into(">I", header, _CRC_FROM - 4, checksum)
        return bytes(header) + body
