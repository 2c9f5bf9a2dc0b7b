"""Attacks on HTTP and parsing: catalogue 1.4, at the running server."""

from __future__ import annotations

import pytest

from tests.service_under_test import ServiceUnderTest, check_error

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
POSTED = ["/oauth/token", "/oauth/revoke", "/oauth/introspect"]
READ = [
    "/.well-known/oauth-authorization-server",
    "/.well-known/jwks.json",
    "/healthz",
    "/readyz",
    "/openapi.json",
]


@pytest.mark.parametrize("path", [*POSTED, "/admin/revoke"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
def test_t1_h_07_only_post_acts(sut: ServiceUnderTest, path: str, method: str) -> None:
    """A token in a query string is never read."""
    with sut.gains():
        answer = sut.http.request(method, f"{path}?token=eyJx&grant_type=client_credentials")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", POSTED)
@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b'{"grant_type":"client_credentials"}', "application/json"),
        (b"grant_type=client_credentials", "text/plain"),
        (b"grant_type=client_credentials", "application/x-www-form-urlencoded; charset=utf-16"),
        (
            b"--x\r\nContent-Disposition: form-data; name=grant_type; filename=a\r\n\r\nx\r\n--x--",
            "multipart/form-data; boundary=x",
        ),
        (b"grant_type=a&grant_type=b", "application/x-www-form-urlencoded"),
        (b"token=%ff", "application/x-www-form-urlencoded"),
        (b"token=%00", "application/x-www-form-urlencoded"),
        (b"token=%zz", "application/x-www-form-urlencoded"),
        (b"&".join(b"p%d=x" % number for number in range(5000)), "application/x-www-form-urlencoded"),
    ],
)
def test_h_01_to_h_05_bodies_that_are_not_forms(
    sut: ServiceUnderTest, path: str, content: bytes, content_type: str
) -> None:
    """Refused before anybody is authenticated, and only counted."""
    with sut.gains():
        answer = sut.http.post(path, content=content, headers={"Content-Type": content_type})
        check_error(answer, 400, "invalid_request")


@pytest.mark.parametrize("size", [65_537, 1_000_000, 20_000_000])
def test_h_05_a_body_that_is_too_large(sut: ServiceUnderTest, size: int) -> None:
    """Told by its length alone, or cut off while it comes in."""
    answer = sut.http.post("/oauth/token", content=b"token=" + b"x" * size, headers=FORM)
    check_error(answer, 413, "invalid_request")

    def drip() -> object:
        for _ in range(size // 10_000 + 1):
            yield b"x" * 10_000

    try:
        streamed = sut.http.post("/oauth/token", content=drip(), headers=FORM)  # type: ignore[arg-type]
        assert streamed.status_code == 413
    except OSError:
        pass


def test_t3_t4_t8_grants_and_unknown_parameters(sut: ServiceUnderTest) -> None:
    """Missing, unknown, and fields nobody knows."""
    check_error(sut.token("agent", grant_type="password"), 400, "unsupported_grant_type")
    check_error(sut.token("agent", grant_type="authorization_code", code="x"), 400, "unsupported_grant_type")
    answer = sut.token("agent", grant_type="client_credentials", audience="agent", options="x", client_id="")
    assert answer.status_code == 200


def test_t3_no_grant_type_at_all(sut: ServiceUnderTest) -> None:
    """RFC 6749 §5.2 `invalid_request`."""
    check_error(sut.token("agent", audience="agent"), 400, "invalid_request")


def test_r1_to_r7_what_a_yes_looks_like(sut: ServiceUnderTest) -> None:
    """RFC 6749 §5.1, RFC 8693 §2.2.1: exactly these members, never cached."""
    answer = sut.exchange(
        "travel", sut.first(), "agent", requested_token_type="urn:ietf:params:oauth:token-type:jwt"
    )
    body = answer.json()
    assert set(body) == {"access_token", "issued_token_type", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["issued_token_type"]) == (
        "Bearer",
        "urn:ietf:params:oauth:token-type:jwt",
    )
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert "access-control-allow-origin" not in answer.headers
    assert "server" not in answer.headers
    assert isinstance(body["expires_in"], int)
    assert isinstance(body["scope"], str)


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded;charset=UTF-8", "application/x-www-form-urlencoded; charset=utf-8"],
)
def test_5_10_what_real_clients_send(sut: ServiceUnderTest, content_type: str) -> None:
    """A charset with or without a space, empty optional parameters, `Accept: text/html`."""
    empty = "actor_token=&actor_token_type=&requested_token_type=&client_id="
    body = f"grant_type=client_credentials&audience=agent&{empty}"
    answer = sut.http.post(
        "/oauth/token",
        content=body,
        headers={"Content-Type": content_type, "Accept": "text/html, image/gif, */*"},
        auth=("agent", sut.secrets["agent"]),  # type: ignore[index]
    )
    assert answer.status_code == 200


def test_h_10_no_header_changes_the_issuer(sut: ServiceUnderTest) -> None:
    """It comes from the policy alone."""
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    document = sut.http.get("/.well-known/oauth-authorization-server", headers=headers).json()
    assert document["issuer"] == sut.url
    assert "evil" not in str(document)


def test_origins_are_recorded_and_not_believed(sut: ServiceUnderTest) -> None:
    """`X-Forwarded-For` of a caller that is no trusted proxy is ignored; `traceparent` is kept if it is one."""
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"X-Forwarded-For": "198.51.100.7", "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    before = sut.position()
    form = {"grant_type": "client_credentials", "audience": "agent"}
    answer = sut.http.post("/oauth/token", data=form, auth=("agent", sut.secrets["agent"]), headers=headers)  # type: ignore[index]
    origin = sut.events_after(before)[0].origin
    assert (origin.address, origin.trace) == ("127.0.0.1", trace)
    assert origin.request == answer.headers["x-request-id"]
    headers["traceparent"] = "00-nonsense-01"
    sut.http.post("/oauth/token", data=form, auth=("agent", sut.secrets["agent"]), headers=headers)  # type: ignore[index]
    assert sut.events_after(before)[-1].origin.trace is None


@pytest.mark.parametrize("path", READ)
def test_documents_are_served(sut: ServiceUnderTest, path: str) -> None:
    """JSON, and readable by anybody."""
    answer = sut.http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert sut.http.post(path).status_code == 405


def test_unknown_routes_and_the_authorization_endpoint(sut: ServiceUnderTest) -> None:
    """Clean errors; nobody signs in here."""
    assert sut.http.get("/nowhere").json() == {"error": "not_found"}
    assert sut.http.get("/oauth/authorize").json()["error"] == "unsupported_response_type"
    assert sut.http.get("/oauth/token/../admin").status_code == 404


def test_t29_t30_a_failed_authentication_is_a_401_with_its_challenge(sut: ServiceUnderTest) -> None:
    """RFC 6749 §5.2, the same on every endpoint."""
    for path in POSTED:
        answer = sut.http.post(path, data={"token": "x", "grant_type": "client_credentials"})
        check_error(answer, 401, "invalid_client")
        assert answer.headers["www-authenticate"].startswith("Basic ")
