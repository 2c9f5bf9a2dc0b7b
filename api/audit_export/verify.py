"""Checks an export of a Counterfoil log: `python verify.py DIRECTORY`. Needs Python 3.11 and `cryptography`, no more.

Recomputes the Merkle tree (RFC 6962 §2.1), checks every checkpoint (C2SP signed-note) and that no event broke a rule.
Use a copy of this file from elsewhere, with the key of the log and the cosigned checkpoints that you kept yourself.
"""

from __future__ import annotations

import argparse
import base64
import gc
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

# fmt: off
MARGIN = 3600  # seconds after its end for which a token is remembered, for clocks that disagree
_json = json.JSONDecoder().raw_decode


def require(holds: bool, what: str) -> None:
    """Raises ValueError unless it holds."""
    if not holds:
        raise ValueError(what)


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _bytes_of(text: str) -> bytes:
    value = base64.b64decode(text, validate=True)
    require(base64.b64encode(value).decode() == text, "there is base64 that can be written in another way")
    return value


def checkpoint(note: str, log_key: str) -> tuple[int, bytes]:
    """Size and root of a checkpoint that the log signed; other signatures under it are left alone."""
    name, identity, encoded = log_key.split("+", 2)
    key = _bytes_of(encoded)
    require(key[0] == 1 and identity == _sha256(name.encode() + b"\n" + key)[:4].hex(), "the log key is malformed")
    text, _, lines = note.rpartition("\n\n")
    signatures = [_bytes_of(s.split(" ")[2]) for s in lines.split("\n") if s.startswith(f"\u2014 {name} ")]
    ours = [value[4:] for value in signatures if value[:4].hex() == identity]
    require(len(ours) == 1, f"a checkpoint has no signature of {name}, or several")
    try:
        Ed25519PublicKey.from_public_bytes(key[1:]).verify(ours[0], f"{text}\n".encode())
    except InvalidSignature:
        raise ValueError(f"the signature of {name} under a checkpoint is wrong") from None
    origin, size, root = text.split("\n")
    require(origin == name and str(int(size)) == size, f"a checkpoint is not one of {name}")
    return int(size), _bytes_of(root)


