"""The policy file: problems with line and column, files that are no policy, and the sample that is installed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from api.policy_file import LARGEST, PolicyFileError, read_policy, read_policy_file
from api.policy_places import Places
from api.sample_policy import sample_policy, sample_policy_text
from domain.identifiers import IssuerName
from domain.policy_warnings import warnings

FILE: Final = """\
issuer = "https://sts.example"
limits.depth = 5                                  # a dotted key

[resources]
"hr".audience = "https://hr.example"
hr.scopes = [
    "read",   # a comment, and the next one is no scope
    "two words",
]
agent = { audience = "urn:agent", scopes = ["read"], acepts = ["agent"] }

[clients.agent]
authentication = "client_secret_basic"
grants = ["token-exchange"]

[[clients.agent.exchange]]
to = "hrr"
scopes = ["read"]
from = ["agent"]

[[clients.agent.exchange]]
to = "hr"
from = ["agent"]
scopes = { "r\\u0065ad" = ["read"], 'write' = ["read"] }

[clients.'agent'.lifetme]
"""


def mistakes(octets: str | bytes) -> list[str]:
    """The lines of the error."""
    with pytest.raises(PolicyFileError) as refused:
        read_policy(octets if isinstance(octets, bytes) else octets.encode(), "policy.toml")
    return str(refused.value).splitlines()


@pytest.mark.parametrize(
    ("place", "line", "column"),
    [
        ("resources.hr.scopes[1]", 8, 5),
        ("resources.agent.acepts", 10, 54),
        ("clients.agent.exchange[0].to", 17, 1),
        ("clients.agent.exchange[1].scopes.write", 24, 36),
        ("clients.agent.lifetme", 26, 1),
    ],
)
def test_a_problem_has_the_line_and_the_column_it_stands_at(place: str, line: int, column: int) -> None:
    """In dotted and quoted keys, arrays over several lines, inline tables, arrays of tables."""
    found = [mistake for mistake in mistakes(FILE) if f": {place}: " in mistake]
    assert [mistake.split(": ")[0] for mistake in found] == [f"policy.toml:{line}:{column}"]


def test_problems_stand_in_the_order_of_the_file() -> None:
    """So that one can work downwards."""
    lines = [int(mistake.split(":")[1]) for mistake in mistakes(FILE)]
    assert lines == sorted(lines)
    assert len(lines) == 6


def test_the_line_says_what_to_change() -> None:
    """One problem, as the editor's error list shows it."""
    expected = (
        'policy.toml:17:1: clients.agent.exchange[0].to: there is no resource "hrr". Did you mean "hr"?'
    )
    assert expected in mistakes(FILE)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("resources", "hr", "audience"), (5, 1)),
        (("resources", "hr", "lifetime"), (5, 1)),
        (("resources", "agent", "scopes", 0), (10, 45)),
        (("clients", "agent"), (12, 1)),
        (("clients", "agent", "jwks"), (12, 1)),
        (("clients", "agent", "exchange"), (16, 1)),
        (("clients", "agent", "exchange", 1), (21, 1)),
        (("clients", "agent", "exchange", 1, "scopes", "read", 0), (24, 27)),
        (("clients", "agent", "exchange", 7, "to"), (16, 1)),
        (("trusted_issuers",), (1, 1)),
        ((), (1, 1)),
    ],
)
def test_everything_has_a_place(path: tuple[str | int, ...], place: tuple[int, int]) -> None:
    """What is there has its own, what is missing that of the innermost thing around it."""
    assert Places(FILE.encode()).nearest(path) == place


