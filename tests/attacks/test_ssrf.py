"""A `jwks_uri` must not become a way into this network, nor a way to stop this service (S-01)."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from api.jwks_fetcher import DEADLINE, MAX_BODY, JwksFetcher, JwksUnavailable
from api.public_addresses import is_public
from api.signing_keys import SigningKey
from tests.attacks.loopback_issuer import Answer, key_set, response, serving

KEY: Final = SigningKey.generate("ES256")
ALGORITHMS: Final = ("ES256", "RS256")
TLS: Final = ssl.create_default_context()
"""What a fetcher has by default, made once: reading the authorities takes time."""
PUBLIC: Final = "93.184.216.34"
"""Only ever looked at, never connected to."""

# Each is another way to write or to reach something that is not on the public Internet.
FORBIDDEN_ADDRESSES: Final = """
    127.0.0.1 127.8.8.8 0.0.0.0 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 100.100.100.200
    192.0.0.192 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 192.88.99.1 168.63.129.16 224.0.0.1 239.1.1.1
    240.0.0.1 255.255.255.255 ::1 :: fe80::1 fe80::1%eth0 fc00::1 fd00:ec2::254 fec0::1 ff02::1 ::127.0.0.1
    ::ffff:127.0.0.1 ::ffff:8.8.8.8 64:ff9b::7f00:1 64:ff9b::8.8.8.8 64:ff9b:1::1 2002:7f00:1:: 2002:808:808::
    2001::1 2001:0:7f00:1:: 2001:db8::1 3fff::1 100::1 4000::1
"""
FORBIDDEN_URIS: Final = """
    http://issuer.example/ https://127.0.0.1/ https://127.1/ https://2130706433/ https://0x7f000001/ https://0x7f.1/
    https://0177.0.0.1/ https://017700000001/ https://127.0.0.1./ https://localhost./ https://issuer.example./
    https://169.254.169.254/latest/meta-data https://0/ https://0.0.0.0/ https://[::1]/ https://[::]/
    https://[::ffff:127.0.0.1]/ https://[::ffff:7f00:1]/ https://[fe80::1%25eth0]/ https://[fe80::1%eth0]/
    https://[v1.x]/ https://[::1/ https://1.2.3.4.5/ https://issuer.0x7f/ https://user@issuer.example/
    https://issuer.example@127.0.0.1/ https://issuer.example\\@127.0.0.1/ https://issuer.example#@127.0.0.1/
    https://issuer%2eexample/ https://issuer..example/ https://-issuer.example/ https://issuer.example:0/
    https://issuer.example:99999/ https://issuer.example:x/ https:///jwks https:jwks //issuer.example/ issuer.example
    file:///etc/passwd gopher://127.0.0.1:25/ ftp://issuer.example/ data:application/json,{} ws://issuer.example/
    https://\u2460\u2461\u2466.0.0.1/ https://\uff4cocalhost/
"""


def why_unavailable(uri: str, fetcher: JwksFetcher) -> str | None:
    """The reason for which there are no keys, or None."""
    return asyncio.run(reason(uri, fetcher))


async def reason(uri: str, fetcher: JwksFetcher) -> str | None:
    """The same, inside an event loop."""
    try:
        await fetcher.fetch(uri, ALGORITHMS)
    except JwksUnavailable as unavailable:
        return unavailable.reason
    return None


def resolving(*answers: Sequence[str]) -> tuple[Callable[[str, int], Awaitable[Sequence[str]]], list[str]]:
    """A resolver that gives one answer after the other, the last one for ever, and the names it was asked for."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return resolve, asked


def answered(answer: Answer, deadline: float = DEADLINE) -> str | None:
    """What comes of fetching from a loopback server that gives this answer."""

    async def fetch() -> str | None:
        async with serving(answer) as issuer:
            return await reason(issuer.uri, JwksFetcher(tls=TLS, allow_loopback=True, deadline=deadline))

    return asyncio.run(fetch())


@pytest.mark.parametrize(
    "uri", [*FORBIDDEN_URIS.split(), "", "https://issuer.example/\n", "https://a/" + "x" * 2048]
)
def test_s01_a_uri_with_a_forbidden_or_ambiguous_host_is_refused_unasked(uri: str) -> None:
    """S-01: no name is looked up and nothing connected to for what is wrong on its face."""
    resolve, asked = resolving([PUBLIC])
    assert why_unavailable(uri, JwksFetcher(tls=TLS, resolve=resolve)) == "uri"
    assert asked == []


@pytest.mark.parametrize("address", FORBIDDEN_ADDRESSES.split())
def test_s01_a_name_that_leads_to_a_forbidden_address_is_refused(address: str) -> None:
    """S-01: private, special and disguised addresses, alone or behind a public one."""
    for found in ([address], [PUBLIC, address]):
        resolve, _ = resolving(found)
        assert (
            why_unavailable("https://issuer.example/jwks", JwksFetcher(tls=TLS, resolve=resolve)) == "address"
        )


