"""The sink for Elasticsearch and OpenSearch against a faithful fake; `test_opensearch.py` has a real one."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consumers.delivery import Delivery, SinkMisconfigured, SinkUnavailable
from consumers.sinks.elasticsearch import ElasticsearchSink, Options, open_sink
from consumers.sinks.unambiguous import AMBIGUOUS, make_unambiguous
from tests.consumers.receivers.bulk import FakeBulk
from tests.consumers.receivers.sample_records import sample_records
from tests.consumers.receivers.scripted import Reply, served

LAST_SECOND_OF_OCTOBER = 1_793_491_199_000
"""2026-10-31T23:59:59Z"""


def sink(receiver: FakeBulk, **options: Any) -> ElasticsearchSink:
    """The sink."""
    opened = open_sink(Options(url=receiver.url, plain_http=True, **options))
    assert isinstance(opened, ElasticsearchSink)
    receiver.sinks.append(opened)
    return opened


def kinds(opened: ElasticsearchSink, batch: list[Delivery]) -> list[str]:
    """What became of each record."""
    return [verdict.kind for verdict in opened.deliver(batch)]


def test_a_record_goes_to_the_index_of_its_month_and_is_there_once() -> None:
    """Whenever it comes again; the time of the event decides, not that of the delivery."""
    records = sample_records(3, at=LAST_SECOND_OF_OCTOBER - 1000)
    with served(FakeBulk()) as elastic:
        assert kinds(sink(elastic), records) == ["accepted"] * 3
        assert kinds(sink(elastic), records) == ["duplicate"] * 3
    expected = ["counterfoil-audit-2026.10", "counterfoil-audit-2026.11", "counterfoil-audit-2026.11"]
    assert [index for index, _ in elastic.documents] == expected
    assert [id for _, id in elastic.documents] == [record.id for record in records]
    first = next(iter(elastic.documents.values()))
    assert first.pop("@timestamp") == "2026-10-31T23:59:59.000Z"
    expected_first = records[0].document()
    make_unambiguous(expected_first)
    assert first == expected_first


def test_every_item_has_a_verdict_of_its_own() -> None:
    """200 with `errors` is read item by item: only what is for later is, and only the bad one is refused."""
    records = sample_records(8)
    with served(FakeBulk()) as elastic:
        elastic.errors = {
            records[1].id: [(429, "es_rejected_execution_exception")],
            records[3].id: [(400, "mapper_parsing_exception")],
            records[4].id: [(503, "unavailable_shards_exception")],
            records[6].id: [(400, "strict_dynamic_mapping_exception")],
        }
        verdicts = sink(elastic).deliver(records)
    expected = ["accepted", "later", "accepted", "refused", "later", "accepted", "refused", "accepted"]
    assert [verdict.kind for verdict in verdicts] == expected
    assert verdicts[3].reason == "400 mapper_parsing_exception: scripted"
    assert len(elastic.documents) == 4


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, "security_exception"),
        (403, "cluster_block_exception"),
        (404, "index_not_found_exception"),
        (400, "validation_exception"),
        (409, "some_other_conflict"),
    ],
)
def test_an_item_that_is_refused_for_our_sake_stops_the_line(status: int, kind: str) -> None:
    """It would be so with every record, so none is given up."""
    records = sample_records(2)
    with served(FakeBulk()) as elastic:
        elastic.errors = {records[0].id: [(status, kind)]}
        with pytest.raises(SinkMisconfigured, match=kind):
            sink(elastic).deliver(records)


def test_a_413_is_cut_until_it_fits_and_a_record_that_never_fits_is_refused() -> None:
    """One that is larger than the receiver's limit alone is the only one that is given up."""
    records = sample_records(20)
    largest = max(len(record.value) for record in records)
    with served(FakeBulk(largest=largest)) as elastic:
        verdicts = sink(elastic).deliver(records)
    sizes: dict[str, list[int]] = {"accepted": [], "refused": []}
    for record, verdict in zip(records, verdicts, strict=True):
        sizes[verdict.kind].append(len(record.value))
    assert max(sizes["accepted"]) < min(sizes["refused"])
    assert len(elastic.documents) == len(sizes["accepted"])


def test_an_answer_that_is_cut_or_too_short_is_no_success() -> None:
    """What is not known to have arrived is sent again, and meets itself."""
    records = sample_records(5)
    with served(FakeBulk()) as elastic:
        elastic.faults += [Reply(body=b'{"errors":fal', cut=True), Reply(body=b'{"errors":false,"items":[]}')]
        for _ in range(2):
            with pytest.raises(SinkUnavailable):
                sink(elastic).deliver(records)
        assert kinds(sink(elastic), records) == ["accepted"] * 5


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"ok":true}'])
def test_what_is_not_elasticsearch_is_not_believed(body: bytes) -> None:
    """A 200 of something else is no success."""
    with served(FakeBulk()) as elastic:
        elastic.faults.append(Reply(body=body))
        with pytest.raises(SinkMisconfigured):
            sink(elastic).deliver(sample_records(1))


