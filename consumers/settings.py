"""Settings of the stream: Kafka, the sinks, the metrics. Each is the variable `COUNTERFOIL_<FIELD IN UPPER CASE>`.

They are read with the rest (`api/settings.py`); the docstrings are the reference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """What `publish`, `stream`, `kafka`, `dlq` and `audit verify` need beside the store."""

    kafka_servers: str = ""
    """Brokers to begin with: `host:port`, separated by commas."""
    kafka_topic: str = "counterfoil.audit.v1"
    """The topic of the audit stream."""
    kafka_position_topic: str = "counterfoil.audit.position"
    """The compacted topic in which the publisher keeps its position."""
    kafka_dlq_topic: str = "counterfoil.audit.dlq.v1"
    """The topic for records that a sink can never take."""
    kafka_partitions: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 6
    """Partitions of the audit topic, fixed for its life: chains would change places."""
    kafka_replication: Annotated[int, msgspec.Meta(ge=1, le=9)] = 3
    """Replicas of each topic; with 3, two of them must have a record before it counts."""
    kafka_security: str = "plaintext"
    """`plaintext`, `tls`, `sasl_tls` or `sasl_plaintext`."""
    kafka_ca_file: str = ""
    """CA certificates (PEM) that brokers are checked against; the system's unless set."""
    kafka_certificate_file: str = ""
    """Client certificate (PEM), where brokers ask for one."""
    kafka_key_file: str = ""
    """Its private key (PEM), which only its owner may read."""
    kafka_sasl_mechanism: str = "SCRAM-SHA-512"
    """`SCRAM-SHA-512`, `SCRAM-SHA-256` or `PLAIN`."""
    kafka_username: str = ""
    """SASL user."""
    kafka_password: str = field(default="", repr=False)
    """SASL password."""
    kafka_password_file: str = ""
    """A file with the password, which only its owner may read, instead of the password itself."""
    sinks: str = ""
    """The file (TOML) that says where the stream is delivered."""
    metrics_host: str = "127.0.0.1"
    """Address on which `publish` and `stream` offer Prometheus metrics."""
    metrics_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    """Port of the metrics; 0 offers none."""
