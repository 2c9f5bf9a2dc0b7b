"""The sink for OTLP logs against a real OpenTelemetry Collector; with the faults, for its first build takes minutes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from consumers.sinks.otlp import Options, open_sink
from tests.consumers.receivers.sample_records import heartbeat, sample_records
from tests.servers.otel_collector import OtelCollector
from tests.servers.server_account import Unavailable

pytestmark = [
    pytest.mark.faults,
    pytest.mark.needs("go"),
    pytest.mark.xdist_group("collector"),
    pytest.mark.timeout(1200),
]


@pytest.fixture(scope="module")
def collector() -> Iterator[OtelCollector]:
    """One that takes requests of 100 kB."""
    try:
        started = OtelCollector()
    except Unavailable as missing:
        pytest.skip(str(missing))
    yield started
    started.stop()


def test_the_collector_understands_every_record(collector: OtelCollector) -> None:
    """Of every type, with all that is said of it; a batch that is too large for the collector arrives in parts."""
    records = [*sample_records(200), heartbeat(201)]
    sink = open_sink(Options(url=collector.url, plain_http=True))
    assert {verdict.kind for verdict in sink.deliver(records)} == {"accepted"}
    sink.close()
    deadline = time.monotonic() + 20
    while len(collector.records()) < len(records) and time.monotonic() < deadline:
        time.sleep(0.1)
    written = collector.records()
    assert [attributes(each)["event.id"] for each in written] == [record.id for record in records]
    assert [each["body"]["stringValue"].encode() for each in written] == [record.value for record in records]
    assert [each["eventName"] for each in written] == [
        f"counterfoil.audit.{record.type}" for record in records
    ]
    assert [attributes(each)["counterfoil.seq"] for each in written] == [
        str(record.seq) for record in records
    ]
    assert written[0]["timeUnixNano"] == "1795000001123000000"
    assert written[0]["severityNumber"] == 9


def attributes(record: dict[str, Any]) -> dict[str, str]:
    """By name."""
    return {each["key"]: next(iter(each["value"].values())) for each in record["attributes"]}
