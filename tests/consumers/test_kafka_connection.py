"""From settings to what a Kafka client is given: contradictions are told at start, by the name of the variable."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from consumers.errors import StreamMisconfigured
from consumers.kafka_connection import connection_arguments
from consumers.settings import StreamSettings
from tests.servers.certificate_authority import CertificateAuthority

SASL = {"kafka_security": "sasl_tls", "kafka_username": "app", "kafka_password": "hunter2"}


def arguments(**given: Any) -> dict[str, Any]:
    return connection_arguments(StreamSettings(**{"kafka_servers": "one:9092, two:9093", **given}))


def password_file(folder: Path, content: str, mode: int = 0o600) -> dict[str, Any]:
    file = folder / "password"
    file.write_text(content)
    file.chmod(mode)
    return {"kafka_security": "sasl_tls", "kafka_username": "app", "kafka_password_file": str(file)}


def test_plain_connections_need_brokers_alone() -> None:
    """The least that can be said, and spaces after commas are no part of a name."""
    made = arguments()
    assert made["bootstrap_servers"] == ["one:9092", "two:9093"]
    assert made["security_protocol"] == "PLAINTEXT"
    assert not {name for name in made if name.startswith(("ssl", "sasl"))}


def test_tls_checks_certificate_and_name() -> None:
    """A broker that cannot prove its name is never spoken to."""
    context = arguments(kafka_security="tls")["ssl_context"]
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_client_certificate_is_loaded_from_files(tmp_path: Path) -> None:
    """Key and certificate in two files, the key readable by its owner alone."""
    key, certificate = CertificateAuthority().loopback_server()
    (tmp_path / "key.pem").touch(mode=0o600)
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "cert.pem").write_bytes(certificate)
    made = arguments(
        kafka_security="tls",
        kafka_certificate_file=str(tmp_path / "cert.pem"),
        kafka_key_file=str(tmp_path / "key.pem"),
    )
    assert isinstance(made["ssl_context"], ssl.SSLContext)


def test_sasl_takes_the_password_from_a_file_of_its_owner(tmp_path: Path) -> None:
    """One line, its end cut off."""
    made = arguments(**password_file(tmp_path, "correct horse\n"))
    assert made["security_protocol"] == "SASL_SSL"
    assert made["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (made["sasl_plain_username"], made["sasl_plain_password"]) == ("app", "correct horse")


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ({"kafka_servers": ""}, "KAFKA_SERVERS"),
        ({"kafka_servers": "one"}, "KAFKA_SERVERS"),
        ({"kafka_servers": "one:0"}, "KAFKA_SERVERS"),
        ({"kafka_servers": "one:99999"}, "KAFKA_SERVERS"),
        ({"kafka_security": "ssl"}, "KAFKA_SECURITY"),
        ({"kafka_topic": "a b"}, "KAFKA_TOPIC"),
        ({"kafka_topic": "same", "kafka_dlq_topic": "same"}, "KAFKA_DLQ_TOPIC"),
        ({"kafka_ca_file": "ca.pem"}, "KAFKA_CA_FILE"),
        ({"kafka_security": "tls", "kafka_ca_file": "missing.pem"}, "KAFKA_CA_FILE"),
        ({"kafka_security": "tls", "kafka_key_file": "key.pem"}, "KAFKA_KEY_FILE"),
        ({"kafka_security": "tls", "kafka_certificate_file": "no.pem"}, "KAFKA_CERTIFICATE_FILE"),
        ({"kafka_password": "hunter2"}, "KAFKA_PASSWORD"),
        ({"kafka_security": "tls", "kafka_username": "app"}, "KAFKA_USERNAME"),
        (SASL | {"kafka_username": ""}, "KAFKA_USERNAME"),
        (SASL | {"kafka_password": ""}, "KAFKA_PASSWORD_FILE"),
        (SASL | {"kafka_password_file": "also"}, "KAFKA_PASSWORD_FILE"),
        (SASL | {"kafka_sasl_mechanism": "GSSAPI"}, "KAFKA_SASL_MECHANISM"),
        (
            SASL | {"kafka_sasl_mechanism": "PLAIN", "kafka_security": "sasl_plaintext"},
            "KAFKA_SASL_MECHANISM",
        ),
    ],
)
def test_what_cannot_work_is_told_by_its_variable(given: dict[str, Any], variable: str) -> None:
    """Before anything is connected, and without the password."""
    with pytest.raises(StreamMisconfigured, match=f"COUNTERFOIL_{variable}") as told:
        arguments(**given)
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize("content", ["", "two\nwords\n", "\n"])
def test_a_password_file_holds_one_line(tmp_path: Path, content: str) -> None:
    """Anything else was written by mistake, and is not shown."""
    with pytest.raises(StreamMisconfigured, match="COUNTERFOIL_KAFKA_PASSWORD_FILE") as told:
        arguments(**password_file(tmp_path, content))
    assert "words" not in str(told.value)


def test_a_password_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """The text says which command puts it right, and nothing of what the file holds."""
    with pytest.raises(StreamMisconfigured, match=f"chmod 600 {tmp_path}/password") as told:
        arguments(**password_file(tmp_path, "correct horse\n", mode=0o644))
    assert "correct horse" not in str(told.value)
