"""Kafka 4.4.0 on this machine: 45 jars (45 MB), downloaded once for each user, and every one checked.

They are kept in `counterfoil` in the user's cache folder (`$XDG_CACHE_HOME`, else `~/.cache`, else one for temporary
files), where whoever comes first makes them while the others wait. `kafka-4.4.0.sha256` says what they have to be.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.servers.kafka_download import Download, downloads
from tests.servers.server_account import PREFIX, Unavailable, shared_temporary_folder

LIST: Final = Path(__file__).with_name("kafka-4.4.0.sha256")


class WrongJar(Exception):
    """A file is missing, is not on the list or is not what the list says. The text names it."""


def find_jars() -> Path:
    """A folder that holds what the list says and nothing else. Raises Unavailable, WrongJar."""
    return kept_jars(cache_folder(), downloads())


def cache_folder() -> Path:
    """Ours to write in, and nobody else's; made when it is not there."""
    named, home = os.environ.get("XDG_CACHE_HOME", ""), os.environ.get("HOME", "")
    for parent in (named, f"{home}/.cache" if home else ""):
        folder = Path(parent, "counterfoil")
        if folder.is_absolute() and _is_ours(folder):
            return folder
    folder = shared_temporary_folder() / f"{PREFIX}cache-{os.geteuid()}"
    if _is_ours(folder):
        return folder
    raise Unavailable(f"no cache folder for Kafka's jars can be made; the last one tried was {folder}")


def kept_jars(cache: Path, ways: Mapping[str, Download]) -> Path:
    """The checked jars below that folder, made in one of these ways unless they are there. Raises as `find_jars`."""
    name = f"{LIST.stem}-{hashlib.sha256(LIST.read_bytes()).hexdigest()[:12]}"
    kept = cache / name
    with only_one(cache / f"{name}.lock"):
        if not is_whole(kept):
            with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=cache) as folder:
                fresh = _download(Path(folder), ways)
                shutil.rmtree(kept, ignore_errors=True)
                fresh.rename(kept)
    return kept


def check_jars(folder: Path) -> None:
    """Each file against the list, and the list against the files. Raises WrongJar."""
    wanted = {name: digest for digest, name in map(str.split, LIST.read_text().splitlines())}
    found = {path.name for path in folder.iterdir()}
    if found != wanted.keys():
        raise WrongJar(f"not the files of {LIST.name}: {', '.join(sorted(found ^ wanted.keys()))}")
    for name, digest in wanted.items():
        with (folder / name).open("rb") as content:
            if hashlib.file_digest(content, "sha256").hexdigest() != digest:
                raise WrongJar(f"{name} is not the file of {LIST.name}")


def is_whole(folder: Path) -> bool:
    """Whether all is there and right: whoever tidies caches may have removed some of it."""
    try:
        check_jars(folder)
    except (WrongJar, OSError):
        return False
    return True


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """One process of this user at a time; the kernel lets go of it when that process ends, however it ends."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _download(folder: Path, ways: Mapping[str, Download]) -> Path:
    failures = []
    for name, download in ways.items():
        jars = folder / name
        jars.mkdir()
        try:
            download(jars)
        except (OSError, subprocess.SubprocessError) as failure:
            said = getattr(failure, "stdout", None) or b""
            failures.append(f"{name}: {failure}: {said.decode(errors='replace')[-500:]}")
            continue
        check_jars(jars)
        return jars
    raise Unavailable(f"Kafka's jars cannot be had: {'; '.join(failures) or 'no way is known'}")


def _is_ours(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return False
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022 and os.access(folder, os.W_OK)