def test_s01_what_a_resolver_may_say_besides_addresses_is_refused() -> None:
    """S-01: nothing found, or text that only a C library would take for an address."""
    for found, expected in (
        ([], "unresolved"),
        (["127.1"], "address"),
        (["0x7f000001"], "address"),
        ([""], "address"),
    ):
        resolve, _ = resolving(found)
        assert why_unavailable("https://issuer.example/", JwksFetcher(tls=TLS, resolve=resolve)) == expected


def test_s01_public_addresses_are_public() -> None:
    """S-01: the check does not refuse everything."""
    for address in (PUBLIC, "8.8.8.8", "2606:4700:4700::1111", "2a00:1450:4001:830::200e"):
        assert is_public(ip_address(address)), address


def test_s01_the_systems_own_name_for_this_machine_is_refused() -> None:
    """S-01: `localhost` through the real resolver, over https, without the flag."""
    assert why_unavailable("https://localhost/jwks", JwksFetcher()) == "address"


def test_s01_the_loopback_flag_allows_loopback_and_nothing_else() -> None:
    """S-01: with it, plain http still never leaves the machine, and private networks stay forbidden."""
    for uri, found in (
        ("http://issuer.example/", [PUBLIC]),
        ("http://issuer.example/", ["127.0.0.1", PUBLIC]),
        ("https://issuer.example/", ["10.0.0.1"]),
        ("https://issuer.example/", ["::ffff:127.0.0.1"]),
        ("https://issuer.example/", ["0.0.0.0"]),
    ):
        resolve, _ = resolving(found)
        assert (
            why_unavailable(uri, JwksFetcher(tls=TLS, resolve=resolve, allow_loopback=True)) == "address"
        ), (
            uri,
            found,
        )
    for uri in (
        "http://8.8.8.8/",
        "http://10.0.0.1/",
        "https://10.0.0.1/",
        "http://0.0.0.0/",
        "http://[::ffff:7f00:1]/",
    ):
        assert why_unavailable(uri, JwksFetcher(tls=TLS, allow_loopback=True)) == "uri", uri


def test_s01_keys_are_fetched_with_one_plain_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """S-01: the good case: one GET, no proxy taken from the environment, unusable keys left out."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    jwks = ({"kty": "oct", "k": "AA"}, None, KEY.public_jwk(), {"kty": "RSA", "use": "enc"})

    async def fetch() -> None:
        async with serving(key_set(*jwks)) as issuer:
            found = await JwksFetcher(tls=TLS, allow_loopback=True).fetch(issuer.uri + "?a=b", ALGORITHMS)
            assert found.keys == (KEY.verification_key(),)
            (request,) = issuer.requests
            assert request.startswith(b"GET /jwks?a=b HTTP/1.1\r\n")
            assert f"Host: 127.0.0.1:{issuer.port}\r\n".encode() in request

    asyncio.run(fetch())


def test_s01_a_name_is_looked_up_once_and_cannot_change_in_between() -> None:
    """S-01: DNS rebinding: the address that was checked is the one connected to; the next fetch checks anew."""

    async def fetch() -> None:
        resolve, asked = resolving(["127.0.0.1"], ["169.254.169.254"])
        fetcher = JwksFetcher(tls=TLS, resolve=resolve, allow_loopback=True)
        async with serving(key_set(KEY.public_jwk())) as issuer:
            uri = f"http://issuer.example:{issuer.port}/"
            assert await reason(uri, fetcher) is None
            assert (asked, len(issuer.requests)) == (["issuer.example"], 1)
            assert f"Host: issuer.example:{issuer.port}\r\n".encode() in issuer.requests[0]
            assert await reason(uri, fetcher) == "address"
            assert (len(asked), len(issuer.requests)) == (2, 1)

    asyncio.run(fetch())


def test_a_dead_address_leaves_time_for_the_next() -> None:
    """All addresses are checked first, then tried in turn."""

    async def fetch() -> None:
        resolve, _ = resolving(["127.0.0.2", "127.0.0.1"])
        async with serving(key_set(KEY.public_jwk())) as issuer:
            uri = f"http://issuer.example:{issuer.port}/"
            assert await reason(uri, JwksFetcher(tls=TLS, resolve=resolve, allow_loopback=True)) is None

    asyncio.run(fetch())


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
def test_s01_a_redirect_is_not_followed(status: str) -> None:
    """S-01: wherever it points, the answer is not a key set and nobody else is asked."""

    async def fetch() -> None:
        async with serving(key_set(KEY.public_jwk())) as inside:
            moved = response(b"", f"HTTP/1.1 {status}\r\nLocation: {inside.uri}")
            async with serving(moved) as issuer:
                assert await reason(issuer.uri, JwksFetcher(tls=TLS, allow_loopback=True)) == "status"
            assert inside.requests == []

    asyncio.run(fetch())


@pytest.mark.parametrize(
    "head", ["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", "HTTP/1.1 200 OK\r\nX-", ""]
)
def test_s01_an_answer_in_drips_ends_at_the_deadline(head: str) -> None:
    """S-01: the time is for everything together, so that a byte now and then does not extend it; 3 s as delivered."""

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(head.encode())
        while head:
            writer.write(b"x")
            await asyncio.sleep(0.02)
        await asyncio.sleep(30)

    assert answered(drip, deadline=0.3) == "deadline"
    assert DEADLINE == 3.0


def test_s01_a_slow_resolver_ends_at_the_deadline() -> None:
    """S-01: looking the name up counts as well."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(30)
        return [PUBLIC]

    assert (
        why_unavailable("https://issuer.example/", JwksFetcher(tls=TLS, resolve=resolve, deadline=0.1))
        == "deadline"
    )


