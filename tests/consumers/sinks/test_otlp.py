"""The sink for OTLP logs against a receiver with a script; `test_opentelemetry_collector.py` has a real one."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from consumers.delivery import SinkMisconfigured, SinkUnavailable
from consumers.sinks.otlp import Options, OtlpSink, open_sink
from tests.consumers.receivers.sample_records import sample_records
from tests.consumers.receivers.scripted import Reply, ScriptedReceiver, Seen, served


class FakeOtlp(ScriptedReceiver):
    """Takes what it can read but the records whose ids are poison; it says how many those were, never which."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.records: list[dict[str, Any]] = []
        self.poison: set[str] = set()

    def ids(self) -> list[str]:
        """Of what was taken, in order of arrival."""
        return [identity(record) for record in self.records]

    def _answer(self, seen: Seen) -> Reply:
        assert seen.headers["content-type"] == "application/json"
        records = json.loads(seen.body)["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
        good = [record for record in records if identity(record) not in self.poison]
        self.records += good
        if len(good) == len(records):
            return Reply(body=b'{"partialSuccess":{}}')
        partial = {"rejectedLogRecords": str(len(records) - len(good)), "errorMessage": "too old"}
        return Reply(body=json.dumps({"partialSuccess": partial}).encode())


def identity(record: dict[str, Any]) -> str:
    """The id of the event in a log record."""
    values = {each["key"]: each["value"] for each in record["attributes"]}
    return str(values["event.id"]["stringValue"])


def sink(receiver: ScriptedReceiver, **options: Any) -> OtlpSink:
    """The sink."""
    opened = open_sink(Options(url=f"{receiver.url}/v1/logs", plain_http=True, **options))
    assert isinstance(opened, OtlpSink)
    receiver.sinks.append(opened)
    return opened


def test_a_log_record_says_when_what_and_how_bad() -> None:
    """Its body is the envelope, byte for byte; the id is an attribute, for there is nothing else to tell twins by."""
    records = sample_records(25)
    with served(FakeOtlp()) as receiver:
        verdicts = sink(receiver).deliver(records)
        assert {seen.path for seen in receiver.seen} == {"/v1/logs"}
    assert [verdict.kind for verdict in verdicts] == ["accepted"] * 25
    assert [record["body"]["stringValue"].encode() for record in receiver.records] == [
        record.value for record in records
    ]
    assert receiver.ids() == [record.id for record in records]
    first = receiver.records[0]
    assert first["timeUnixNano"] == "1795000001123000000"
    assert (first["severityNumber"], first["severityText"]) == (9, "INFO")
    assert first["eventName"] == "counterfoil.audit.token.issued"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_exactly_these_are_tried_again(status: int) -> None:
    """With the pause that was asked for."""
    with served(FakeOtlp()) as receiver:
        receiver.faults.append(Reply(status=status, headers={"retry-after": "3"}))
        with pytest.raises(SinkUnavailable) as told:
            sink(receiver).deliver(sample_records(2))
    assert told.value.after == 3


@pytest.mark.parametrize("status", [301, 401, 403, 404, 408, 500, 501])
def test_all_others_are_not_and_nothing_is_given_up(status: int) -> None:
    """The line stops until somebody has looked."""
    with served(FakeOtlp()) as receiver:
        receiver.faults.append(Reply(status=status))
        with pytest.raises(SinkMisconfigured):
            sink(receiver).deliver(sample_records(2))
        assert len(receiver.seen) == 1


def test_of_a_partial_success_only_the_rejected_records_are_given_up(caplog) -> None:
    """The receiver does not say which: they are found, and it is logged; taken twice is better than lost."""
    records = sample_records(20)
    with served(FakeOtlp()) as receiver, caplog.at_level(logging.WARNING):
        receiver.poison = {records[3].id, records[11].id}
        verdicts = sink(receiver).deliver(records)
    refused = {record.id for record, said in zip(records, verdicts, strict=True) if said.kind == "refused"}
    assert refused == receiver.poison
    assert set(receiver.ids()) == {record.id for record in records} - refused
    assert "rejected 2 of 20 records: too old" in caplog.text


def test_a_400_is_about_what_was_sent() -> None:
    """The bad record is found by halves."""
    records = sample_records(2)
    with served(FakeOtlp()) as receiver:
        receiver.faults += [Reply(status=400), Reply(status=400, body=b"bad value")]
        verdicts = sink(receiver).deliver(records)
    assert [verdict.kind for verdict in verdicts] == ["refused", "accepted"]
    assert verdicts[0].reason == "400 bad value"


def test_a_warning_of_a_receiver_that_took_all_is_logged(caplog) -> None:
    """`rejectedLogRecords` 0 with a message is a warning, as the specification says."""
    with served(FakeOtlp()) as receiver, caplog.at_level(logging.WARNING):
        receiver.faults.append(Reply(body=b'{"partialSuccess":{"errorMessage":"slow down"}}'))
        assert [verdict.kind for verdict in sink(receiver).deliver(sample_records(1))] == ["accepted"]
    assert "slow down" in caplog.text


def test_what_is_not_otlp_is_not_believed() -> None:
    """An empty body is, for some receivers answer so."""
    with served(FakeOtlp()) as receiver:
        receiver.faults += [Reply(body=b"<html>"), Reply()]
        with pytest.raises(SinkMisconfigured):
            sink(receiver).deliver(sample_records(1))
        assert [verdict.kind for verdict in sink(receiver).deliver(sample_records(1))] == ["accepted"]


def test_the_credential_goes_in_the_header_that_the_receiver_wants(monkeypatch) -> None:
    """And no message repeats it, whatever the header is called."""
    monkeypatch.setenv("KEY", "k-77a1")
    with served(FakeOtlp()) as receiver:
        opened = sink(receiver, header="X-Api-Key", credential_env="KEY")
        opened.deliver(sample_records(1))
        assert receiver.seen[0].headers["x-api-key"] == "k-77a1"
        receiver.faults.append(Reply(status=401, body=b"no such key: k-77a1"))
        with pytest.raises(SinkMisconfigured) as told:
            opened.deliver(sample_records(1))
    assert "k-77a1" not in str(told.value)
