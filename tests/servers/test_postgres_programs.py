"""Where PostgreSQL's programs come from, and that the server's account can run them wherever they are."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.servers.postgres_programs import SETTING, Programs, find_programs
from tests.servers.server_account import Account, Unavailable, server_account


@pytest.fixture
def account() -> Account:
    """The one for servers."""
    return server_account()


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs in a folder that is ours alone."""
    ours = tmp_path_factory.mktemp("ours")
    shutil.copytree(find_programs(server_account()).folder.parent, ours / "pg", symlinks=True)
    ours.chmod(0o700)
    return ours / "pg"


@pytest.fixture
def out_of_reach(account: Account, origin: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """That folder, which the setting names; what is copied from it is removed at the end."""
    monkeypatch.setenv(SETTING, str(origin / "bin"))
    yield origin
    copied = find_programs(account).folder.parent
    if copied != origin:
        shutil.rmtree(copied)


@pytest.mark.usefixtures("out_of_reach")
def test_programs_that_the_account_cannot_reach_are_copied_once(account: Account) -> None:
    """Also when several processes need them at once: all get the same, and it is whole."""
    with ThreadPoolExecutor(3) as pool:
        found: list[Programs] = list(pool.map(find_programs, [account] * 3))
    assert len({programs.folder for programs in found}) == 1


def test_a_copy_that_has_lost_a_file_is_made_again(account: Account, out_of_reach: Path) -> None:
    """Temporary folders are tidied by age, file by file."""
    copied = find_programs(account).folder.parent
    lost = next(path for path in sorted((copied / "lib").rglob("*")) if path.is_file())
    if copied != out_of_reach:
        lost.unlink()
    find_programs(account)
    assert lost.exists()


def test_a_copy_that_others_can_write_to_is_not_run(account: Account, out_of_reach: Path) -> None:
    """Whoever may write there could give us anything to run. An ordinary account runs no copy."""
    copied = find_programs(account).folder.parent
    if copied != out_of_reach:
        copied.chmod(0o777)
        with pytest.raises(Unavailable, match="somebody else"):
            find_programs(account)
        copied.chmod(0o755)


def test_a_setting_that_names_no_programs_is_said(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason of the skip says where they were looked for; nothing else is run instead."""
    monkeypatch.setenv(SETTING, str(tmp_path))
    with pytest.raises(Unavailable, match=f"tried {tmp_path}"):
        find_programs(account)