class Tree:
    """Grows leaf by leaf, and compares every tile with the one in the export (C2SP tlog-tiles)."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.done, self.compared = folder / "tile", [0] * 9, 0
        self.levels: list[list[bytes]] = [[] for _ in self.done]

    def _perfect(self, hashes: list[bytes]) -> bytes:
        while len(hashes) > 1:
            hashes = [_sha256(b"\x01" + hashes[i] + hashes[i + 1]) for i in range(0, len(hashes), 2)]
        return hashes[0]

    def push(self, value: bytes, level: int = 0) -> None:
        """One hash more on a level."""
        hashes = self.levels[level]
        hashes.append(value)
        if len(hashes) == 256:
            self._compare(level)
            self.done[level], self.levels[level] = self.done[level] + 1, []
            self.push(self._perfect(hashes), level + 1)

    def tile(self, level: int, index: int, width: int) -> bytes:
        """A tile of the export."""
        parts = [f"{index % 1000:03}"]
        while index := index // 1000:
            parts.insert(0, f"x{index % 1000:03}")
        return (self.folder / f"{level}/{'/'.join(parts)}{'' if width == 256 else f'.p/{width}'}").read_bytes()

    def _compare(self, level: int) -> None:
        there = self.tile(level, self.done[level], len(self.levels[level]))
        require(there == b"".join(self.levels[level]), f"tile {self.done[level]} of level {level} is not of the events")
        self.compared += 1

    def root(self) -> bytes:
        """Over all leaves so far."""
        root = b""
        for hashes in self.levels:
            end, width = len(hashes), 1
            while end:
                if end & width:
                    perfect = self._perfect(hashes[end - width:end])
                    root, end = _sha256(b"\x01" + perfect + root) if root else perfect, end - width
                width *= 2
        return root

    def finish(self) -> None:
        """The partial tiles too, and that there are no others."""
        for level in (level for level, hashes in enumerate(self.levels) if hashes):
            self._compare(level)
        require(sum(p.is_file() for p in self.folder.rglob("*")) == self.compared, "there are tiles of no event")


def _events(file: Path) -> Iterator[tuple[int, str, list[str], bytes]]:
    with file.open("rb") as lines:
        for line in lines:
            head, _, payload = line.partition(b',"payload":')
            fields, end = _json(text := head.decode() + "}")
            require(line.endswith(b"}\n") and end == len(text) and len(fields) == 3, "an event line is cut short")
            yield fields["position"], fields["type"], fields["tags"], payload[:-2]


def _part(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value


def _leaf(position: int, kind: str, tags: list[str], payload: bytes) -> bytes:
    head = b"counterfoil event v1\n" + position.to_bytes(8, "big") + _part(kind.encode())
    parts = len(tags).to_bytes(4, "big") + b"".join([_part(tag.encode()) for tag in tags])
    return _sha256(b"\x00" + _sha256(head + parts + _part(payload)))


def leaves(folder: Path, first: int, last: int, size: int, tree: Tree) -> Iterator[tuple[bytes, Any]]:
    """The leaf of each position: from its event, or from the tiles where the export does not have the event."""
    found = _events(folder / "events.ndjson")
    upcoming, tile = next(found, None), b""
    for position in range(1, size + 1):
        if upcoming is not None and upcoming[0] == position and first <= position <= last:
            yield _leaf(*upcoming), upcoming
            upcoming = next(found, None)
        elif first <= position <= last:
            yield _sha256(b"\x00" + _sha256(b"counterfoil void v1\n" + position.to_bytes(8, "big"))), None
        else:
            index, at = divmod(position - 1, 256)
            tile = tile if tile and at else tree.tile(0, index, min(256, size - index * 256))
            yield tile[at * 32:at * 32 + 32], None
    require(upcoming is None, f"events.ndjson has position {upcoming and upcoming[0]} where it does not belong")


class Rules:
    """Folds the events and says which of them must never have been. What began before the export is not judged."""

    def __init__(self, first: int) -> None:
        self.first, self.unjudged, self.now, self.count = first, 0, 0, 0
        self.policy: tuple[int, dict[str, Any]] | None = None
        self.births: dict[str, tuple[Any, ...]] = {}
        self.dead: dict[tuple[str, str], tuple[int, int]] = {}
        self.keys: dict[str, str] = {}
        self.disabled: set[str] = set()
        self.permitted: set[tuple[Any, ...]] = set()

    def apply(self, position: int, kind: str, payload: bytes) -> None:
        """Judge one event, then fold it. Raises ValueError."""
        event, end = _json(text := payload.decode())
        require(end == len(text), "there is something behind the payload of an event")
        self.now, self.count = max(self.now, event["at"] // 1000), self.count + 1
        what, _, state = kind.partition(".")
        if kind in ("token.issued", "token.exchanged"):
            try:
                self._birth(position, kind, event)
            except ValueError as error:
                raise ValueError(f"the {kind} at {position} {error}") from None
        elif state == "revoked":
            name = event["jti"] if what == "token" else event[what]
            self.dead[what, name] = (position, max(event["until"], self.dead.get((what, name), (0, 0))[1]))
        elif what == "key":
            self.keys[event["kid"]] = state
        elif kind in ("subject.disabled", "subject.enabled"):
            (self.disabled.add if state == "disabled" else self.disabled.discard)(event["subject"])
        elif kind == "policy.applied":
            self.permitted, self.policy = set(), (position, event["policy"])
        if position % 200_000 == 0:
            self.births = {jti: birth for jti, birth in self.births.items() if birth[4] > self.now - MARGIN}
            self.dead = {name: dead for name, dead in self.dead.items() if dead[1] > self.now - MARGIN}

    def _birth(self, position: int, kind: str, event: dict[str, Any]) -> None:
        path, actors, jti, kid = event.get("lineage", ()), event.get("actor_lineage", ()), event["jti"], event["kid"]
        jtis, second = [entry["jti"] for entry in path], frozenset([entry["jti"] for entry in actors])
        require(jti not in self.births, "has the jti of an earlier token")
        require((kind == "token.exchanged") == bool(path), "has a lineage that is not its kind's")
        require(event["chain"] == [*jtis, jti][0], "is of another chain")
        for entry in (*path, *actors) if actors else path:
            self._alive(entry, event["at"] // 1000)
        state = self.keys.get(kid, "activated" if self.first > 1 else "never published")
        require(state == "activated", "is signed with a key that is " + state)
        require(event["subject"] not in self.disabled, "is of a disabled subject")
        parent, actor = self.births.get(jtis[-1]) if path else None, self.births.get(event.get("actor_jti") or "")
        outlives = (path and event["exp"] > path[-1]["exp"]) or (actor and event["exp"] > actor[4])
        require(not outlives, "outlives what it was made from")
        require(parent is None or (jtis == parent[6] and parent[7] <= second), "has another lineage than its parent")
        if self.policy is None:
            self.unjudged += 1
        else:
            self._permitted(self.policy, event, tuple([entry["client"] for entry in path]), parent)
        self.births[jti] = (position, event["client"], event["subject"], kid, event["exp"], tuple(event["scope"]),
                            [*jtis, jti], second, tuple(event["audiences"]))

    def _alive(self, entry: dict[str, Any], now: int) -> None:
        jti, client, born = entry["jti"], entry["client"], self.births.get(entry["jti"])
        at, subject, kid, exp = entry["position"], entry["subject"], entry["kid"], entry["exp"]
        if born is not None:
            require(born[:5] == (at, client, subject, kid, exp), "says of a token what its birth does not: " + jti)
        else:
            require(at < self.first or exp <= self.now - MARGIN, "stands on a token that was never born: " + jti)
            self.unjudged += 1
        require(exp > now, "stands on a token that had expired: " + jti)
        for what, name in (("token", jti), ("chain", jti), ("subject", subject), ("client", client)):
            require(self.dead.get((what, name), (0, 0))[0] < at, "stands on a revoked " + what)
        require(self.keys.get(kid) not in ("compromised", "retired"), "stands on a key that is gone")
        require(subject not in self.disabled, "stands on a disabled subject")

    def _permitted(self, now: tuple[int, Any], event: dict[str, Any], clients: tuple[str, ...], parent: Any) -> None:
        asked, softened, origin = event["asked"]["scope"], bool(event.get("would_deny")), parent or [()] * 9
        same = (event["policy"], event["client"], clients, event["exp"] - event["iat"], tuple(event["audiences"]),
                tuple(event["scope"]), asked and tuple(asked), origin[5], origin[8], softened)
        if same in self.permitted:
            return
        policy, limits, granted = now[1], now[1]["limits"], set(event["scope"])
        require(event["policy"] == now[0], "was decided under a policy that was not in force")
        enabled = {name: client for name, client in policy["clients"].items() if not client["disabled"]}
        require({event["client"], *clients} <= set(enabled), "is of a client, or stands on one, that is disabled")
        require(event["exp"] - event["iat"] <= limits["lifetime"], "lives too long")
        client, targets = enabled[event["client"]], [
            r for r in policy["resources"].values() if r["audience"] in event["audiences"]]
        depths = [limits["depth"], client["depth"], *(target["depth"] for target in targets)]
        require(len(clients) <= min(depth for depth in depths if depth is not None), "is too deep")
        require(granted <= set(asked or granted), "has scopes that nobody asked for")
        held = {r["name"] for r in policy["resources"].values() if r["audience"] in origin[8]}
        for target in targets:
            require(granted <= set(target["scopes"]), "has scopes that its target does not know")
            reach = set(origin[5]) if softened else set()
            for rule in (r for r in client["exchange"] if r["to"] == target["name"] and held & set(r["sources"])):
                reach |= set(rule["by_name"]) & set(origin[5])
                reach.update(s for scope in origin[5] for s in rule["by_mapping"].get(scope, ()))
            require(parent is None or granted <= reach, "has more scope than the token it was made from gives")
        self.permitted.add(same)


def verify(folder: Path, trusted_key: str | None = None, kept: list[Path] | None = None) -> str:
    """What was verified, in one line. Raises ValueError, and what malformed files raise."""
    sums = ""
    for path in sorted(p for p in folder.rglob("*") if not p.is_dir() and p != folder / "SHA256SUMS"):
        with path.open("rb") as file:
            sums += f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.relative_to(folder)}\n"
    require((folder / "SHA256SUMS").read_bytes() == sums.encode(), "a file is not the one in SHA256SUMS, or not there")
    facts = json.loads((folder / "export.json").read_text("utf-8"))
    first, last, size, log_key = facts["from"], facts["to"], facts["size"], facts["log_key"]
    require(facts["format"] == "counterfoil export v1", "this verifier does not know the format of the export")
    require(trusted_key in (None, log_key), "the export is signed by another key than the one you trust")
    notes = sorted((folder / "checkpoints").iterdir()) + (kept or [])
    roots = [checkpoint(note.read_text("utf-8"), log_key) for note in notes]
    require(1 <= first <= last <= size == max(at for at, _ in roots), f"{size} positions are not what is signed last")
    tree, rules, sizes = Tree(folder), Rules(first), {at for at, _ in roots}
    for number, (leaf, event) in enumerate(leaves(folder, first, last, size, tree), 1):
        tree.push(leaf)
        if number in sizes:
            same = {tree.root()} == {root for at, root in roots if at == number}
            require(same, f"the events have another root than the checkpoint of {number} positions")
        if event is not None:
            rules.apply(event[0], event[1], event[3])
    tree.finish()
    return (f"verified: {rules.count} events, positions {first} to {last} of {size}; {len(roots)} checkpoints of "
            f"{log_key}; {rules.unjudged} things that began before the export were not judged")


def main() -> int:
    """0 verified, 1 broken."""
    parser = argparse.ArgumentParser(description="Checks an export of a Counterfoil log.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--log-key", help="the key of the log, as NAME+ID+KEY, which you have from elsewhere")
    parser.add_argument("--checkpoint", type=Path, action="append", help="a checkpoint that you, or a witness, kept")
    given = parser.parse_args()
    gc.disable()  # millions of objects and no cycles
    try:
        said = verify(given.directory, given.log_key, given.checkpoint)
    except (ValueError, LookupError, TypeError, AttributeError, OSError) as error:
        said = f"BROKEN: {error}"
    sys.stdout.write(said + "\n")
    return int(said.startswith("BROKEN"))


if __name__ == "__main__":
    sys.exit(main())
