"""The strict form parser: what it takes it reads as everybody does, what it refuses it refuses cleanly."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
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
        FORM + b"x",
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


@given(st.binary(max_size=200))
def test_whatever_the_bytes_only_a_clean_refusal_comes_out(body: bytes) -> None:
    """F27: no other exception; and what is taken is read as urllib reads it."""
    try:
        form = parse_form(body, FORM)
    except MalformedForm:
        return
    for name, value in parse_qsl(body.decode(), keep_blank_values=True):
        assert not value or value in form.getall(name)


NAMES = st.from_regex(r"[a-z_]{1,20}", fullmatch=True)
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1)


@given(st.dictionaries(NAMES, VALUES, max_size=20))
def test_what_a_client_encodes_is_what_is_read(parameters: dict[str, str]) -> None:
    """Every value that can be encoded comes back as it was."""
    form = parse_form(urlencode(parameters).encode(), FORM)
    assert {name: form.get(name) for name in parameters} == parameters
