"""The file (TOML) that `COUNTERFOIL_SINKS` names: where the stream is delivered. It is checked whole.

    [sinks.soc]
    kind = "splunk_hec"
    types = ["token.*"]            # which records; all unless said
    outcomes = ["failure"]
    mapping = "ocsf"               # in which shape, where the kind allows a choice
    refusals_in_a_row = 20         # more than that, or a larger share of them, stop the line
    refusals_share = 0.5
    token_file = "/run/secrets/hec"

All other keys are the kind's own. A secret never stands in it: the key ends in `_file` or `_env` and says where it is.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from consumers.breaker import RefusalLimits
from consumers.delivery import Filter, Sink
from consumers.errors import StreamMisconfigured
from consumers.sink_kinds import KINDS, NATIVE, SinkKind, sink_kind
from consumers.stream_marks import MARKS
from eventstore.codec import EVENT_TYPES

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_PATH: Final = re.compile(r"`\$\.?([\w.\[\]-]*)`$")
_MISSING: Final = re.compile(r"missing required field `(\w+)`")
_FILTER_KEYS: Final = ("types", "without_types", "outcomes")
_LIMIT_KEYS: Final = ("refusals_in_a_row", "refusals_share")
_OUTCOMES: Final = ("success", "failure")


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkEntry:
    """One `[sinks.NAME]` table, checked."""

    name: str
    kind: str
    filter: Filter
    mapping: str
    limits: RefusalLimits
    options: Any
    """The kind's own keys, in its dataclass."""

    def open(self) -> Sink:
        """The sink. Raises SinkMisconfigured."""
        return sink_kind(self.kind).open(self.options, self.mapping)


class _Limits(msgspec.Struct):
    refusals_in_a_row: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 20
    refusals_share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5


class SinkFileInvalid(StreamMisconfigured):
    """Everything that is wrong with the file, one mistake a line, each with its sink and key."""


class _Wrong(Exception):
    """One mistake."""


def read_sink(file: str, name: str) -> SinkEntry:
    """The sink of that name. Raises SinkFileInvalid, whichever sink of the file is wrong."""
    if not file:
        raise SinkFileInvalid(
            "COUNTERFOIL_SINKS is not set: name the file (TOML) that has [sinks.NAME] tables"
        )
    entries = read_sinks(Path(file))
    if name not in entries:
        raise SinkFileInvalid(f"{file} has no sink {name!r}; it has {', '.join(entries)}")
    return entries[name]


def read_sinks(file: Path) -> Mapping[str, SinkEntry]:
    """All sinks of the file, by name. Raises SinkFileInvalid."""
    tables = _tables(file)
    entries: dict[str, SinkEntry] = {}
    mistakes = []
    for name, table in tables.items():
        try:
            entries[name] = _entry(name, table)
        except _Wrong as wrong:
            mistakes.append(f"{file}: sink {name}: {wrong}")
    if mistakes:
        raise SinkFileInvalid("\n".join(mistakes))
    return entries


def _tables(file: Path) -> Mapping[str, Any]:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SinkFileInvalid(f"cannot read {file} (see COUNTERFOIL_SINKS): {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SinkFileInvalid(f"{file} is no TOML: {error}") from None
    for key in document:
        if key != "sinks":
            raise SinkFileInvalid(f"{file}: {key} means nothing here: there are only [sinks.NAME] tables")
    tables = document.get("sinks")
    if not isinstance(tables, dict) or not tables:
        raise SinkFileInvalid(f"{file} has no [sinks.NAME] table")
    return tables


def _entry(name: str, table: Any) -> SinkEntry:
    if not _NAME.fullmatch(name):
        raise _Wrong(
            "a name is 1 to 64 lower-case letters, digits, - or _: it becomes part of a consumer group's"
        )
    if not isinstance(table, dict):
        raise _Wrong(f"must be a table: [sinks.{name}]")
    kind_name = table.get("kind")
    if not isinstance(kind_name, str) or kind_name not in KINDS:
        raise _Wrong(f"kind: must be one of {', '.join(KINDS)}")
    kind = sink_kind(kind_name)
    _refuse_unknown(table, kind)
    mapping = table.get("mapping", NATIVE)
    if mapping not in kind.mappings:
        raise _Wrong(f"mapping: must be one of {', '.join(kind.mappings)}")
    own = {key: value for key, value in table.items() if key in kind.keys}
    return SinkEntry(
        name=name,
        kind=kind_name,
        filter=_filter(table),
        mapping=mapping,
        limits=_limits(table),
        options=_convert(own, kind.options),
    )


def _refuse_unknown(table: Mapping[str, Any], kind: SinkKind) -> None:
    known = {"kind", "mapping", *_FILTER_KEYS, *_LIMIT_KEYS, *kind.keys}
    for key in table:
        if key in known:
            continue
        instead = [
            name for name in (f"{key}_file", f"{key}_env", f"{key}_files", f"{key}_envs") if name in known
        ]
        if instead:
            raise _Wrong(f"{key}: a secret never stands in this file; give {' or '.join(instead)}")
        raise _Wrong(f"{key}: no such key; there are {', '.join(sorted(known))}")


def _filter(table: Mapping[str, Any]) -> Filter:
    chosen: Filter = _convert({key: table[key] for key in _FILTER_KEYS if key in table}, Filter)
    for key in ("types", "without_types"):
        for pattern in _matching_nothing(getattr(chosen, key)):
            raise _Wrong(f"{key}: there is no event type {pattern!r}")
    for outcome in chosen.outcomes:
        if outcome not in _OUTCOMES:
            raise _Wrong(f"outcomes: must be {' or '.join(_OUTCOMES)}, not {outcome!r}")
    return chosen


def _limits(table: Mapping[str, Any]) -> RefusalLimits:
    chosen: _Limits = _convert({key: table[key] for key in _LIMIT_KEYS if key in table}, _Limits)
    return RefusalLimits(in_a_row=chosen.refusals_in_a_row, share=chosen.refusals_share)


def _matching_nothing(patterns: tuple[str, ...]) -> Iterator[str]:
    """A misspelt type would leave out, or let through, what nobody meant."""
    for pattern in patterns:
        alone = Filter(without_types=(pattern,))
        if all(alone.wants(known, "success") for known in (*EVENT_TYPES, *MARKS)):
            yield pattern


def _convert(table: Mapping[str, Any], kind: type[Any]) -> Any:
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        raise _Wrong(_said(str(error))) from None


def _said(text: str) -> str:
    """msgspec's `Expected … - at `$.key``, with the key first."""
    if missing := _MISSING.search(text):
        return f"{missing[1]}: has to be given"
    what, _, where = text.rpartition(" - at ")
    found = _PATH.search(where)
    return f"{found[1]}: {what}" if found and what else text
