"""How a client says who it is: one method a request, read as real clients write it, refused without a trace of it."""

from __future__ import annotations

import base64
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.client_credentials import (
    ASSERTION_TYPE,
    AssertionCredentials,
    BasicCredentials,
    NoCredentials,
    PostCredentials,
    UnusableCredentials,
    read_client_credentials,
)
from api.forms import Form

SECRET = "cfs_s3cret-value"


def basic(text: str | bytes, scheme: str = "Basic") -> tuple[bytes, bytes]:
    octets = text if isinstance(text, bytes) else text.encode()
    return (b"authorization", f"{scheme} ".encode() + base64.b64encode(octets))


def form(**values: str) -> Form:
    return Form({name: (value,) for name, value in values.items()})


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_basic_in_any_case(scheme: str) -> None:
    """CA-11: schemes have no case (RFC 9110 §11.1)."""
    assert read_client_credentials([basic(f"agent:{SECRET}", scheme)], form()) == BasicCredentials(
        "agent", SECRET
    )


def test_ca_10_percent_encoded_and_raw_credentials_both_work() -> None:
    """Some clients encode every character that is no letter, others none."""
    encoded = "my%2Dagent:cfs%5Fs3cret%2Dvalue"
    assert read_client_credentials([basic(encoded)], form()) == BasicCredentials("my-agent", SECRET)


@pytest.mark.parametrize(
    "header",
    [
        basic("agent"),
        basic(":secret"),
        basic("agent:"),
        basic("agent:%zz"),
        basic("agent%:41"),
        basic("agent:%ff"),
        basic("agent:%00"),
        basic("agent\n:x"),
        basic("ag\u00e9nt:x"),
        basic(b"\xff:\xff"),
        (b"authorization", b"Basic !!!"),
        (b"authorization", b"Basic"),
        (b"authorization", b"Bearer eyJ"),
        (b"authorization", b""),
    ],
)
def test_ca_11_an_unreadable_header_is_a_failed_authentication(header: tuple[bytes, bytes]) -> None:
    """Fails closed."""
    found = read_client_credentials([header], form())
    assert isinstance(found, UnusableCredentials)
    assert found.error == "invalid_client"


def test_ca_01_two_methods_are_an_invalid_request() -> None:
    """T31: RFC 6749 §2.3, whichever two they are, also twice the same header."""
    header = basic(f"agent:{SECRET}")
    assertion = {"client_assertion": "a.b.c", "client_assertion_type": ASSERTION_TYPE}
    for headers, body in (
        ([header], form(client_secret=SECRET)),
        ([header], form(**assertion)),
        ([], form(client_secret=SECRET, **assertion)),
        ([header], form(client_assertion_type=ASSERTION_TYPE)),
        ([], form(client_secret=SECRET, client_assertion_type=ASSERTION_TYPE)),
        ([header, header], form()),
    ):
        found = read_client_credentials(headers, body)
        assert isinstance(found, UnusableCredentials)
        assert found.error == "invalid_request"


def test_ca_03_another_client_id_in_the_body_is_refused() -> None:
    """RFC 7521 §4.2: who authenticates and who is named must be one."""
    header = basic(f"agent:{SECRET}")
    assert isinstance(read_client_credentials([header], form(client_id="hr")), UnusableCredentials)
    assert isinstance(read_client_credentials([header], form(client_id="agent")), BasicCredentials)


def test_secrets_in_the_body() -> None:
    """client_secret_post needs both parts."""
    assert read_client_credentials([], form(client_id="a", client_secret="b")) == PostCredentials("a", "b")
    assert isinstance(read_client_credentials([], form(client_secret="b")), UnusableCredentials)


def test_assertions_need_their_type() -> None:
    """RFC 7523 §2.2: exactly that URN, and something to go with it."""
    whole = form(client_assertion="a.b.c", client_assertion_type=ASSERTION_TYPE)
    assert read_client_credentials([], whole) == AssertionCredentials("a.b.c")
    for part in ({"client_assertion": "a.b.c"}, {"client_assertion_type": ASSERTION_TYPE}):
        assert isinstance(read_client_credentials([], form(**part)), UnusableCredentials)
    other = form(client_assertion="a.b.c", client_assertion_type="urn:x:saml2-bearer")
    assert isinstance(read_client_credentials([], other), UnusableCredentials)


PARTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\x7f", exclude_categories=["Cc"]), min_size=1
)


@given(PARTS, PARTS)
def test_whatever_a_client_encodes_is_read(client_id: str, secret: str) -> None:
    """RFC 6749 §2.3.1: both parts go through the form encoding, so that colons and letters of any kind survive."""
    header = basic(f"{quote_plus(client_id)}:{quote_plus(secret)}")
    assert read_client_credentials([header], form()) == BasicCredentials(client_id, secret)


@given(st.binary(max_size=60), st.booleans())
def test_whatever_the_header_a_value_comes_out(octets: bytes, is_encoded: bool) -> None:
    """No exception, whether the header or what it encodes is nonsense."""
    header = basic(octets) if is_encoded else (b"authorization", b"Basic " + octets)
    assert isinstance(read_client_credentials([header], form()), BasicCredentials | UnusableCredentials)


def test_nothing_is_nobody() -> None:
    """T32, CA-13: a client_id alone authenticates no one."""
    assert read_client_credentials([], form(client_id="agent")) == NoCredentials()


def test_no_secret_is_ever_shown() -> None:
    """What is logged by mistake shows no secret."""
    for credentials in (
        BasicCredentials("agent", SECRET),
        PostCredentials("agent", SECRET),
        AssertionCredentials(SECRET),
    ):
        assert SECRET not in repr(credentials)
