"""Under whose name a server runs that refuses to be root, and a folder where that account and we can both work."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

PREFIX: Final = "counterfoil-"


class Unavailable(Exception):
    """This machine cannot run the server. The text says what is missing: it is the reason of a skip."""


class Identity(TypedDict, total=False):
    """The arguments of `subprocess.Popen` that make a child somebody else."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """A user and a group of this machine. They need an entry in its list: PostgreSQL looks its own name up."""

    uid: int
    gid: int

    @property
    def identity(self) -> Identity:
        """For `subprocess.Popen`; empty for ourselves, because only root may change groups."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def takes_over(self, path: Path) -> None:
        """A file or folder of ours becomes its own."""
        if self.uid != os.geteuid():
            os.chown(path, self.uid, self.gid)


def server_account() -> Account:
    """Ourselves or, if we are root, an account that nothing on this machine belongs to. Raises Unavailable."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    others = sorted((entry.pw_name != "nobody", entry.pw_uid, entry.pw_gid) for entry in pwd.getpwall())
    for _, uid, gid in others:
        if uid != 0:
            return Account(uid, gid)
    raise Unavailable("root may not run the server, and there is no other account")


def shared_temporary_folder() -> Path:
    """The folder for temporary files; for root, one that every account may enter. Raises Unavailable."""
    own = Path(tempfile.gettempdir()).resolve()
    if os.geteuid() != 0:
        return own
    for folder in (own, Path("/tmp"), Path("/var/tmp")):
        if folder.is_dir() and all(part.stat().st_mode & stat.S_IXOTH for part in (folder, *folder.parents)):
            return folder
    raise Unavailable("no other account than root may enter a folder for temporary files")


@contextmanager
def new_folder(name: str) -> Iterator[Path]:
    """A fresh folder of ours that every account may look into, removed at the end. Raises Unavailable."""
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{name}-", dir=shared_temporary_folder()))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        if folder.exists():
            shutil.rmtree(folder)
