"""A snapshot and the events after it come to what all events come to: in structure, and in every answer."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.events import Event
from domain.identifiers import ClientId, Position, Subject
from domain.lineage import Birth, LineageEntry
from eventstore.codec import EVENT_TYPES
from projections import snapshot_format
from projections.authority import FoldedAuthority
from projections.folded_state import FoldedState
from projections.snapshot_format import SnapshotUnusable, decode_state, encode_state, fingerprint
from tests.eventstore.one_of_each import ONE_OF_EACH
from tests.projections.any_fence_history import NAMES, NOW, History, fence_histories, times
from tests.projections.test_revocations import birth


def folded(history: Iterable[tuple[Position, Event]]) -> FoldedAuthority:
    """An authority that saw all of it."""
    authority = FoldedAuthority()
    for position, event in history:
        authority.apply(event, position)
    return authority


def written_and_read(authority: FoldedAuthority) -> FoldedAuthority:
    """What the next process makes of its snapshot."""
    restored = FoldedAuthority()
    restored.restore(decode_state(encode_state(authority.state())))
    return restored


def births(last: int) -> list[Birth]:
    """Tokens with everything that can kill one, born at each position of the history."""
    return [
        birth(
            LineageEntry(
                **dict.fromkeys(("jti", "client", "subject", "kid"), "other") | {kind: name},  # type: ignore[arg-type]
                audiences=(),
                exp=0,
                position=Position(position),
            )
        )
        for position in range(last + 2)
        for kind in ("jti", "client", "subject", "kid")
        for name in NAMES
    ]


def answers(authority: FoldedAuthority) -> dict[str, Any]:
    """Everything that a decision can ask."""
    registry = authority.registry
    audiences = [str(resource.audience) for resource in authority.policy.resources.values()]
    return {
        "position": (authority.position, authority.policy_position, authority.longest_lifetime),
        "policy": (authority.policy, registry.policy_sha256),
        "resources": [authority.resource_for(name) for name in audiences]
        + [authority.resource_called(name) for name in (*NAMES, "hr", "counterfoil")],
        "keys": (authority.signing_key(), list(registry.published_keys()), registry.keys),
        "algorithms": [authority.algorithm_of(kid) for kid in registry.keys],
        "credentials": [
            (authority.credential_counts(ClientId(client), credential, now), registry.credentials_of(client))  # type: ignore[arg-type]
            for client in (*NAMES, "agent")
            for credential in (*NAMES, "agent")
            for now in (NOW - 2000, NOW, NOW + 2000)
        ],
        "served": [authority.audiences_served_by(ClientId(client)) for client in (*NAMES, "agent")],
        "subjects": [
            (authority.is_disabled(Subject(name)), authority.subject_revoked_at(Subject(name)))
            for name in NAMES
        ],
        "clients": [authority.client_revoked_at(ClientId(name)) for name in NAMES],
        "tokens": [
            (authority.revoked(token), authority.suspended(token)) for token in births(authority.position)
        ],
    }


@settings(max_examples=150)
@given(fence_histories(), st.data())
def test_restored_and_folded_on_is_folded(history: History, data: st.DataObject) -> None:
    """Wherever the cuts are, and however often."""
    whole = folded(history)
    authority = FoldedAuthority()
    for cut in [*sorted(data.draw(st.lists(st.integers(0, len(history)), max_size=3))), len(history)]:
        for position, event in history[:cut]:
            authority.apply(event, position)
        authority = written_and_read(authority)
    assert authority.state() == whole.state()
    assert answers(authority) == answers(whole)


@settings(max_examples=150)
@given(fence_histories(), st.data())
def test_what_was_forgotten_before_a_snapshot_would_be_forgotten_after_it(
    history: History, data: st.DataObject
) -> None:
    """Forgotten at any moments, at any times, in any order: in the end the same is left."""
    authority, latest = FoldedAuthority(), data.draw(times())
    for position, event in history:
        authority.apply(event, position)
        if data.draw(st.booleans()):
            authority.revocations.drop_expired(data.draw(st.integers(NOW - 2000, latest)))
        if data.draw(st.booleans()):
            authority = written_and_read(authority)
    whole = folded(history)
    for either in (authority, whole):
        either.revocations.drop_expired(latest)
    assert authority.state() == whole.state()
    assert answers(authority) == answers(whole)


@given(fence_histories())
def test_the_same_state_is_the_same_bytes(history: History) -> None:
    """No set is written in an order of its own."""
    assert encode_state(folded(history).state()) == encode_state(written_and_read(folded(history)).state())


def test_one_of_each_event_comes_back() -> None:
    """With every field of a policy set to something that is not its default."""
    history = [(Position(i), event) for i, event in enumerate(ONE_OF_EACH, 1) if event.FENCE]
    published = [entry for entry in history if entry[1].TYPE == "key.published"]
    whole = folded((Position(i), event) for i, (_, event) in enumerate([*published, *history], 1))
    assert written_and_read(whole).state() == whole.state()
    assert answers(written_and_read(whole)) == answers(whole)


def test_an_event_that_the_snapshot_holds_is_not_folded_again() -> None:
    """The tail may overlap."""
    published = next(event for event in ONE_OF_EACH if event.TYPE == "key.published")
    authority = written_and_read(folded([(Position(3), published)]))
    authority.apply(published, Position(3))
    assert (authority.position, authority.folded, authority.last_event) == (3, 0, published.id)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data[:0],
        lambda data: b"[" + data + b"]",
        lambda data: data.replace(b'"position":0', b'"position":"0"'),
        lambda data: data.replace(b'"chains":{}', b'"chain":{}'),
    ],
)
def test_what_does_not_fit_is_not_guessed_at(spoil: Any) -> None:
    """Cut short, empty, another type, another field."""
    data = encode_state(FoldedAuthority().state())
    assert spoil(data) != data
    with pytest.raises(SnapshotUnusable, match="cannot be read"):
        decode_state(spoil(data))


def test_what_another_version_wrote_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """However well it would fit: its fold may have meant something else."""
    data = encode_state(FoldedAuthority().state())
    monkeypatch.setattr(snapshot_format, "fingerprint", lambda: "another")
    with pytest.raises(SnapshotUnusable, match="another version"):
        decode_state(data)


def test_whatever_folds_or_is_folded_is_in_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another source of one of the modules, another event type, another format: another fingerprint."""
    seen = {fingerprint.__wrapped__()}
    real = inspect.getsource
    for module in snapshot_format._DECIDE_WHAT_IS_FOLDED:
        with monkeypatch.context() as changed:
            changed.setattr(
                inspect,
                "getsource",
                lambda asked, module=module: real(asked) + "#" * (asked is module),
            )
            seen.add(fingerprint.__wrapped__())
    with monkeypatch.context() as changed:
        changed.setattr(snapshot_format, "FORMAT", 0)
        seen.add(fingerprint.__wrapped__())
    with monkeypatch.context() as changed:
        changed.setitem(EVENT_TYPES, "galaxy.revoked", Event)
        seen.add(fingerprint.__wrapped__())
    assert len(seen) == 3 + len(snapshot_format._DECIDE_WHAT_IS_FOLDED)
    assert fingerprint.__wrapped__() in seen


def test_without_its_source_a_program_uses_no_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot say which version it is."""

    def gone(_: object) -> str:
        raise OSError

    monkeypatch.setattr(inspect, "getsource", gone)
    assert fingerprint.__wrapped__() != fingerprint.__wrapped__()


def test_every_field_of_the_fold_is_in_its_state() -> None:
    """A field that a registry or an index gains must be written down, or made again from what is."""
    authority = FoldedAuthority()
    made_again = {
        "_resources",
        "_by_audience",
        "_served",
        "enabled_clients",
        "disabled_audiences",
        "itineraries",
    }
    for part, state in (
        (authority.registry, authority.state().registry),
        (authority.revocations, authority.state().revocations),
    ):
        fields = {field.name for field in msgspec.structs.fields(state)}
        assert {name.removeprefix("_") for name in vars(part).keys() - made_again} == fields
    own = {"registry", "revocations", "folded"}
    bound = {name for name, value in vars(authority).items() if callable(value)}
    assert vars(authority).keys() - own - bound == {
        field.name for field in msgspec.structs.fields(FoldedState)
    } - {"registry", "revocations"}
