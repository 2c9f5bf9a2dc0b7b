"""The policy file: problems with line and column, and the sample that is installed."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from api.policy_file import LARGEST, PolicyFileError, read_policy_file
from api.sample_policy import sample_policy, sample_policy_text

SCHEMA = json.loads((Path(__file__).parent.parent.parent / "api" / "policy.schema.json").read_text())


def mistakes(tmp_path: Path, text: str | bytes) -> list[str]:
    """The lines of the error, without the folder."""
    file = tmp_path / "policy.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(PolicyFileError) as refused:
        read_policy_file(file)
    return str(refused.value).replace(f"{tmp_path}/", "").splitlines()


def test_the_sample_compiles_and_names_its_issuer() -> None:
    """What `make serve` and the demonstration put in force."""
    policy = sample_policy("http://127.0.0.1:4711", "http://127.0.0.1:4712")
    assert policy.issuer == "http://127.0.0.1:4711"
    assert policy.trusted_issuers["corp"].jwks_uri == "http://127.0.0.1:4712/jwks"  # type: ignore[index]


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ("depth = 5", "dept = 5", "limits.dept"),
        ('to = "hr"', 'to = "hrr"', "clients.agent.exchange[0].to"),
        ('"trip.plan" = ["profile.read"', '"trip.plan" = ["salary"', "clients.agent.exchange[0].scopes"),
        ('accepts = ["id_token"]', 'accepts = ["idtoken"]', "trusted_issuers.corp.accepts"),
    ],
)
def test_a_problem_has_the_line_it_stands_on(tmp_path: Path, before: str, after: str, place: str) -> None:
    """The line is the one that was changed, in tables, arrays of tables and inline tables."""
    text = sample_policy_text()
    assert before in text
    changed = text.replace(before, after, 1)
    line = changed[: changed.index(after)].count("\n") + 1
    assert any(m.startswith(f"policy.toml:{line}:") and place in m for m in mistakes(tmp_path, changed))


def test_a_file_that_is_no_toml_says_where(tmp_path: Path) -> None:
    """The parser's own words have line and column."""
    assert "line 2" in mistakes(tmp_path, 'issuer = "x"\n[broken\n')[0]
    assert "line 3" in mistakes(tmp_path, 'issuer = "x"\na = 1\na = 2\n')[0]


def test_bytes_that_are_no_text_and_files_that_are_no_policy_are_refused(tmp_path: Path) -> None:
    """Not UTF-8, too large, not there."""
    assert "UTF-8" in mistakes(tmp_path, b'issuer = "\xff"')[0]
    assert "larger" in mistakes(tmp_path, b"#" * (LARGEST + 1))[0]
    with pytest.raises(PolicyFileError, match="cannot be read"):
        read_policy_file(tmp_path / "missing.toml")


def test_editors_get_a_schema_that_takes_the_sample() -> None:
    """The JSON Schema is valid and the sample is valid under it."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator(SCHEMA).validate(tomllib.loads(sample_policy_text()))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("depth = 5", "dept = 5"),
        ('authentication = "client_secret_basic"', 'authentication = "none"'),
        ('accepts = ["id_token"]', 'accepts = ["saml2"]'),
        ('lifetime = "5m"', 'lifetime = "soon"'),
        ('mode = "enforce"', 'mode = "lenient"'),
    ],
)
def test_the_schema_refuses_what_it_can_see(before: str, after: str) -> None:
    """An editor marks unknown keys and wrong words before the compiler does."""
    text = (
        sample_policy_text()
        + '\n[resources.extra]\naudience = "https://x.example"\nscopes = []\nmode = "enforce"\n'
    )
    assert before in text
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(tomllib.loads(text.replace(before, after, 1)))


def test_every_key_of_the_schema_stands_in_the_policy_reference() -> None:
    """No key can be added without a line in docs/policy.md."""
    page = (Path(__file__).parent.parent.parent / "docs" / "policy.md").read_text(encoding="utf-8")
    keys: set[str] = set()
    for definition in [SCHEMA, *SCHEMA["$defs"].values()]:
        keys |= definition.get("properties", {}).keys()
    assert {key for key in keys if f"`{key}`" not in page} == set()
