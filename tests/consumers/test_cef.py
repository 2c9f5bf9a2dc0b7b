"""The CEF mapping: one line whatever stands in it, which a parser reads back, and as its golden files have it."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.mappings.cef import LONGEST_VALUE, map_record
from domain.events import Event
from tests.consumers.golden_mappings import golden_mapping
from tests.consumers.mapped_samples import mapped_samples
from tests.consumers.times_of_today import any_publishable_event, envelope

SAMPLES = mapped_samples()
HOSTILE = st.text(alphabet=st.sampled_from("ab \\=|\n\r\x00\x85\u2028é"), min_size=1, max_size=30)


def parsed(line: str) -> tuple[list[str], dict[str, str]]:
    """Header and extension, unescaped, as a receiver reads them."""
    assert line.startswith("CEF:0|")
    *header, extension = re.split(r"\|", _hidden(line), maxsplit=7)
    fields: dict[str, str] = {}
    matches = list(re.finditer(r"(?:^| )([A-Za-z0-9]+)=", extension))
    for match, following in zip(matches, [*matches[1:], None], strict=True):
        value = extension[match.end() : following.start() if following else None]
        assert match[1] not in fields, f"{match[1]} twice"
        fields[match[1]] = _shown(value)
    return [_shown(part) for part in header], fields


def _hidden(line: str) -> str:
    """Escapes replaced by characters that stand nowhere else, so that what is left over is syntax."""
    return (
        line.replace("\\\\", "\ue000")
        .replace("\\|", "\ue001")
        .replace("\\=", "\ue002")
        .replace("\\n", "\ue003")
    )


def _shown(value: str) -> str:
    return value.translate({0xE000: "\\", 0xE001: "|", 0xE002: "=", 0xE003: "\n"})


@pytest.mark.parametrize("name", SAMPLES)
def test_it_is_as_it_was(name: str) -> None:
    """A changed mapping is seen in review, file by file; `golden_mappings.py` writes them anew."""
    assert map_record(SAMPLES[name]) == golden_mapping("cef", name)


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(any_publishable_event())
def test_any_event_is_one_line_that_reads_back(event: Event) -> None:
    """Seven parts of a header, no key twice, the id whole, every custom field with its label."""
    line = map_record(envelope(event))
    assert len(line.splitlines()) == 1
    header, fields = parsed(line)
    assert (header[0], len(header), header[4]) == ("CEF:0", 7, event.TYPE)
    assert 0 <= int(header[6]) <= 10
    assert fields["externalId"] == event.id
    assert all(key.removesuffix("Label") in fields for key in fields)
    assert all(f"{key}Label" in fields for key in fields if re.fullmatch(r"(cs|cn|c6a)\d", key))


@given(HOSTILE)
def test_no_value_breaks_out(client: str) -> None:
    """A client's name cannot make another field, another header or another line."""
    sample = SAMPLES["token.exchange_denied"]
    line = map_record(sample | {"event": sample["event"] | {"client": client, "act": None}})
    _, fields = parsed(line)
    assert len(line.splitlines()) == 1
    assert set(fields) == set(parsed(golden_mapping("cef", "token.exchange_denied"))[1])
    expected = re.sub("[\r\n\x85\u2028]", "\n", client.replace("\r\n", "\n")).replace("\x00", " ")
    assert fields["suid"] == expected


def test_a_type_cannot_break_the_header() -> None:
    """`|` and `\\` are escaped there, and a line end has no place."""
    header, _ = parsed(map_record(SAMPLES["token.issued"] | {"type": "a|b\\c\nd=e"}))
    assert header[4] == "a|b\\c d=e"


@pytest.mark.parametrize("before", ["", "x"])
@pytest.mark.parametrize("filler", ["x", "\\", "=", "é"])
def test_a_value_is_cut_and_the_line_is_not(filler: str, before: str) -> None:
    """Not between an escape and what it escapes; id and chain are whole, and what follows the long value is there."""
    sample = SAMPLES["token.exchange_denied"]
    line = map_record(sample | {"event": sample["event"] | {"subject": before + filler * 5000}})
    _, fields = parsed(line)
    assert fields["duser"].startswith(before + filler * 400)
    assert set(fields["duser"].removeprefix(before)) == {filler, "…"}
    assert len(fields["duser"]) <= LONGEST_VALUE
    assert (fields["externalId"], fields["cs1"]) == (sample["id"], "token-1")
    assert "msg" in fields


def test_addresses_of_both_kinds_have_their_field() -> None:
    """`src` is for IPv4; an IPv6 address has a custom field with its label."""
    _, four = parsed(map_record(SAMPLES["token.exchange_denied"]))
    _, six = parsed(map_record(SAMPLES["token.exchange_denied-ipv6"]))
    assert (four["src"], "c6a2" in four) == ("192.0.2.7", False)
    assert (six["c6a2"], six["c6a2Label"], "src" in six) == ("2001:db8::7", "Source IPv6 Address", False)