@pytest.mark.parametrize(
    "framing", ["Content-Length: 1073741824", "Transfer-Encoding: chunked", "Connection: close"]
)
def test_s01_a_body_of_a_gigabyte_is_given_up_early(framing: str) -> None:
    """S-01: after 256 KB the connection is closed; how long the body says it is does not matter."""
    sent = 0

    async def stream(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        block = b" " * 65_536
        writer.write(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode())
        while sent < 2**30:
            writer.write(b"10000\r\n" + block + b"\r\n" if "chunked" in framing else block)
            sent += len(block)
            await writer.drain()

    assert answered(stream) == "too_large"
    assert sent < 2**26  # what fits into the sockets' buffers
    assert MAX_BODY == 256 * 1024


def test_s01_the_largest_body_is_read() -> None:
    """S-01: the limit itself is allowed."""
    body = json.dumps({"keys": [KEY.public_jwk()]}).encode()
    assert answered(response(body.ljust(MAX_BODY))) is None
    assert answered(response(body.ljust(MAX_BODY + 1))) == "too_large"


def test_s01_a_compressed_body_is_refused() -> None:
    """S-01: it was not asked for, and a bomb is not unpacked."""
    bomb = gzip.compress(bytes(10_000_000))
    assert answered(response(bomb, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip")) == "content_encoding"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<html></html>", "not_json"),
        (b"", "not_json"),
        (b"[]", "not_json"),
        (b"[" * 100_000, "not_json"),
        (b'{"keys":[],"keys":[]}', "not_json"),
        (b"\xff", "not_json"),
        (b"{}", "not_a_key_set"),
        (b'{"keys":{}}', "not_a_key_set"),
        (b'{"keys":"x"}', "not_a_key_set"),
        (json.dumps({"keys": [KEY.public_jwk()] * 2}).encode(), "not_a_key_set"),
        (json.dumps({"keys": [{}] * 101}).encode(), "not_a_key_set"),
        (json.dumps({"keys": [{"kty": "oct"}] * 10_000}).encode(), "not_a_key_set"),
        (b'{"keys":[]}', None),
        (json.dumps({"keys": [{}] * 100}).encode(), None),
    ],
    ids=lambda value: None if value is None or isinstance(value, str) else f"{value[:20].decode('latin-1')}",
)
def test_s01_a_body_that_is_no_key_set_is_refused(body: bytes, expected: str | None) -> None:
    """S-01: no JSON, JSON of another shape, ambiguous keys, and ten thousand of them."""
    assert answered(response(body)) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000,
    ],
    ids=["nothing", "another protocol", "cut short", "endless header"],
)
def test_s01_what_does_not_speak_http_is_an_outage(text: bytes) -> None:
    """S-01: whatever listens there, no answer of its gets out and no other exception comes of it."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(text)

    assert answered(answer) == "connection"


def test_s01_error_answers_are_no_keys() -> None:
    """S-01: only 200 is read."""
    body = json.dumps({"keys": [KEY.public_jwk()]}).encode()
    for status in ("201 Created", "204 No Content", "206 Partial Content", "404 Not Found", "500 Oops"):
        assert (
            answered(response(b"" if status.startswith("204") else body, f"HTTP/1.1 {status}")) == "status"
        ), status


def test_s01_tls_verifies_the_name_though_the_address_is_given(tmp_path: Path) -> None:
    """S-01: the certificate must be for the host in the URI, which is sent as SNI, and of a known authority."""
    server, client = tls_for("issuer.example", tmp_path)
    names: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: names.append(name)

    async def fetch() -> None:
        resolve, _ = resolving(["127.0.0.1"])
        trusting = JwksFetcher(resolve=resolve, tls=client, allow_loopback=True)
        async with serving(key_set(KEY.public_jwk()), server) as issuer:
            assert await reason(f"https://issuer.example:{issuer.port}/", trusting) is None
            assert names == ["issuer.example"]
            assert await reason(f"https://other.example:{issuer.port}/", trusting) == "connection"
            assert await reason(f"https://127.0.0.1:{issuer.port}/", trusting) == "connection"
            untrusting = JwksFetcher(tls=TLS, resolve=resolve, allow_loopback=True)
            assert await reason(f"https://issuer.example:{issuer.port}/", untrusting) == "connection"
            assert len(issuer.requests) == 1

    asyncio.run(fetch())


def tls_for(name: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for `name`, and a client's that trusts it and nothing else."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=True)
        .sign(key, SHA256())
    )
    chain = folder / "server.pem"
    pem = certificate.public_bytes(Encoding.PEM)
    chain.write_bytes(pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain)
    return server, ssl.create_default_context(cadata=pem.decode())
