"""An index, compared with the log through its search: pages, ties between them, answers that are not to be trusted."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from consumers import copy_of_index
from consumers.completeness import Check, Result, Stretch
from consumers.copied_records import Finding, digest_of_document
from consumers.copy_of_index import Index, IndexCopy
from consumers.delivery import SinkMisconfigured, SinkUnavailable
from consumers.mappings import of_documents
from consumers.sinks.credential import required_secret
from consumers.sinks.http_receiver import HttpOptions
from eventstore.sqlite import SQLiteRecorder
from tests.consumers.many_events import fill
from tests.consumers.receivers.search import SearchFake, search_fake
from tests.consumers.test_completeness import kinds, published_records

EVENTS = 50


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SQLiteRecorder]:
    """A log that nobody writes to any more."""
    recorder = SQLiteRecorder(tmp_path_factory.mktemp("log") / "log.db")
    fill(recorder, EVENTS)
    yield recorder
    recorder.close()


@pytest.fixture
def search(log: SQLiteRecorder, monkeypatch: pytest.MonkeyPatch) -> Iterator[SearchFake]:
    """An index that has everything, in small pages."""
    monkeypatch.setattr(copy_of_index, "PAGE", 8)
    with search_fake() as fake:
        fake.documents = [
            ("counterfoil-audit-2023.11", record.id, {"@timestamp": "x", **json.loads(record.value)})
            for record in published_records(log)
        ]
        yield fake


def check(log: SQLiteRecorder, index: Index, stretch: Stretch | None = None) -> tuple[list[Finding], Result]:
    """Everything that is found."""
    stretch = stretch or Stretch()
    comparison = Check(log, stretch, lambda record: digest_of_document(msgspec.json.decode(record.value)))
    copy = IndexCopy(index)
    try:
        return list(comparison.findings(copy.records(stretch.first, stretch.last))), comparison.result
    finally:
        copy.close()


def index(search: SearchFake, pattern: str = "counterfoil-audit*") -> Index:
    """As whoever may read everything."""
    return Index(http=HttpOptions(url=search.url, plain_http=True), pattern=pattern)


@pytest.mark.parametrize("shape", ["native", "ecs", "ocsf"])
def test_an_index_with_everything_is_complete(log: SQLiteRecorder, search: SearchFake, shape: str) -> None:
    """In each shape that a sink may have written, found by its own field; the largest page is not exceeded."""
    if shape != "native":
        search.documents = [
            (name, id, json.loads(of_documents(shape)(source))) for name, id, source in search.documents
        ]
    findings, result = check(log, index(search))
    assert findings == []
    assert (result.complete, result.present) == (True, EVENTS)
    assert len(search.asked) > EVENTS // 8


def test_what_is_lost_or_altered_is_named(log: SQLiteRecorder, search: SearchFake) -> None:
    """By position; and where the altered one stands."""
    name, id, source = search.documents[20]
    search.documents[20] = (name, id, source | {"outcome": "failure"})
    del search.documents[30]
    findings, result = check(log, index(search))
    assert kinds(findings) == [("differs", 21), ("missing", 31)]
    assert findings[0].place == f"{name}/{id}"
    assert not result.complete


@pytest.mark.parametrize("copies", [2, 9, 40])
def test_one_event_in_many_indices_hides_no_other(
    log: SQLiteRecorder, search: SearchFake, copies: int
) -> None:
    """Documents of one position stand on both sides of a page's end, or are more than a page: all are read."""
    for number in range(1, copies):
        _, id, source = search.documents[7]
        search.documents.append((f"counterfoil-audit-{number}", id, source))
    findings, result = check(log, index(search))
    assert kinds(findings) == [("duplicate", 8)] * (copies - 1)
    assert (result.complete, result.present) == (True, EVENTS)


def test_a_stretch_is_searched_alone(log: SQLiteRecorder, search: SearchFake) -> None:
    """What stands outside is not even fetched."""
    findings, result = check(log, index(search), Stretch(first=11, last=20))
    assert (findings, result.present) == ([], 10)
    assert all(body["query"]["range"]["seq"]["gt"] >= 10 for body in search.asked if "range" in body["query"])


def test_an_empty_index_lacks_everything(log: SQLiteRecorder, search: SearchFake) -> None:
    """An index whose fields are not mapped yet too."""
    search.documents.clear()
    assert len(check(log, index(search))[0]) == EVENTS


def test_an_answer_too_large_is_asked_for_in_parts(
    log: SQLiteRecorder, search: SearchFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half as many documents, until they fit."""
    monkeypatch.setattr("consumers.sinks.http_receiver.LARGEST_ANSWER", 8000)
    assert check(log, index(search))[1].complete
    assert min(body["size"] for body in search.asked if body["size"]) < 8


def test_a_shard_that_did_not_answer_makes_no_verdict(log: SQLiteRecorder, search: SearchFake) -> None:
    """Nothing is called missing because part of the cluster was away."""
    search.failed_shards = 1
    with pytest.raises(SinkUnavailable, match="not every shard"):
        check(log, index(search))


def test_an_index_that_there_is_not_is_a_mistake(log: SQLiteRecorder, search: SearchFake) -> None:
    """A name without a star."""
    with pytest.raises(SinkMisconfigured, match="404"):
        check(log, index(search, "other"))


def test_only_the_right_credential_is_let_in(log: SQLiteRecorder, search: SearchFake, tmp_path: Path) -> None:
    """User and password, or an API key, each from a file; a refusal shows neither."""
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    secret.chmod(0o600)
    held = required_secret("password", str(secret), "")
    search.authorization = "Basic " + base64.b64encode(b"auditor:hunter2").decode()
    asked = index(search)
    named = Index(http=asked.http, pattern=asked.pattern, username="auditor", password=held)
    assert check(log, named)[1].complete
    search.authorization = "ApiKey hunter2"
    assert check(log, Index(http=asked.http, pattern=asked.pattern, api_key=held))[1].complete
    with pytest.raises(SinkMisconfigured, match="401") as refused:
        check(log, named)
    assert "hunter2" not in str(refused.value)
