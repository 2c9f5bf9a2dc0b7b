"""The sink for Splunk HEC against a faithful fake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from consumers.delivery import SinkMisconfigured, SinkUnavailable
from consumers.sinks.splunk_hec import Options, SplunkSink, open_sink
from tests.consumers.receivers.sample_records import heartbeat, sample_records
from tests.consumers.receivers.scripted import Reply, served
from tests.consumers.receivers.splunk import FakeSplunk

TOKEN = "6f1b9c1e-hec"


@pytest.fixture
def token_file(tmp_path: Path) -> str:
    """A token where it belongs."""
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o600)
    return str(path)


def sink(receiver: FakeSplunk, token_file: str, **options: Any) -> SplunkSink:
    """The sink, quick to ask."""
    chosen = {
        "url": receiver.url,
        "plain_http": True,
        "token_file": token_file,
        "ack_interval": 0.02,
        **options,
    }
    opened = open_sink(Options(**chosen))
    assert isinstance(opened, SplunkSink)
    receiver.sinks.append(opened)
    return opened


def test_every_event_arrives_as_it_was_published_with_its_own_time_and_id(token_file: str) -> None:
    """The envelope is the event; the time is when it was decided; the id can be searched for."""
    records = [*sample_records(30), heartbeat(30)]
    with served(FakeSplunk(TOKEN)) as splunk:
        verdicts = sink(splunk, token_file, index="audit", host="node").deliver(records)
    assert [verdict.kind for verdict in verdicts] == ["accepted"] * 31
    assert [event["event"] for event in splunk.events] == [record.document() for record in records]
    assert splunk.ids() == [record.id for record in records]
    first = splunk.events[0]
    assert first["time"] == "1795000001.123"
    assert (first["index"], first["host"], first["sourcetype"]) == ("audit", "node", "counterfoil:audit")
    assert all(isinstance(value, str) for value in first["fields"].values())


def test_only_the_event_that_splunk_cannot_read_is_refused(token_file: str) -> None:
    """A 400 is never taken for a success, and the others arrive, whichever event is bad."""
    records = sample_records(40)
    with served(FakeSplunk(TOKEN)) as splunk:
        splunk.poison = {records[0].id, records[17].id, records[39].id}
        verdicts = sink(splunk, token_file).deliver(records)
    bad = {record.id for record, verdict in zip(records, verdicts, strict=True) if verdict.kind == "refused"}
    assert bad == splunk.poison
    assert "Invalid data format" in verdicts[17].reason
    assert set(splunk.ids()) == {record.id for record in records} - bad


@pytest.mark.parametrize("code", [7, 10, 11, 14, 16])
def test_a_400_that_is_not_about_an_event_stops_the_line(code: int, token_file: str) -> None:
    """A wrong index or a channel that is missing would refuse every event there is."""
    with served(FakeSplunk(TOKEN)) as splunk:
        splunk.faults.append(Reply(status=400, body=json.dumps({"text": "no", "code": code}).encode()))
        with pytest.raises(SinkMisconfigured):
            sink(splunk, token_file).deliver(sample_records(3))
    assert splunk.events == []


def test_a_wrong_token_stops_the_line_until_the_file_is_right(tmp_path: Path) -> None:
    """And no restart is needed then."""
    path = tmp_path / "token"
    path.write_text("another")
    path.chmod(0o600)
    with served(FakeSplunk(TOKEN)) as splunk:
        opened = sink(splunk, str(path))
        with pytest.raises(SinkMisconfigured, match="403"):
            opened.deliver(sample_records(2))
        path.write_text(TOKEN)
        assert [verdict.kind for verdict in opened.deliver(sample_records(2))] == ["accepted"] * 2


def test_a_busy_splunk_is_an_outage_with_its_pause(token_file: str) -> None:
    """503 `Server is busy`."""
    with served(FakeSplunk(TOKEN)) as splunk:
        busy = Reply(status=503, body=b'{"text":"Server is busy","code":9}', headers={"retry-after": "4"})
        splunk.faults.append(busy)
        with pytest.raises(SinkUnavailable, match="busy") as told:
            sink(splunk, token_file).deliver(sample_records(2))
    assert told.value.after == 4


def test_requests_stay_below_the_limit_and_a_413_is_cut_again(token_file: str) -> None:
    """Cut by our own limit first, and by the receiver's."""
    records = sample_records(40)
    with served(FakeSplunk(TOKEN, largest=5_000)) as splunk:
        verdicts = sink(splunk, token_file, largest_body=20_000).deliver(records)
    assert {verdict.kind for verdict in verdicts} == {"accepted"}
    assert splunk.ids() == [record.id for record in records]
    assert all(len(seen.body) <= 20_000 for seen in splunk.seen)


