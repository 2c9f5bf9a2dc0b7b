"""The strict form parser: what it takes it reads as everybody does, what it refuses it refuses cleanly."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.forms import MAX_BODY, MalformedForm, parse_form

FORM = b"application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "content_type",
    [
        FORM,
        FORM.upper(),
        FORM + b";charset=UTF-8",
        FORM + b"; charset=utf-8",
        FORM + b' ; charset="utf-8"',
        FORM + b";",
        FORM + b"; version=1; charset=UTF-8",
    ],
)
def test_real_clients_content_types_are_taken(content_type: bytes) -> None:
    """T2, 5.10: with or without a charset, with or without a space."""
    assert parse_form(b"a=b", content_type).get("a") == "b"


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        b"",
        b"application/json",
        b"multipart/form-data; boundary=x",
        FORM + b"; charset=utf-16",
        FORM + b"; charset=utf-8; charset=utf-16",
        FORM + b"; charset",
        FORM + b"x",
        FORM + b" x",
        FORM + b";" * 300,
    ],
)
def test_other_content_types_are_refused(content_type: bytes | None) -> None:
    """H-02, H-03: no guessing what a body could be."""
    with pytest.raises(MalformedForm, match="Send application/x-www-form-urlencoded"):
        parse_form(b"a=b", content_type)


def test_an_empty_value_is_omitted() -> None:
    """T7: present but empty counts as left out; white space does not."""
    form = parse_form(b"actor_token=&scope=+&x", FORM)
    assert (form.get("actor_token"), form.get("scope"), "x" in form) == (None, " ", False)


def test_resource_and_audience_may_come_again() -> None:
    """T6: RFC 8693 §2.1, RFC 8707 §2; their order is kept."""
    form = parse_form(b"resource=a&audience=x&resource=b&audience=y", FORM)
    assert (form.getall("resource"), form.getall("audience")) == (("a", "b"), ("x", "y"))


@pytest.mark.parametrize(
    "body",
    [
        b"scope=a&scope=b",
        b"scope=a&scope=",
        b"scope=&scope=a",
        b"unknown=a&unknown=b",
        b"sc%6Fpe=a&scope=b",
    ],
)
def test_any_other_parameter_may_come_once(body: bytes) -> None:
    """T5, H-01: RFC 6749 §3.2, also where one is empty or its name is escaped, also where nobody knows it."""
    with pytest.raises(MalformedForm, match="given twice"):
        parse_form(body, FORM)


@pytest.mark.parametrize(
    "body",
    [
        b"a=%",
        b"a=%4",
        b"a=%zz",
        b"a=%ff",
        b"a=\xff",
        b"a=%00",
        b"a=b\x00",
        b"a=%0d%0ab",
        b"a=\x1b[1m",
        b"\xef\xbb\xbfgrant_type=x",
        b"=value",
        b"a" * 65 + b"=x",
        b"&".join(b"p%d=x" % number for number in range(65)),
        b"a=" + b"x" * MAX_BODY,
        b"a=%ed%a0%80",
    ],
)
def test_what_is_not_plain_is_refused(body: bytes) -> None:
    """H-04, H-05: broken escapes, no UTF-8, controls, a byte order mark, no name, too many, too large."""
    with pytest.raises(MalformedForm) as refused:
        parse_form(body, FORM)
    assert "x" * 8 not in str(refused.value)


PIECES = [
    *(
        b"&",
        b"&",
        b"=",
        b"=",
        b"+",
        b" ",
        b"a",
        b"b",
        b"resource",
        b"audience",
        b"urn%3A",
        b"\xc3\xa9",
        b"\xef\xbb\xbf",
    ),
    *(
        b"%41",
        b"%26",
        b"%3d",
        b"%25",
        b"%2B",
        b"%C3%a9",
        b"%c3",
        b"%00",
        b"%7f",
        b"%",
        b"%4",
        b"\x00",
        b"\x7f",
        b"\n",
        b"\xff",
    ),
]
BODIES = st.binary(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)
TYPES = st.none() | st.binary(max_size=60) | st.binary(max_size=20).map(FORM.__add__)


@settings(max_examples=500)
@given(BODIES, TYPES | st.just(FORM))
def test_whatever_the_bytes_only_a_clean_refusal_comes_out(body: bytes, content_type: bytes | None) -> None:
    """F27: no other exception, and a text that may stand in an error_description (RFC 6749 §5.2)."""
    try:
        parse_form(body, content_type)
    except MalformedForm as refused:
        assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", str(refused))  # noqa: PT017


@settings(max_examples=500)
@given(BODIES)
def test_what_is_taken_is_read_as_urllib_reads_it(body: bytes) -> None:
    """All values, in order, and nothing besides. Strict urllib also takes it, but for a name alone and for `&&`."""
    try:
        form = parse_form(body, FORM)
    except MalformedForm:
        return
    pairs = parse_qsl(body.decode(), keep_blank_values=True)
    for name in {name for name, _ in pairs}:
        assert form.getall(name) == tuple(value for key, value in pairs if key == name and value)
    if all("=" in pair for pair in body.decode().split("&")):
        assert parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True) == pairs


NAMES = st.from_regex(r"[a-z_]{1,20}", fullmatch=True)
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1)


@given(st.dictionaries(NAMES, VALUES, max_size=20))
def test_what_a_client_encodes_is_what_is_read(parameters: dict[str, str]) -> None:
    """Every value that can be encoded comes back as it was."""
    form = parse_form(urlencode(parameters).encode(), FORM)
    assert {name: form.get(name) for name in parameters} == parameters
