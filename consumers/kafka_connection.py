"""From the settings to the arguments that every client of kafka-python takes; what contradicts itself is told here.

Nothing is connected: a mistake is found at start, whether or not a broker answers.
"""

from __future__ import annotations

import logging
import re
import ssl
from pathlib import Path
from typing import Any, Final

from consumers.errors import StreamMisconfigured
from consumers.secret_files import read_secret, read_secret_line
from consumers.settings import StreamSettings

_PROTOCOLS: Final = {
    "plaintext": "PLAINTEXT",
    "tls": "SSL",
    "sasl_tls": "SASL_SSL",
    "sasl_plaintext": "SASL_PLAINTEXT",
}
_MECHANISMS: Final = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")
_SERVER: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")
_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
CLIENT_ID: Final = "counterfoil"

Arguments = dict[str, Any]
"""Keyword arguments that KafkaProducer, KafkaConsumer, KafkaAdminClient and the connections below them all take."""


def connection_arguments(settings: StreamSettings) -> Arguments:
    """Where the brokers are and how to be let in. Raises StreamMisconfigured, naming the variable."""
    security = settings.kafka_security
    if security not in _PROTOCOLS:
        raise StreamMisconfigured(
            f"COUNTERFOIL_KAFKA_SECURITY must be {', '.join(_PROTOCOLS)}, not {security!r}"
        )
    check_topics(settings)
    arguments: Arguments = {
        "bootstrap_servers": _servers(settings.kafka_servers),
        "client_id": CLIENT_ID,
        "security_protocol": _PROTOCOLS[security],
    }
    if security.endswith("tls"):
        arguments["ssl_context"] = _tls(settings)
    else:
        _refuse(settings, ("kafka_ca_file", "kafka_certificate_file", "kafka_key_file"), "tls or sasl_tls")
    if security.startswith("sasl"):
        return arguments | _sasl(settings)
    _refuse(
        settings, ("kafka_username", "kafka_password", "kafka_password_file"), "sasl_tls or sasl_plaintext"
    )
    return arguments


def check_topics(settings: StreamSettings) -> None:
    """The names must be names of topics, and three different ones. Raises StreamMisconfigured."""
    names: dict[str, str] = {}
    for field in ("kafka_topic", "kafka_position_topic", "kafka_dlq_topic"):
        name, variable = getattr(settings, field), _variable(field)
        if not _TOPIC.fullmatch(name) or name in (".", ".."):
            raise StreamMisconfigured(
                f"{variable} must be 1 to 249 letters, digits, dots, dashes or underscores"
            )
        if name in names:
            raise StreamMisconfigured(f"{variable} and {names[name]} name the same topic, {name}")
        names[name] = variable


def hush_client_log() -> None:
    """kafka-python reports every attempt to connect as an error; its users here say once that an outage began."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)


def _servers(text: str) -> list[str]:
    servers = [part.strip() for part in text.split(",") if part.strip()]
    if not servers:
        raise StreamMisconfigured("COUNTERFOIL_KAFKA_SERVERS is not set: name brokers, as host:port")
    for server in servers:
        found = _SERVER.fullmatch(server)
        if found is None or not 0 < int(found[2]) < 65_536:
            raise StreamMisconfigured(f"COUNTERFOIL_KAFKA_SERVERS must be host:port, not {server!r}")
    return servers


def _tls(settings: StreamSettings) -> ssl.SSLContext:
    """Brokers are always checked, by certificate and by name."""
    if settings.kafka_key_file and not settings.kafka_certificate_file:
        raise StreamMisconfigured("COUNTERFOIL_KAFKA_KEY_FILE needs COUNTERFOIL_KAFKA_CERTIFICATE_FILE")
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise StreamMisconfigured(
            f"COUNTERFOIL_KAFKA_CA_FILE: cannot use {settings.kafka_ca_file}: {_said(error)}"
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.kafka_certificate_file:
        _present(context, settings)
    return context


def _present(context: ssl.SSLContext, settings: StreamSettings) -> None:
    """The certificate of this client; its key is in a file of its own, or in the same."""
    named_by = "kafka_key_file" if settings.kafka_key_file else "kafka_certificate_file"
    key = Path(getattr(settings, named_by))
    read_secret(key, _variable(named_by))
    try:
        # Without a password to ask for, OpenSSL would ask the terminal.
        context.load_cert_chain(settings.kafka_certificate_file, key, password="")
    except (OSError, ssl.SSLError, ValueError) as error:
        raise StreamMisconfigured(
            f"COUNTERFOIL_KAFKA_CERTIFICATE_FILE and its key ({_variable('kafka_key_file')}) cannot be used: "
            f"{_said(error)}"
        ) from None


def _sasl(settings: StreamSettings) -> Arguments:
    mechanism = settings.kafka_sasl_mechanism
    if mechanism not in _MECHANISMS:
        raise StreamMisconfigured(
            f"COUNTERFOIL_KAFKA_SASL_MECHANISM must be {', '.join(_MECHANISMS)}, not {mechanism!r}"
        )
    if mechanism == "PLAIN" and settings.kafka_security == "sasl_plaintext":
        raise StreamMisconfigured(
            "COUNTERFOIL_KAFKA_SASL_MECHANISM is PLAIN, which would send the password in the clear: "
            "set COUNTERFOIL_KAFKA_SECURITY to sasl_tls"
        )
    if not settings.kafka_username:
        raise StreamMisconfigured(
            f"COUNTERFOIL_KAFKA_USERNAME is not set, and COUNTERFOIL_KAFKA_SECURITY is {settings.kafka_security}"
        )
    return {
        "sasl_mechanism": mechanism,
        "sasl_plain_username": settings.kafka_username,
        "sasl_plain_password": _password(settings),
    }


def _password(settings: StreamSettings) -> str:
    if settings.kafka_password and settings.kafka_password_file:
        raise StreamMisconfigured(
            "both COUNTERFOIL_KAFKA_PASSWORD and COUNTERFOIL_KAFKA_PASSWORD_FILE are set: keep one of them"
        )
    if settings.kafka_password_file:
        return read_secret_line(Path(settings.kafka_password_file), "COUNTERFOIL_KAFKA_PASSWORD_FILE")
    if not settings.kafka_password:
        raise StreamMisconfigured(
            "COUNTERFOIL_KAFKA_PASSWORD_FILE or COUNTERFOIL_KAFKA_PASSWORD must be set for SASL"
        )
    return settings.kafka_password


def _refuse(settings: StreamSettings, fields: tuple[str, ...], needed: str) -> None:
    """What would have no effect is a mistake: somebody believes that the connection is protected."""
    for field in fields:
        if getattr(settings, field):
            raise StreamMisconfigured(
                f"{_variable(field)} is set, but COUNTERFOIL_KAFKA_SECURITY is {settings.kafka_security}: "
                f"set that to {needed}"
            )


def _variable(field: str) -> str:
    return f"COUNTERFOIL_{field.upper()}"


def _said(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
