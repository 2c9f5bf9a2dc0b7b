"""The sink for Elasticsearch and OpenSearch against a real OpenSearch, with the index template of `docs/`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from consumers.delivery import Delivery, SinkMisconfigured
from consumers.sinks.elasticsearch import Options, open_sink
from consumers.sinks.unambiguous import AMBIGUOUS
from tests.consumers.receivers.sample_records import heartbeat, sample_records
from tests.servers.opensearch import OpenSearchServer
from tests.servers.server_account import Unavailable
from tests.source_tree import ROOT

# One server for all of them, on one worker.
pytestmark = [pytest.mark.needs("java"), pytest.mark.xdist_group("opensearch"), pytest.mark.timeout(400)]
TEMPLATE = ROOT / "docs" / "elasticsearch-template.json"
LARGEST = 150_000
"""Bytes of one request: the server's own limit, so small that a batch can be larger."""


@pytest.fixture(scope="module")
def server() -> Iterator[OpenSearchServer]:
    """A node with the template."""
    try:
        started = OpenSearchServer(**{"http.max_content_length": f"{LARGEST}b"})
    except Unavailable as missing:
        pytest.skip(str(missing))
    try:
        started.ask("PUT", "_index_template/counterfoil", json.loads(TEMPLATE.read_text()))
        yield started
    finally:
        started.stop()


def deliver(server: OpenSearchServer, batch: list[Delivery], **options: Any) -> list[str]:
    """What became of each record."""
    sink = open_sink(Options(url=server.url, plain_http=True, **options))
    try:
        return [verdict.kind for verdict in sink.deliver(batch)]
    finally:
        sink.close()


def documents(server: OpenSearchServer, index: str) -> list[dict[str, Any]]:
    """All of them, in the order of the log, as they were published: without what the sink adds."""
    server.ask("POST", f"{index}/_refresh")
    query = {"size": 1000, "sort": ["seq"], "track_total_hits": True}
    hits = server.ask("POST", f"{index}/_search", query)["hits"]
    assert hits["total"]["value"] == len(hits["hits"])
    found = [hit["_source"] for hit in hits["hits"]]
    for document in found:
        for name in AMBIGUOUS & document["event"].keys():
            document["event"][name] = document["event"][name].get("value", document["event"][name])
        assert document.pop("@timestamp") == document["time"]
    return found


def test_every_type_of_event_and_mark_is_taken_and_is_there_once(server: OpenSearchServer) -> None:
    """As it was published; what comes again is a duplicate."""
    records = [*sample_records(60), heartbeat(61)]
    assert deliver(server, records, index="counterfoil-audit-all") == ["accepted"] * 61
    assert deliver(server, records, index="counterfoil-audit-all") == ["duplicate"] * 61
    found = documents(server, "counterfoil-audit-all-*")
    assert found == [record.document() for record in records]


def test_every_type_is_taken_without_the_template_too(server: OpenSearchServer) -> None:
    """Whichever comes first: no two events give a field two types."""
    records = sample_records(60)
    for index, batch in (("plain", records), ("backwards", records[::-1])):
        assert set(deliver(server, batch, index=index)) == {"accepted"}


def test_a_name_that_looks_like_a_date_spoils_no_index(server: OpenSearchServer) -> None:
    """With the template: else the index would learn a date, and refuse whatever is none for the rest of the month."""
    records = sample_records(2)

    def formatter(record: Delivery) -> bytes:
        name = "2026/11/25" if record is records[0] else "alice"
        return msgspec.json.encode({**record.document(), "event": {"subject": name}})

    sink = open_sink(Options(url=server.url, plain_http=True, index="counterfoil-audit-dates"), formatter)
    assert [sink.deliver([record])[0].kind for record in records] == ["accepted"] * 2
    sink.close()


def test_only_the_record_that_the_index_cannot_take_is_refused(server: OpenSearchServer) -> None:
    """Its fields have other types than those that the index has learnt: 400 for this item alone."""
    records = sample_records(5)

    def formatter(record: Delivery) -> bytes:
        document = record.document()
        return msgspec.json.encode({**document, "severity": "high"} if record is records[2] else document)

    sink = open_sink(Options(url=server.url, plain_http=True, index="counterfoil-audit-bad"), formatter)
    verdicts = sink.deliver(records)
    sink.close()
    assert [verdict.kind for verdict in verdicts] == [
        "accepted",
        "accepted",
        "refused",
        "accepted",
        "accepted",
    ]
    assert "mapper_parsing_exception" in verdicts[2].reason
    assert len(documents(server, "counterfoil-audit-bad-*")) == 4


def test_a_batch_that_is_too_large_for_the_server_arrives_in_parts(server: OpenSearchServer) -> None:
    """The real 413, whose connection ends while we still send."""
    records = sample_records(600)
    assert sum(len(record.value) for record in records) > 2 * LARGEST
    assert set(deliver(server, records, index="counterfoil-audit-large")) == {"accepted"}
    assert [found["id"] for found in documents(server, "counterfoil-audit-large-*")] == [
        record.id for record in records
    ]


def test_an_index_that_takes_nothing_stops_the_line_until_it_does(server: OpenSearchServer) -> None:
    """A block is nobody's record's fault: nothing is given up, and all arrive when it is lifted."""
    index = "counterfoil-audit-block-2026.11"
    first, rest = sample_records(10)[:2], sample_records(10)[2:]
    deliver(server, first, index="counterfoil-audit-block")
    server.ask("PUT", f"{index}/_settings", {"index.blocks.write": True})
    with pytest.raises(SinkMisconfigured, match="cluster_block_exception"):
        deliver(server, rest, index="counterfoil-audit-block")
    server.ask("PUT", f"{index}/_settings", {"index.blocks.write": False})
    assert deliver(server, rest, index="counterfoil-audit-block") == ["accepted"] * 8


def test_a_data_stream_takes_them_too(server: OpenSearchServer) -> None:
    """With `create`, the only operation that a data stream allows, and once as long as it does not roll over."""
    template = {"index_patterns": ["audit-stream"], "data_stream": {}, "priority": 300}
    server.ask("PUT", "_index_template/audit-stream", template)
    records = sample_records(5)
    assert deliver(server, records, data_stream="audit-stream") == ["accepted"] * 5
    assert deliver(server, records, data_stream="audit-stream") == ["duplicate"] * 5
