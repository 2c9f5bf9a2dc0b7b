"""The certificates of test servers convince a client that is as strict as can be, and no other."""

from __future__ import annotations

import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from tests.servers.certificate_authority import CertificateAuthority


def shake_hands(
    folder: Path, authority: CertificateAuthority, trusted: CertificateAuthority, name: str
) -> None:
    """A TLS handshake in memory with a server that `authority` has certified. Raises ssl.SSLError."""
    key, certificate = authority.loopback_server()
    (folder / "server.pem").write_bytes(key + certificate)
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(folder / "server.pem")
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.load_verify_locations(cadata=trusted.pem.decode())
    client_context.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    assert client.version() == "TLSv1.3"


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_a_strict_client_trusts_a_loopback_server(name: str, tmp_path: Path) -> None:
    """Chain, name and the extensions that RFC 5280 asks for."""
    authority = CertificateAuthority()
    shake_hands(tmp_path, authority, authority, name)


@pytest.mark.parametrize("name", ["localhost.example", "127.0.0.2"])
def test_no_other_name_is_proved(name: str, tmp_path: Path) -> None:
    """A server elsewhere would need a certificate of its own."""
    authority = CertificateAuthority()
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake_hands(tmp_path, authority, authority, name)


def test_another_authority_of_the_same_name_proves_nothing(tmp_path: Path) -> None:
    """Each one has its own key."""
    with pytest.raises(ssl.SSLCertVerificationError, match="verify failed"):
        shake_hands(tmp_path, CertificateAuthority(), CertificateAuthority(), "localhost")
