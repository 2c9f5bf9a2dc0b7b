"""What a Kafka for tests and its clients prove themselves with: certificates, a user and a password, new for each."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from tests.servers.certificate_authority import CertificateAuthority

MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """PEM files; private keys only their owner may read."""

    authority: Path
    """The certificate that all others were signed with: `kafka_ca_file`."""
    server_store: Path
    """A broker's private key, certificate and authority in one file, as Kafka wants them."""
    client_key: Path
    client_certificate: Path
    username: str
    password: str

    @property
    def scram(self) -> list[str]:
        """The options with which a node's data folder comes to know the user."""
        return [
            option
            for mechanism in MECHANISMS
            for option in ("--add-scram", f"{mechanism}=[name={self.username},password={self.password}]")
        ]


def new_credentials(folder: Path) -> Credentials:
    """Writes the files into that folder."""
    authority = CertificateAuthority()
    server_key, server_certificate = authority.loopback_server()
    client_key, client_certificate = authority.client("counterfoil-test")
    return Credentials(
        authority=_write(folder / "ca.pem", authority.pem),
        server_store=_write(folder / "server-store.pem", server_key + server_certificate + authority.pem),
        client_key=_write(folder / "client.key", client_key),
        client_certificate=_write(folder / "client.pem", client_certificate),
        username=f"user-{secrets.token_hex(4)}",
        # Hexadecimal: it goes through Kafka's own syntax for options.
        password=secrets.token_hex(12),
    )


def _write(path: Path, content: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path
