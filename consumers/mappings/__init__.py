"""The shapes in which a sink may want the records: ours (`native`), or that of a tool.

Each mapping is a pure function of the envelope, so that it can be replayed when it changes; the topic always holds
the envelope alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from consumers.delivery import Delivery
from consumers.mappings import cef, ecs, ocsf

_ENCODE: Final = msgspec.json.Encoder(order="sorted").encode
_OF_DOCUMENTS: Final[Mapping[str, Callable[[Mapping[str, Any]], bytes]]] = {
    "ocsf": lambda document: _ENCODE(ocsf.map_record(document)),
    "ecs": lambda document: _ENCODE(ecs.map_record(document)),
    "cef": lambda document: cef.map_record(document).encode(),
}
MAPPINGS: Final = ("native", *_OF_DOCUMENTS)
"""What `formatter` knows."""


class UnknownMapping(ValueError):
    """No mapping has that name; the text names those that there are."""

    def __init__(self, name: str, known: tuple[str, ...] = MAPPINGS) -> None:
        super().__init__(f"{name!r} is no mapping; there are {', '.join(known)}")


def formatter(mapping: str) -> Callable[[Delivery], bytes]:
    """What turns a record into the bytes that a sink sends, without a line end. Raises UnknownMapping."""
    if mapping == "native":
        return _native
    document_formatter = of_documents(mapping)
    return lambda delivery: document_formatter(delivery.document())


def of_documents(mapping: str) -> Callable[[Mapping[str, Any]], bytes]:
    """The same for an envelope that is decoded already; not for `native`. Raises UnknownMapping."""
    if mapping not in _OF_DOCUMENTS:
        raise UnknownMapping(mapping)
    return _OF_DOCUMENTS[mapping]


def _native(delivery: Delivery) -> bytes:
    return delivery.value
