"""The Kafka of the tests proves its name, and lets in who has the right certificate or the right password."""

from __future__ import annotations

import logging
import re
import stat
import time
from pathlib import Path
from typing import Final

import pytest
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from consumers.settings import StreamSettings
from tests.servers.certificate_authority import CertificateAuthority
from tests.servers.kafka_access import client_options
from tests.servers.kafka_server import KafkaServer

BAD_CERTIFICATE: Final = r"alert (bad certificate|certificate unknown|certificate required|unknown ca)"


def nodes_seen(settings: StreamSettings, *, seconds: float = 60) -> list[int]:
    """As a client with these settings sees them. Raises KafkaError when it was not let in for that long."""
    client = KafkaAdminClient(**client_options(settings), bootstrap_timeout_ms=int(seconds * 1000))
    try:
        return [broker["broker_id"] for broker in client.describe_cluster()["brokers"]]
    finally:
        client.close()


def assert_refused(settings: StreamSettings, reason: str, caplog: pytest.LogCaptureFixture) -> None:
    """For that reason, which the client tells nobody but its log."""
    # A command of ours that ran in this process before may have silenced it.
    caplog.set_level(logging.WARNING, logger="kafka")
    deadline = time.monotonic() + 60
    while not re.search(reason, caplog.text):
        assert time.monotonic() < deadline, caplog.text
        with pytest.raises(KafkaError):
            nodes_seen(settings, seconds=2)


@pytest.mark.parametrize("security", ["plaintext", "tls", "sasl_tls"])
def test_every_listener_lets_in_whoever_has_its_settings(
    security: str, own_kafka_server: KafkaServer
) -> None:
    """One server, three ways in."""
    assert nodes_seen(own_kafka_server.access.settings(security)) == [1]


def test_the_older_mechanism_works_too(own_kafka_server: KafkaServer) -> None:
    """SCRAM-SHA-256, for the same user."""
    settings = own_kafka_server.access.settings("sasl_tls", kafka_sasl_mechanism="SCRAM-SHA-256")
    assert nodes_seen(settings) == [1]


@pytest.mark.parametrize("wrong", ["kafka_username", "kafka_password"])
def test_a_wrong_password_is_refused(
    wrong: str, own_kafka_server: KafkaServer, caplog: pytest.LogCaptureFixture
) -> None:
    """And so is a user whom nobody knows."""
    settings = own_kafka_server.access.settings("sasl_tls", **{wrong: "guessed"})
    assert_refused(settings, "due to invalid credentials with SASL mechanism SCRAM-SHA-512", caplog)


def test_without_a_certificate_of_its_own_a_client_stays_outside(
    own_kafka_server: KafkaServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The listener `tls` asks for one."""
    nobody = {"kafka_certificate_file": "", "kafka_key_file": ""}
    assert_refused(own_kafka_server.access.settings("tls", **nobody), BAD_CERTIFICATE, caplog)


def test_a_certificate_of_another_authority_is_refused(
    own_kafka_server: KafkaServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever can make certificates is not let in for that."""
    key, certificate = CertificateAuthority().client("stranger")
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "certificate.pem").write_bytes(certificate)
    stranger = {
        "kafka_key_file": str(tmp_path / "key.pem"),
        "kafka_certificate_file": str(tmp_path / "certificate.pem"),
    }
    assert_refused(own_kafka_server.access.settings("tls", **stranger), BAD_CERTIFICATE, caplog)


@pytest.mark.parametrize("security", ["tls", "sasl_tls"])
def test_another_authority_proves_nothing(
    security: str, own_kafka_server: KafkaServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that trusts somebody else does not connect."""
    other = tmp_path / "ca.pem"
    other.write_bytes(CertificateAuthority().pem)
    settings = own_kafka_server.access.settings(security, kafka_ca_file=str(other))
    assert_refused(settings, "certificate verify failed", caplog)


def test_private_keys_are_their_owners(own_kafka_server: KafkaServer) -> None:
    """The product refuses key files that others may read."""
    credentials = own_kafka_server.credentials
    for path in (credentials.client_key, credentials.server_store):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
