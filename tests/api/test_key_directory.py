"""Private keys come back as they were put, or not at all."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import Final

import pytest

from api.jose import parse_compact
from api.key_directory import SETTING, KeyDirectory
from api.private_keys import KeyUnavailable
from api.signing_keys import SigningKey
from api.verification_keys import verify
from domain.identifiers import Kid
from domain.policy import SigningAlgorithm
from tests.attacks.forged_jws import signed

KEY: Final = SigningKey.generate("ES256")


@pytest.fixture
def keys(tmp_path: Path) -> KeyDirectory:
    """A directory that does not exist yet."""
    return KeyDirectory(tmp_path / "counterfoil" / "keys")


def file_of(keys: KeyDirectory, key: SigningKey = KEY) -> Path:
    """Where a key lies."""
    return keys.path / f"{key.kid}.pem"


def why_unavailable(keys: KeyDirectory, kid: str = KEY.kid) -> str:
    """The message for a key that cannot be loaded; it holds nothing of the key."""
    with pytest.raises(KeyUnavailable) as caught:
        keys.load(Kid(kid))
    printed = "".join(traceback.format_exception(caught.value))
    assert "PRIVATE" not in printed
    assert KEY.to_pem().splitlines()[2].decode() not in printed
    return str(caught.value)


@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "RS256", "PS256"])
def test_a_saved_key_signs_after_it_was_loaded(keys: KeyDirectory, alg: SigningAlgorithm) -> None:
    """Key, kid and algorithm survive, also where one kind of key serves two algorithms."""
    key = SigningKey.generate(alg)
    keys.save(key)
    loaded = keys.load(key.kid)
    assert (loaded.alg, loaded.kid, loaded.public_jwk()) == (alg, key.kid, key.public_jwk())
    verify(parse_compact(signed(loaded)), key.verification_key())


def test_only_the_owner_may_enter_the_directory_and_read_a_key(keys: KeyDirectory) -> None:
    """0700 and 0600, whatever the umask, and no other file is left beside the key."""
    before = os.umask(0)
    try:
        keys.save(KEY)
    finally:
        os.umask(before)
    assert keys.path.stat().st_mode & 0o777 == 0o700
    assert file_of(keys).stat().st_mode & 0o777 == 0o600
    assert list(keys.path.iterdir()) == [file_of(keys)]


def test_all_keys_are_loaded_by_kid_and_unfinished_files_are_not(keys: KeyDirectory) -> None:
    """What a crash left half written has no name that is read."""
    other = SigningKey.generate("EdDSA")
    keys.save(KEY)
    keys.save(other)
    keys.save(KEY)
    (keys.path / ".abc.new").write_bytes(KEY.to_pem()[:40])
    (keys.path / ".hidden.pem").write_text("x")
    (keys.path / "README").write_text("keys of the service")
    assert keys.load_all() == {KEY.kid: KEY, other.kid: other}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o666])
def test_a_key_that_others_may_read_is_refused_with_the_command_to_run(keys: KeyDirectory, mode: int) -> None:
    """The message names the file, and running what it says is enough."""
    keys.save(KEY)
    file_of(keys).chmod(mode)
    message = why_unavailable(keys)
    assert message.endswith(f"run chmod 600 {file_of(keys)}")
    with pytest.raises(KeyUnavailable):
        keys.load_all()
    file_of(keys).chmod(0o600)
    assert keys.load(KEY.kid) == KEY


def test_a_directory_that_others_may_enter_is_refused_with_the_command_to_run(keys: KeyDirectory) -> None:
    """For reading and for writing: who may write there can replace a key."""
    keys.save(KEY)
    for mode in (0o750, 0o707, 0o777):
        keys.path.chmod(mode)
        assert why_unavailable(keys).endswith(f"run chmod 700 {keys.path}")
        with pytest.raises(KeyUnavailable):
            keys.save(SigningKey.generate("ES256"))
        with pytest.raises(KeyUnavailable):
            keys.load_all()
    keys.path.chmod(0o700)
    assert keys.load_all() == {KEY.kid: KEY}


def test_a_missing_key_names_its_kid_and_the_setting(keys: KeyDirectory) -> None:
    """An operator sees which key the log asks for and where it was looked for."""
    assert SETTING == "COUNTERFOIL_KEYS"
    message = why_unavailable(keys)
    assert str(keys.path) in message
    assert SETTING in message
    keys.save(SigningKey.generate("ES256"))
    message = why_unavailable(keys)
    assert KEY.kid in message
    assert SETTING in message


@pytest.mark.parametrize(
    "kid", ["../" + "a" * 40, "/etc/passwd", "", "a" * 42, "a" * 44, "a" * 42 + "\n", "." * 43, "é" * 43]
)
def test_a_kid_that_is_no_thumbprint_never_becomes_a_path(keys: KeyDirectory, kid: str) -> None:
    """J-07: not even with a file there to be found."""
    keys.save(KEY)
    assert why_unavailable(keys, kid).endswith("is not the kid of a signing key")


def test_a_file_with_a_stray_name_is_refused(keys: KeyDirectory) -> None:
    """A copy under another name is noticed at start, not passed over."""
    keys.save(KEY)
    (keys.path / "old.pem").write_bytes(KEY.to_pem())
    with pytest.raises(KeyUnavailable, match="'old' is not the kid"):
        keys.load_all()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 300,
        KEY.to_pem()[:-60],
        KEY.to_pem().partition(b"\n")[2],
        KEY.to_pem().replace(b"ES256", b"PS256"),
        KEY.to_pem().replace(b"ES256", b"HS256"),
        b"Algorithm: ES256\n-----BEGIN PRIVATE KEY-----\n!!!\n-----END PRIVATE KEY-----\n",
    ],
    ids=["empty", "zeros", "cut short", "no algorithm", "other algorithm", "unknown algorithm", "no key"],
)
def test_a_damaged_file_is_refused_by_name(keys: KeyDirectory, content: bytes) -> None:
    """The message says which file it is, and nothing that is in it."""
    keys.save(KEY)
    file_of(keys).write_bytes(content)
    assert f"{file_of(keys)} (see {SETTING}) is damaged" in why_unavailable(keys)


def test_a_file_that_holds_another_key_is_refused(keys: KeyDirectory) -> None:
    """Otherwise tokens would be signed under a kid that verifies none of them."""
    other = SigningKey.generate("ES256")
    keys.save(KEY)
    file_of(keys).write_bytes(other.to_pem())
    assert why_unavailable(keys).endswith(f"holds the key {other.kid}")


def test_a_link_a_pipe_or_a_directory_is_no_key(keys: KeyDirectory, tmp_path: Path) -> None:
    """A link may point to where others write, and a pipe would block the start for ever."""
    keys.save(KEY)
    elsewhere = file_of(keys).rename(tmp_path / "elsewhere.pem")
    file_of(keys).symlink_to(elsewhere)
    assert "cannot read" in why_unavailable(keys)
    file_of(keys).unlink()
    os.mkfifo(file_of(keys), 0o600)
    assert "not a regular file" in why_unavailable(keys)
    file_of(keys).unlink()
    file_of(keys).mkdir(0o700)
    assert "not a regular file" in why_unavailable(keys)


def test_a_failed_save_leaves_nothing_behind(keys: KeyDirectory) -> None:
    """Where the key cannot be put in its place, no private key stays in another."""
    keys.save(KEY)
    other = SigningKey.generate("ES256")
    file_of(keys, other).mkdir()
    with pytest.raises(OSError, match="directory"):
        keys.save(other)
    assert sorted(keys.path.iterdir()) == sorted([file_of(keys), file_of(keys, other)])


def test_no_private_key_shows_in_a_representation() -> None:
    """Law 5: what a log or a traceback would print of a key is its name and algorithm."""
    assert repr(KEY) == f"SigningKey(alg='ES256', kid='{KEY.kid}')"
    assert KEY.public_jwk().keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}