def test_a_header_is_where_its_table_is_even_if_a_part_of_it_came_first() -> None:
    """A missing key is looked for at `[a.b]`, not at `[a.b.c]`."""
    places = Places(b"[a.b.c]\nx = 1\n[a.b]\ny = 1\n[[a.l]]\n[a.l.t]\nz = 1\n[[a.l]]\n[a.l.t]\nz = 1\n")
    assert places.nearest(("a", "b")) == (3, 1)
    assert places.nearest(("a", "l", 1, "t", "z")) == (10, 1)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_columns_count_characters(newline: str) -> None:
    """As editors do: neither bytes nor a byte order mark."""
    text = f'issuer = "https://sts.example"{newline}limits = {{ "\u00fc\u00fc" = 1, dept = 1 }}{newline}'
    for octets in (text.encode(), b"\xef\xbb\xbf" + text.encode()):
        assert [mistake.split(": ")[0] for mistake in mistakes(octets)] == [
            "policy.toml:2:12",
            "policy.toml:2:22",
        ]


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b'issuer = "x"\n[broken\n', r"policy\.toml:2:\d+: is not TOML\. "),
        (b'issuer = "x"\na = 1\na = 2\n', r"policy\.toml:3:\d+: a key or a table stands in the file twice"),
        (b"[limits]\n[limits]\n", r"policy\.toml:2:\d+: a key or a table stands in the file twice"),
        (
            b"limits = { depth = 1, depth = 2 }",
            r"policy\.toml:1:\d+: a key or a table stands in the file twice",
        ),
        (b'issuer = """\n\n', r"policy\.toml:3:1: is not TOML\. "),
        (b'issuer = "x"\na = "\xff"', r"policy\.toml:2: is not UTF-8"),
        (b"a = " + b"[" * 100_000, r"policy\.toml: is nested too deeply"),
        (b"a = " + b"9" * 5_000, r"policy\.toml: has a number with too many digits"),
        (b"", r"policy\.toml:1:1: issuer: is missing"),
        (b"\x00", r"policy\.toml:1:1: is not TOML"),
    ],
)
def test_what_is_no_toml_is_refused_with_its_line(octets: bytes, words: str) -> None:
    """Broken syntax, keys given twice, other encodings, and what no parser should be asked to read."""
    (line,) = mistakes(octets)
    assert re.match(words, line), line


def test_what_stands_in_the_file_cannot_draw_on_the_terminal() -> None:
    """A-03: keys and values are escaped and shortened in messages."""
    found = mistakes(
        'issuer = "\\u001b[2J\u202e"\n"a\\nb" = 1\n' + f'"{"k" * 5000}" = 1\n[limits]\nlifetime = "\\u0007"'
    )
    assert all(line.isprintable() and line.isascii() and len(line) < 400 for line in found)
    assert len(found) == 4


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    """Too large, endless, a folder, or not there."""
    large = tmp_path / "large.toml"
    large.write_bytes(b"#" * (LARGEST + 1))
    for path, words in [
        (large, "is larger than"),
        (Path("/dev/zero"), "is larger than"),
        (tmp_path, "cannot be read: Is a directory"),
        (tmp_path / "missing.toml", "cannot be read: No such file"),
    ]:
        with pytest.raises(PolicyFileError, match=words):
            read_policy_file(path)


def test_a_file_may_have_exactly_the_largest_size(tmp_path: Path) -> None:
    """The bound is inclusive."""
    path = tmp_path / "policy.toml"
    sample = sample_policy_text().encode()
    path.write_bytes(sample + b"#" * (LARGEST - len(sample)))
    assert read_policy_file(path) == sample_policy()


def test_the_sample_compiles_and_names_its_issuers() -> None:
    """What `make serve` and the demonstration put in force."""
    policy = sample_policy("http://127.0.0.1:4711", "http://127.0.0.1:4712")
    corp = policy.trusted_issuers[IssuerName("corp")]
    assert policy.issuer == "http://127.0.0.1:4711"
    assert (corp.issuer, corp.jwks_uri) == ("http://127.0.0.1:4712", "http://127.0.0.1:4712/jwks")


def test_the_sample_earns_no_warning() -> None:
    """It is what people start from."""
    assert warnings(sample_policy()) == ()


SAMPLE: Final = sample_policy_text()


@pytest.mark.parametrize("number", range(SAMPLE.count("\n")))
def test_a_sample_that_lacks_a_line_is_a_policy_or_says_where_it_is_none(number: int) -> None:
    """Whatever line somebody forgets, the answer has a place in the file."""
    lines = SAMPLE.splitlines(keepends=True)
    without = "".join(lines[:number] + lines[number + 1 :])
    try:
        read_policy(without.encode(), "policy.toml")
        said = []
    except PolicyFileError as error:
        said = str(error).splitlines()
    assert all(re.match(r"policy\.toml:\d+:\d+: .+[.?]$", line) for line in said)
