"""A receiver of tests: it keeps what it takes in a file, and does what a script says, which may change at any time."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consumers.delivery import (
    ACCEPTED,
    DUPLICATE,
    Delivery,
    Sink,
    SinkMisconfigured,
    SinkUnavailable,
    Verdict,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`folder` has `taken.jsonl` and, if there is something to do, `script.json`."""

    folder: str
    largest_batch: int = 100


class ScriptedSink:
    """Script: `down`, `misconfigured` (messages), `delay` (seconds), `refuse`, `later` (ids), `refuse_all`."""

    largest_bytes = 1_000_000

    def __init__(self, options: Options) -> None:
        self.largest_batch = options.largest_batch
        self._folder = Path(options.folder)
        self._have: set[str] = set()

    def deliver(self, batch: Sequence[Delivery]) -> Sequence[Verdict]:
        """As the script says."""
        script = self._script()
        if "down" in script:
            raise SinkUnavailable(script["down"])
        if "misconfigured" in script:
            raise SinkMisconfigured(script["misconfigured"])
        verdicts = [self._verdict(delivery, script) for delivery in batch]
        self._write(
            [
                d
                for d, verdict in zip(batch, verdicts, strict=True)
                if verdict.kind in ("accepted", "duplicate")
            ]
        )
        # After the receiver has it, before anybody knows: where a kill hurts most.
        time.sleep(script.get("delay", 0))
        return verdicts

    def close(self) -> None:
        """Leaves a sign."""
        (self._folder / "closed").touch()

    def _verdict(self, delivery: Delivery, script: dict[str, Any]) -> Verdict:
        if script.get("refuse_all") or delivery.id in script.get("refuse", ()):
            return Verdict("refused", "the script refuses it")
        if delivery.id in script.get("later", ()):
            return Verdict("later", "the script wants it later")
        if delivery.id in self._have:
            return DUPLICATE
        self._have.add(delivery.id)
        return ACCEPTED

    def _script(self) -> dict[str, Any]:
        try:
            said: dict[str, Any] = json.loads((self._folder / "script.json").read_text())
        except FileNotFoundError:
            return {}
        return said

    def _write(self, deliveries: Sequence[Delivery]) -> None:
        lines = [
            json.dumps({"id": d.id, "seq": d.seq, "key": d.key.decode(), "type": d.type, "by": os.getpid()})
            + "\n"
            for d in deliveries
        ]
        with (self._folder / "taken.jsonl").open("a") as file:
            file.write("".join(lines))


def open_sink(options: Options) -> Sink:
    """The sink."""
    return ScriptedSink(options)


class Receiver:
    """The other side: what was taken, and the script."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def does(self, **script: Any) -> None:
        """From the next delivery on."""
        new = self.folder / "script.new"
        new.write_text(json.dumps(script))
        new.rename(self.folder / "script.json")

    def taken(self) -> list[dict[str, Any]]:
        """Everything, in order, repetitions as well."""
        try:
            lines = (self.folder / "taken.jsonl").read_text().splitlines()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines]

    def kept(self) -> list[dict[str, Any]]:
        """Without what was there already: what a receiver that drops duplicates has."""
        first: dict[str, dict[str, Any]] = {}
        for each in self.taken():
            first.setdefault(each["id"], each)
        return list(first.values())

    def is_in_order(self) -> bool:
        """Whether the events of each key first came in the order of their positions."""
        last: dict[str, int] = {}
        for each in self.kept():
            if each["type"].startswith("audit.stream."):
                continue
            if each["seq"] <= last.get(each["key"], 0):
                return False
            last[each["key"]] = each["seq"]
        return True

    def ids(self) -> set[str]:
        """Of everything it has."""
        return {each["id"] for each in self.kept()}

    def wait_for(self, records: int, seconds: float = 60) -> None:
        """Until it has that many different ones."""
        deadline = time.monotonic() + seconds
        while len(self.kept()) < records:
            assert time.monotonic() < deadline, f"{len(self.kept())} of {records} arrived"
            time.sleep(0.05)
