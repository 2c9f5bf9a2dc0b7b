"""OpenSearch 2.19.6 from its jars (56, 43 MB): downloaded once for each user, and every one checked.

Nobody publishes its archive where package clients find it, but all that is in it: the server's jars, and the module for
HTTP, of which a server reads the description from a file that is written here.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.servers.server_account import PREFIX, Unavailable, shared_temporary_folder

VERSION: Final = "2.19.6"
LIST: Final = Path(__file__).with_name(f"opensearch-{VERSION}.sha256")
COORDINATES: Final = (
    f"org.opensearch:opensearch:{VERSION}",
    f"org.opensearch:opensearch-plugin-classloader:{VERSION}",
    f"org.opensearch.plugin:transport-netty4-client:{VERSION}",
    "org.apache.logging.log4j:log4j-core:2.25.4",
)
SECONDS: Final = 600
JGO: Final = """
import shutil, sys
import jgo
folder, *coordinates = sys.argv[1:]
for artifact in {each for point in coordinates for each in jgo.resolve(point)}:
    shutil.copy(artifact.resolve(), folder)
"""


def opensearch_jars() -> Path:
    """A folder that holds what the list says and nothing else. Raises Unavailable."""
    cache = cache_folder()
    kept = cache / f"opensearch-{VERSION}-{hashlib.sha256(LIST.read_bytes()).hexdigest()[:12]}"
    # One process of this user at a time; the kernel lets go when it ends.
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if wrong_jars(kept):
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                fresh = _download(Path(folder))
                shutil.rmtree(kept, ignore_errors=True)
                fresh.rename(kept)
    return kept


def wrong_jars(folder: Path) -> set[str]:
    """The names that are missing, not on the list, or not what the list says."""
    wanted = {name: digest for digest, name in map(str.split, LIST.read_text().splitlines())}
    found = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
    return wanted.keys() ^ found.keys() | {
        name for name in wanted.keys() & found.keys() if _digest(found[name]) != wanted[name]
    }


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _download(folder: Path) -> Path:
    """By the locked package `jgo`, in a process of its own, for it reads settings from HOME."""
    jars = folder / "jars"
    jars.mkdir()
    environment = dict(os.environ)
    if not os.access(os.environ.get("HOME", ""), os.W_OK):
        environment["HOME"] = str(folder)
    command = [sys.executable, "-c", JGO, str(jars), *COORDINATES]
    try:
        subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=True,
            timeout=SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as failure:
        said = getattr(failure, "stdout", None) or b""
        raise Unavailable(
            f"OpenSearch's jars cannot be had: {said.decode(errors='replace')[-500:]}"
        ) from failure
    if wrong := wrong_jars(jars):
        raise Unavailable(f"these are not the files of {LIST.name}: {', '.join(sorted(wrong))}")
    return jars


def cache_folder() -> Path:
    """Ours to write in, and nobody else's."""
    home = os.environ.get("HOME", "")
    named = os.environ.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home else "")
    for folder in (Path(named, "counterfoil"), shared_temporary_folder() / f"{PREFIX}cache-{os.geteuid()}"):
        if not folder.is_absolute():
            continue
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = folder.lstat()
        except OSError:
            continue
        if status.st_uid == os.geteuid() and not status.st_mode & 0o022:
            return folder
    raise Unavailable("no cache folder can be made")
