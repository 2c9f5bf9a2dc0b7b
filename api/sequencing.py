"""When the sequencer works: in a thread beside a running service, or alone in a process of its own.

Where several could, the one that signed last goes on. The others only look, and take over once nothing was signed for
some seconds though the log has grown; should two work at the same moment, the store lets one of them publish.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from api.head_file import HeadFile
from api.ledger import Ledger
from api.log_key import log_signer
from api.sequencer import Sequencer, SigningRefused
from api.settings import Settings
from api.stamps import milliseconds
from eventstore.errors import StoreError
from eventstore.tree_store import TreeStore

PERIOD: Final = 0.7
"""Seconds between two rounds: a checkpoint at least every second while events come."""
PATIENCE: Final = 3.0
"""Seconds without a new head after which another process takes over."""
LAST_ROUNDS: Final = 8.0
"""Seconds to sign the rest on the way out; orchestrators commonly kill after 30 in all."""
TELL_EVERY: Final = 60.0
"""Seconds between two lines that say the same."""
SHARE: Final = 3
"""While it has much to catch up with, it rests that many times as long as it works."""

BREATH: Final = 0.001
"""Seconds of a rest. Beside requests it takes many: a thread that computes keeps the interpreter for 5 ms, and they
all wait."""

_log = logging.getLogger("counterfoil.sequencer")


def sequencer(settings: Settings, ledger: Ledger, rest: Callable[[], None] | None = None) -> Sequencer:
    """Of that store. Raises as `api.log_key.log_signer` does."""
    path = settings.head_path
    second = None if path is None else HeadFile(path)
    return Sequencer(ledger.recorder, ledger.tree, log_signer(settings, ledger), second, milliseconds, rest)


class Turns:
    """Whose turn it is to sign, told from the heads alone."""

    def __init__(self, tree: TreeStore) -> None:
        self._tree = tree
        self._seen: str | None = None
        self._since = float("-inf")

    def is_mine(self, now: float) -> bool:
        """Whether nobody else has signed lately; `now` in monotonic seconds. Raises StoreError."""
        head = self._tree.head()
        note = None if head is None else head.note
        if note != self._seen:
            first_look = self._seen is None
            self._seen, self._since = note, float("-inf") if first_look else now
        return now - self._since >= PATIENCE

    def signed(self) -> None:
        """What is there now is ours. Raises StoreError."""
        head = self._tree.head()
        self._seen = None if head is None else head.note


class Sequencing:
    """Rounds until it is stopped, and one more then."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings = settings
        self._ledger = ledger
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self.run, name="sequencer", daemon=True)
        self._turns = Turns(ledger.tree)
        self._sequencer: Sequencer | None = None
        self._rest: Callable[[], None] | None = None
        self._told = ""
        self._told_at = 0.0

    def start(self) -> None:
        """Work in a thread beside others."""
        self._rest = partial(time.sleep, BREATH)
        self._thread.start()

    def tell_to_stop(self) -> None:
        """Let `run` end after the round that is under way."""
        self._stopped.set()

    def end(self) -> None:
        """Stop, and sign all that is there, whoever's turn it is. Blocks; an outage is logged."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._attempt(last=True)

    def run(self) -> None:
        """Until it is stopped. An outage ends a round, and nothing else."""
        pause = 0.0
        while not self._stopped.wait(pause):
            began = time.monotonic()
            is_done = self._attempt()
            spent = time.monotonic() - began
            pause = max(PERIOD - spent, 0.05) if is_done else spent * SHARE

    def _attempt(self, *, last: bool = False) -> bool:
        """One round; whether nothing is left to do now."""
        try:
            if not last and not self._turns.is_mine(time.monotonic()):
                return True
            self._sequencer = self._sequencer or sequencer(self._settings, self._ledger, self._rest)
            size = self._sequencer.catch_up(LAST_ROUNDS) if last else self._sequencer.round()
            self._turns.signed()
        except SigningRefused as refusal:
            self._tell(logging.ERROR, f"the log is not signed any more: {refusal}")
        except StoreError as error:
            self._tell(logging.WARNING, f"the event store cannot be read to sign it: {error}")
        except Exception as error:  # noqa: BLE001 - a key that is missing, a disk: requests go on meanwhile
            self._tell(logging.ERROR, f"no checkpoint can be signed: {error}")
        else:
            self._told = ""
            return size is not None
        return True

    def _tell(self, level: int, what: str) -> None:
        now = time.monotonic()
        if what != self._told or now - self._told_at >= TELL_EVERY:
            self._told, self._told_at = what, now
            _log.log(level, "%s", what)
