"""The kinds of receivers there are: `kind` in the file of sinks → the module that knows it, imported when it is used.

Such a module has `Options`, a frozen dataclass of the kind's own keys, and `open_sink(options)` or, where the shape of
a record can be chosen (`mapping`), `open_sink(options, formatter)`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from importlib import import_module
from typing import Any, Final

from consumers.delivery import Sink
from consumers.mappings import MAPPINGS, formatter

NATIVE: Final = "native"
KINDS: Final = {
    "stdout": "consumers.sinks.standard_output",
    "jsonl": "consumers.sinks.jsonl_file",
    "syslog": "consumers.sinks.syslog_sink",
    "splunk_hec": "consumers.sinks.splunk_hec",
    "elasticsearch": "consumers.sinks.elasticsearch",
    "otlp": "consumers.sinks.otlp",
    "webhook": "consumers.sinks.webhook",
    "sentinel": "consumers.sinks.sentinel",
}
"""Kind → module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkKind:
    """What is known of a kind before a sink of it is opened."""

    options: type[Any]
    """The dataclass of its keys."""
    _open: Callable[..., Sink]

    @property
    def keys(self) -> tuple[str, ...]:
        """The names of its keys."""
        return tuple(field.name for field in fields(self.options))

    @property
    def takes_formatter(self) -> bool:
        """Whether the shape of a record is made outside the sink."""
        return "formatter" in inspect.signature(self._open).parameters

    @property
    def mappings(self) -> tuple[str, ...]:
        """The shapes it can be asked for; the sink itself checks `mapping` where that is one of its keys."""
        return MAPPINGS if self.takes_formatter or "mapping" in self.keys else (NATIVE,)

    def open(self, options: Any, mapping: str) -> Sink:
        """The sink. Raises SinkMisconfigured."""
        if self.takes_formatter:
            return self._open(options, formatter(mapping))
        return self._open(options)


def sink_kind(name: str) -> SinkKind:
    """The kind of that name, which must be one of KINDS."""
    module = import_module(KINDS[name])
    return SinkKind(options=module.Options, _open=module.open_sink)