def test_with_acknowledgement_it_waits_until_the_indexers_have_all(token_file: str) -> None:
    """An acknowledgement that is false at first is asked for again, on the channel of the events."""
    with served(FakeSplunk(TOKEN, acknowledges=True)) as splunk:
        splunk.polls_before_ack = 3
        opened = sink(splunk, token_file, acknowledgement=True, largest_body=10_000)
        verdicts = opened.deliver(sample_records(30))
    asked = [seen for seen in splunk.seen if seen.path.endswith("/ack")]
    assert {verdict.kind for verdict in verdicts} == {"accepted"}
    assert len(asked) == 4
    assert len(splunk.channels) == 1


def test_what_no_indexer_acknowledges_is_for_later_and_the_rest_is_done(token_file: str) -> None:
    """Only the request whose acknowledgement stays away is sent again."""
    with served(FakeSplunk(TOKEN, acknowledges=True)) as splunk:
        splunk.never = {1}
        opened = sink(splunk, token_file, acknowledgement=True, largest_body=10_000, ack_timeout=1)
        verdicts = opened.deliver(sample_records(30))
        second = next(seen for seen in splunk.seen[1:] if seen.path.endswith("/event"))
    late = [verdict for verdict in verdicts if verdict.kind == "later"]
    assert len(late) == second.body.count(b'"counterfoil_id"')
    assert 0 < len(late) < 30
    assert "no indexer acknowledged" in late[0].reason


def test_a_receiver_that_restarted_and_knows_no_channel_acknowledges_nothing(token_file: str) -> None:
    """All of the batch is for later, at once; an outage between two questions is waited out."""
    records = sample_records(4)
    with served(FakeSplunk(TOKEN, acknowledges=True)) as splunk:
        opened = sink(splunk, token_file, acknowledgement=True)
        opened.deliver(records)
        lost = Reply(status=400, body=b'{"text":"Invalid data channel","code":11}')
        splunk.faults += [Reply(body=b'{"text":"Success","code":0,"ackId":77}'), Reply(status=503), lost]
        assert [verdict.kind for verdict in opened.deliver(records)] == ["later"] * 4


def test_acknowledgement_that_the_token_has_off_is_noticed(token_file: str) -> None:
    """Else it would be believed that indexers have what only the receiver had."""
    with served(FakeSplunk(TOKEN)) as splunk, pytest.raises(SinkMisconfigured, match="no ackId"):
        sink(splunk, token_file, acknowledgement=True).deliver(sample_records(1))


@pytest.mark.parametrize("body", [b"<html>please log in</html>", b"", b"{}", b'{"text":"no","code":4}'])
def test_what_is_not_splunk_is_not_believed(body: bytes, token_file: str) -> None:
    """A 200 of a proxy's login page is no success."""
    with served(FakeSplunk(TOKEN)) as splunk:
        splunk.faults.append(Reply(body=body))
        with pytest.raises(SinkMisconfigured):
            sink(splunk, token_file).deliver(sample_records(1))


def test_a_mapping_that_gives_text_is_sent_as_text(token_file: str) -> None:
    """CEF in an event is a string."""
    with served(FakeSplunk(TOKEN)) as splunk:
        options = Options(url=splunk.url, plain_http=True, token_file=token_file)
        splunk.sinks.append(open_sink(options, lambda _: b'CEF:0|x="y"'))
        splunk.sinks[0].deliver(sample_records(1))
    assert splunk.events[0]["event"] == 'CEF:0|x="y"'