def test_the_credential_is_an_api_key_or_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each from a variable; a wrong one stops the line."""
    monkeypatch.setenv("KEY", "a2V5")
    monkeypatch.setenv("PASSWORD", "secret")
    basic = base64.b64encode(b"writer:secret").decode()
    with served(FakeBulk(authorization="ApiKey a2V5")) as elastic:
        assert kinds(sink(elastic, api_key_env="KEY"), sample_records(1)) == ["accepted"]
        with pytest.raises(SinkMisconfigured, match="401"):
            sink(elastic).deliver(sample_records(1))
    with served(FakeBulk(authorization=f"Basic {basic}")) as elastic:
        opened = sink(elastic, username="writer", password_env="PASSWORD")
        assert kinds(opened, sample_records(1)) == ["accepted"]


@pytest.mark.parametrize(
    "options",
    [
        {"username": "x"},
        {"password_env": "PASSWORD"},
        {"api_key_env": "NOT_THERE"},
        {"api_key_env": "PASSWORD", "api_key_file": "x"},
        {"api_key_env": "PASSWORD", "username": "x", "password_env": "PASSWORD"},
        {"api_key_file": "not/there"},
    ],
)
def test_half_a_credential_is_noticed_at_start(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the message does not hold the other half."""
    monkeypatch.setenv("PASSWORD", "secret-5d2")
    with pytest.raises(SinkMisconfigured) as told:
        open_sink(Options(url="https://elastic.example", **options))
    assert "secret-5d2" not in str(told.value)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """With what to do."""
    key = tmp_path / "key"
    key.write_text("a2V5")
    key.chmod(0o644)
    with pytest.raises(SinkMisconfigured, match="chmod 600"):
        open_sink(Options(url="https://elastic.example", api_key_file=str(key)))


def test_a_data_stream_takes_the_place_of_the_index() -> None:
    """All records go there by name."""
    with served(FakeBulk()) as elastic:
        sink(elastic, data_stream="logs-counterfoil").deliver(sample_records(2))
    assert {index for index, _ in elastic.documents} == {"logs-counterfoil"}


def test_a_mapping_brings_its_own_timestamp_and_must_give_objects() -> None:
    """ECS has one already; CEF is no document, which somebody has to put right."""
    with served(FakeBulk()) as elastic:
        options = Options(url=elastic.url, plain_http=True)
        stamped = open_sink(options, lambda _: b'{\n"@timestamp":"2026-11-25T00:00:00Z"}')
        elastic.sinks += [stamped, open_sink(options, lambda _: b"CEF:0|")]
        stamped.deliver(sample_records(1))
        assert next(iter(elastic.documents.values())) == {"@timestamp": "2026-11-25T00:00:00Z"}
        with pytest.raises(SinkMisconfigured, match="JSON objects"):
            elastic.sinks[-1].deliver(sample_records(1))


def kinds_of(path: str, value: object) -> Iterator[tuple[str, str]]:
    """Each field of a document with its type as an index sees it: a list counts for what is in it."""
    if isinstance(value, list):
        for each in value:
            yield from kinds_of(path, each)
    elif isinstance(value, dict):
        yield path, "object"
        for name, each in value.items():
            yield from kinds_of(f"{path}.{name}", each)
    elif value is not None:
        yield path, type(value).__name__


def of_two_types(documents: list[dict[str, Any]]) -> set[str]:
    """The fields that an index could not take."""
    kinds: dict[str, set[str]] = {}
    for document in documents:
        for path, kind in kinds_of("", document):
            kinds.setdefault(path, set()).add(kind)
    return {path for path, found in kinds.items() if len(found) > 1}


def test_the_fields_of_two_types_are_known_and_are_objects_always() -> None:
    """Of all types of events there are: a new one that gives a field a second type is found here."""
    documents = [record.document() for record in sample_records(60)]
    assert of_two_types(documents) == {f".event.{name}" for name in AMBIGUOUS}
    for document in documents:
        make_unambiguous(document)
    assert of_two_types(documents) == set()


THREE = {"event": {"policy": {"value": 3}}}


def test_the_event_is_found_where_a_mapping_put_it() -> None:
    """In ECS and OCSF it is further down; what has no event stays as it is."""
    for document, expected in (
        ({"counterfoil": {"event": {"by": "x"}}}, {"counterfoil": {"event": {"by": {"value": "x"}}}}),
        (
            {"unmapped": {"counterfoil": {"event": {"policy": 3}}}},
            {"unmapped": {"counterfoil": {"event": {"policy": {"value": 3}}}}},
        ),
        ({"event": "text", "counterfoil": 1}, {"event": "text", "counterfoil": 1}),
        ({"event": {"by": None, "policy": {"a": 1}}}, {"event": {"by": None, "policy": {"a": 1}}}),
    ):
        make_unambiguous(document)
        assert document == expected
