"""What was published once stays valid, and is published again byte for byte, as long as the schema has this name.

The files under `golden/1/` are the evidence of what the stream says: once committed, one of them is never changed,
renamed or removed. A new type, or a new field that deserves one, gets a new file beside the others.
"""

from __future__ import annotations

import hashlib
import json

import jsonschema
import pytest

from consumers.audit_record import record_of
from consumers.record_schema import published_schema
from consumers.stream_marks import MARKS, Checkpoint, Heartbeat, mark
from eventstore.codec import EVENT_TYPES
from tests.consumers.golden_records import (
    FOLDER,
    NOW,
    SUMS,
    TRUNCATED,
    Golden,
    beside,
    golden_records,
    samples,
)

RECORDS = golden_records()
EACH = pytest.mark.parametrize("golden", RECORDS, ids=lambda golden: golden.name)
VALIDATOR = jsonschema.Draft202012Validator(
    json.loads(published_schema()), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)
COMMITTED = SUMS.read_text().splitlines()


def test_every_type_has_a_golden_record() -> None:
    """Every event type, every mark, and the stub of an event that is too large."""
    assert {golden.document["type"] for golden in RECORDS} == {*EVENT_TYPES, *MARKS}
    assert {golden.name for golden in RECORDS} >= {*EVENT_TYPES, *MARKS, TRUNCATED}


def test_no_golden_record_was_changed_since_it_was_committed() -> None:
    """Each file has the hash it was committed with: change neither a file nor its line, only add new ones."""
    found = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}"
        for path in sorted(FOLDER.iterdir())
        if path.suffix in {".json", ".headers"}
    ]
    assert found == COMMITTED


@EACH
def test_an_old_record_still_validates(golden: Golden) -> None:
    """Whoever validates with the schema of today can read everything that was ever published under its name."""
    VALIDATOR.validate(golden.document)


@EACH
def test_an_old_record_may_gain_fields(golden: Golden) -> None:
    """The schema allows more fields, in the envelope and in the event: adding one breaks nobody."""
    document = golden.document
    VALIDATOR.validate({**document, "more": 1, "event": {**document["event"], "more": {"inside": 1}}})


@pytest.mark.parametrize(
    "golden", [g for g in RECORDS if g.name in EVENT_TYPES], ids=lambda golden: golden.name
)
def test_the_same_event_gives_the_same_record(golden: Golden) -> None:
    """Byte for byte, key and headers too: a record that is published again is known for a duplicate by any means."""
    document = golden.document
    record = record_of(golden.stored(), document["prev_seq"], document["store"])
    assert record.value == golden.value
    assert beside(record) == golden.beside


@pytest.mark.parametrize("name", sorted(MARKS))
def test_the_same_mark_gives_the_same_record(name: str) -> None:
    """The same for checkpoints and heartbeats."""
    golden = next(golden for golden in RECORDS if golden.name == name)
    document = golden.document
    kind: type[Checkpoint | Heartbeat] = Checkpoint if name.endswith("checkpoint") else Heartbeat
    record = mark(kind(**document["event"]), document["store"], NOW)
    assert record.value == golden.value
    assert beside(record) == golden.beside


def test_what_is_too_large_has_the_stub_it_had() -> None:
    """Size and hash of an event beyond the stream's limit, and all of the envelope."""
    golden = next(golden for golden in RECORDS if golden.name == TRUNCATED)
    record = dict(samples())[TRUNCATED]
    assert sorted(json.loads(record.value)["event"]) == sorted(golden.document["event"]) == ["sha256", "size"]
    assert golden.document["truncated"] is True
    assert golden.document["event"]["size"] > len(golden.value)
