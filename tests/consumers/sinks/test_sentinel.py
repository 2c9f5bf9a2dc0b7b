"""The sink for Microsoft Sentinel against a faithful fake of its login and of the Logs Ingestion API."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from consumers.delivery import SinkMisconfigured, SinkUnavailable
from consumers.sinks.sentinel import Options, SentinelSink, open_sink
from tests.consumers.receivers.sample_records import sample_records
from tests.consumers.receivers.scripted import Reply, ScriptedReceiver, Seen, served

SECRET = "entra-9c-secret"
TOKEN_PATH = "/tenant-1/oauth2/v2.0/token"
INGEST_PATH = "/dataCollectionRules/dcr-1/streams/Custom-Counterfoil_CL"


class FakeAzure(ScriptedReceiver):
    """Gives tokens `t1`, `t2`, … of which only the last is good, and takes rows."""

    def __init__(self, *, expires_in: int = 3600, largest: int = 1_000_000) -> None:
        super().__init__(self._answer)
        self.rows: list[dict[str, Any]] = []
        self.tokens = 0
        self._expires_in, self._largest = expires_in, largest

    def _answer(self, seen: Seen) -> Reply:
        if seen.path == TOKEN_PATH:
            return self._token(parse_qs(seen.body.decode()))
        if seen.headers.get("authorization") != f"Bearer t{self.tokens}":
            return Reply(status=401)
        assert (seen.path, seen.query) == (INGEST_PATH, "api-version=2023-01-01")
        assert seen.headers["content-encoding"] == "gzip"
        if len(seen.body) > self._largest:
            return Reply(status=413)
        self.rows += json.loads(seen.body)
        return Reply(status=204)

    def _token(self, form: dict[str, list[str]]) -> Reply:
        assert form["grant_type"] == ["client_credentials"]
        assert form["scope"] == ["https://monitor.azure.com//.default"]
        if form["client_secret"] != [SECRET]:
            said = {"error": "invalid_client", "error_description": f"wrong: {form['client_secret']}"}
            return Reply(status=401, body=json.dumps(said).encode())
        self.tokens += 1
        granted = {"access_token": f"t{self.tokens}", "expires_in": self._expires_in, "token_type": "Bearer"}
        return Reply(body=json.dumps(granted).encode())


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """The application's secret, in a variable."""
    monkeypatch.setenv("CLIENT_SECRET", SECRET)


def sink(receiver: FakeAzure) -> SentinelSink:
    """The sink, with both addresses those of the fake."""
    options = Options(
        url=receiver.url,
        plain_http=True,
        login_url=receiver.url,
        tenant="tenant-1",
        client_id="app-1",
        client_secret_env="CLIENT_SECRET",
        rule="dcr-1",
    )
    opened = open_sink(options)
    assert isinstance(opened, SentinelSink)
    receiver.sinks.append(opened)
    return opened


def test_rows_have_the_time_of_the_event_in_a_column_of_their_own() -> None:
    """`TimeGenerated` is rewritten for old rows; `EventTime` and `EventId` stay."""
    records = sample_records(25)
    with served(FakeAzure()) as azure:
        verdicts = sink(azure).deliver(records)
    assert [verdict.kind for verdict in verdicts] == ["accepted"] * 25
    assert [row["EventId"] for row in azure.rows] == [record.id for record in records]
    assert [row["Data"] for row in azure.rows] == [record.document() for record in records]
    assert {row["EventTime"] == row["Data"]["time"] for row in azure.rows} == {True}
    assert (azure.rows[0]["Seq"], azure.rows[0]["EventType"]) == (1, "token.issued")


def test_one_token_serves_until_shortly_before_its_end() -> None:
    """One that ends at once is asked for again each time, rather than used too long."""
    for expires_in, asked in ((3600, 1), (100, 3)):
        with served(FakeAzure(expires_in=expires_in)) as azure:
            opened = sink(azure)
            for _ in range(3):
                opened.deliver(sample_records(1))
        assert azure.tokens == asked


def test_a_token_that_was_withdrawn_is_asked_for_again_once() -> None:
    """A second 401 stops the line."""
    with served(FakeAzure()) as azure:
        opened = sink(azure)
        opened.deliver(sample_records(1))
        azure.tokens = 7
        assert [verdict.kind for verdict in opened.deliver(sample_records(1))] == ["accepted"]
        azure.tokens = 9
        azure.faults += [Reply(status=401), Reply(body=b'{"access_token":"x"}'), Reply(status=401)]
        with pytest.raises(SinkMisconfigured, match="401"):
            opened.deliver(sample_records(1))


def test_a_wrong_secret_stops_the_line_and_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the login's answer holds it."""
    monkeypatch.setenv("CLIENT_SECRET", "wrong-4410")
    with served(FakeAzure()) as azure, pytest.raises(SinkMisconfigured, match="401 invalid_client") as told:
        sink(azure).deliver(sample_records(1))
    assert "wrong-4410" not in str(told.value)


def test_a_busy_login_or_service_is_an_outage_with_its_pause() -> None:
    """429 and 503, with Retry-After."""
    with served(FakeAzure()) as azure:
        opened = sink(azure)
        for status in (429, 503):
            azure.faults.append(Reply(status=status, headers={"retry-after": "11"}))
            with pytest.raises(SinkUnavailable) as told:
                opened.deliver(sample_records(1))
            assert told.value.after == 11
        azure.faults += [Reply(body=b'{"access_token":"t1","expires_in":9999}'), Reply(status=429)]
        with pytest.raises(SinkUnavailable):
            opened.deliver(sample_records(1))


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_wrong_rule_or_a_missing_right_stops_the_line(status: int) -> None:
    """It would be so with every row."""
    with served(FakeAzure()) as azure:
        opened = sink(azure)
        opened.deliver(sample_records(1))
        azure.faults.append(Reply(status=status, body=b'{"error":{"code":"InvalidStream"}}'))
        with pytest.raises(SinkMisconfigured, match="InvalidStream"):
            opened.deliver(sample_records(1))


def test_calls_stay_below_a_megabyte_and_a_413_is_cut() -> None:
    """By our limit first, then by what the service says."""
    records = sample_records(1000)
    with served(FakeAzure(largest=200_000)) as azure:
        verdicts = sink(azure).deliver(records)
    assert {verdict.kind for verdict in verdicts} == {"accepted"}
    assert [row["EventId"] for row in azure.rows] == [record.id for record in records]
    assert max(len(seen.body) for seen in azure.seen) <= 1_000_000
