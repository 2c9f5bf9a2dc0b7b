"""Ends a server whose test process was killed, and removes its folder.

Linux can send a child a signal when its parent dies (PR_SET_PDEATHSIG), but that is tied to the thread that started the
child, has to be asked for between fork and exec, where a process with threads must not run Python, and cannot help a
server that is paused. A shell that waits for the end of its input depends on none of these.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

SCRIPT: Final = """
trap '' HUP INT TERM
cd /
read -r nothing
kill -CONT $(cat "$1/paused")
attempts=50
left=yes
while [ $attempts -gt 0 ] && [ $left ]; do
    left=
    for file in "$1"/$2; do
        read -r pid < "$file" && kill -$3 "$pid" && left=yes
    done
    attempts=$((attempts - 1))
    sleep 0.2
done
rm -rf "$1"
"""


class OrphanGuard:
    """Watches over a folder from before its server starts until `release`."""

    def __init__(self, folder: Path, pid_files: str, ended_by: str = "QUIT") -> None:
        """`pid_files`, a pattern relative to the folder: each starts with the id of a process which that signal ends,
        children and all, and is gone or empty while there is none."""
        self._paused = folder / "paused"
        # A session of its own: Ctrl-C in a terminal and the end of that terminal reach every process of ours.
        self._shell = subprocess.Popen(
            ["sh", "-c", SCRIPT, "guard", str(folder), pid_files, ended_by],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def wakes(self, *pids: int) -> None:
        """The processes to continue before they are ended; to be said before they are paused."""
        self._paused.write_text(" ".join(map(str, pids)))

    def release(self) -> None:
        """The server has ended as it should; whoever started it removes the folder."""
        self._shell.kill()
        self._shell.communicate()
