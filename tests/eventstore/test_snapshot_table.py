"""The checksum of a snapshot: whatever happens to the bytes, they are not taken for what was kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore.snapshot_table import Checksum, SnapshotDamaged

SEAL = Checksum()


@given(st.text(max_size=5), st.binary(max_size=50))
def test_what_was_sealed_comes_back(name: str, data: bytes) -> None:
    """Empty or not."""
    assert SEAL.unseal(name, SEAL.seal(name, data)) == data


@given(st.binary(max_size=50), st.data())
def test_what_is_not_what_was_sealed_does_not(data: bytes, drawn: st.DataObject) -> None:
    """A changed byte, a missing end, something added, another name."""
    sealed = SEAL.seal("a", data)
    at, change = drawn.draw(st.integers(0, len(sealed) - 1)), drawn.draw(st.integers(1, 255))
    changed = bytes([*sealed[:at], sealed[at] ^ change, *sealed[at + 1 :]])
    for broken in (changed, sealed[:at], sealed + b"\0", b""):
        with pytest.raises(SnapshotDamaged):
            SEAL.unseal("a", broken)
    with pytest.raises(SnapshotDamaged):
        SEAL.unseal("b", sealed)
