"""The file of sinks: what it says is kept, and whatever is wrong with it is named with its sink and key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import msgspec
import pytest

from consumers import sink_kinds
from consumers.delivery import ACCEPTED, Delivery, Sink, Verdict
from consumers.sink_file import SinkFileInvalid, read_sink, read_sinks


@dataclass(frozen=True, kw_only=True)
class Options:
    """The keys of the receiver of these tests."""

    host: str
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 6514
    token_file: str = ""


class Receiver:
    """Remembers what it was opened with."""

    largest_batch = largest_bytes = 10

    def __init__(self, options: Options, formatter: Any = None) -> None:
        self.options, self.formatter = options, formatter

    def deliver(self, batch: Sequence[Delivery]) -> Sequence[Verdict]:
        """Takes everything."""
        return [ACCEPTED for _ in batch]

    def close(self) -> None:
        """Has nothing to close."""


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind that leaves the shape to the file (`shaped`), and one that has only one (`plain`)."""

    def plain(options: Options) -> Sink:
        return Receiver(options)

    modules = {
        "shaped": SimpleNamespace(Options=Options, open_sink=Receiver),
        "plain": SimpleNamespace(Options=Options, open_sink=plain),
    }
    monkeypatch.setattr(sink_kinds, "import_module", modules.__getitem__)
    for name in modules:
        monkeypatch.setitem(sink_kinds.KINDS, name, name)


@pytest.fixture
def written(tmp_path: Path, kinds: None) -> Any:
    """Writes a file of sinks."""

    def write(text: str) -> Path:
        file = tmp_path / "sinks.toml"
        file.write_text(text)
        return file

    return write


def test_a_sink_is_what_its_table_says(written: Any) -> None:
    """Filter, shape and the kind's own keys come out as they were written, and the sink is opened with them."""
    file = written(
        '[sinks.soc]\nkind = "shaped"\ntypes = ["token.*"]\nwithout_types = ["token.issued"]\n'
        'outcomes = ["failure"]\nmapping = "ocsf"\nhost = "siem"\nport = 514\n'
    )
    entry = read_sink(str(file), "soc")
    assert (entry.name, entry.kind, entry.mapping) == ("soc", "shaped", "ocsf")
    assert entry.options == Options(host="siem", port=514)
    assert entry.filter.wants("token.exchange_denied", "failure")
    assert not entry.filter.wants("token.exchanged", "success")
    sink = entry.open()
    assert isinstance(sink, Receiver)
    assert sink.options.host == "siem"
    assert callable(sink.formatter)


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ("", "kind: must be one of stdout, jsonl"),
        ('kind = "carrier_pigeon"', "kind: must be one of"),
        ('kind = "plain"', "host: has to be given"),
        ('kind = "plain"\nhost = "h"\nport = "6514"', "port: Expected `int`, got `str`"),
        ('kind = "plain"\nhost = "h"\nport = 0', "port: Expected `int` >= 1"),
        ('kind = "plain"\nhost = "h"\nhots = "h"', "hots: no such key; there are"),
        (
            'kind = "plain"\nhost = "h"\ntoken = "s3cret"',
            "token: a secret never stands in this file; give token_file",
        ),
        ('kind = "plain"\nhost = "h"\nmapping = "ecs"', "mapping: must be one of native"),
        ('kind = "shaped"\nhost = "h"\nmapping = "xml"', "mapping: must be one of native, ocsf"),
        (
            'kind = "plain"\nhost = "h"\ntypes = ["token.exchangd"]',
            "types: there is no event type 'token.exchangd'",
        ),
        ('kind = "plain"\nhost = "h"\nwithout_types = ["tokens.*"]', "without_types: there is no event type"),
        ('kind = "plain"\nhost = "h"\ntypes = "token.*"', "types: Expected `array`, got `str`"),
        (
            'kind = "plain"\nhost = "h"\noutcomes = ["denied"]',
            "outcomes: must be success or failure, not 'denied'",
        ),
    ],
)
def test_a_mistake_is_named_with_its_sink_and_key(table: str, complaint: str, written: Any) -> None:
    """Who reads the message knows where to look, and no secret is shown."""
    with pytest.raises(SinkFileInvalid) as raised:
        read_sinks(written(f"[sinks.soc]\n{table}\n"))
    assert f"sink soc: {complaint}" in str(raised.value)
    assert "s3cret" not in str(raised.value)


def test_all_mistakes_are_told_at_once(written: Any) -> None:
    """One line for each sink that is wrong, not only for the first."""
    with pytest.raises(SinkFileInvalid) as raised:
        read_sinks(written('[sinks.a]\nkind = "x"\n[sinks.Bad]\nkind = "plain"\n'))
    assert [line.partition("sink ")[2].partition(":")[0] for line in str(raised.value).split("\n")] == [
        "a",
        "Bad",
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[sinks", "is no TOML"),
        ("", "has no [sinks.NAME] table"),
        ("[sink.a]\n", "sink means nothing here"),
        ("sinks = 3\n", "has no [sinks.NAME] table"),
    ],
)
def test_a_file_that_is_no_file_of_sinks_is_refused(text: str, complaint: str, written: Any) -> None:
    """Nothing is delivered by a file that says something else."""
    with pytest.raises(SinkFileInvalid) as raised:
        read_sinks(written(text))
    assert complaint in str(raised.value)


def test_a_sink_that_is_not_there_is_told_with_those_that_are(written: Any, tmp_path: Path) -> None:
    """A misspelt --sink, no setting, and a file that is missing are three different messages."""
    file = written('[sinks.soc]\nkind = "plain"\nhost = "h"\n')
    for given, name, complaint in [
        (str(file), "sock", "has no sink 'sock'; it has soc"),
        ("", "soc", "COUNTERFOIL_SINKS is not set"),
        (str(tmp_path / "gone.toml"), "soc", "No such file or directory"),
    ]:
        with pytest.raises(SinkFileInvalid) as raised:
            read_sink(given, name)
        assert complaint in str(raised.value)
