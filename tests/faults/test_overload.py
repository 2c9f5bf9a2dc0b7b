"""F20, F21: more than can be served, and floods of strangers: all are told, none fills the log, memory stays."""

from __future__ import annotations

import base64
import itertools
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from api.ledger import open_ledger
from benchmarks.load import Load, request_bytes
from benchmarks.overload import OverloadPlan, run
from benchmarks.servers import Server, free_port
from benchmarks.world import World, embedded_world
from domain.events import DenialsCounted, TokenExchanged
from eventstore.codec import decode

GROWN = 60
"""Megabytes that a server may have grown by; its caches of births and tokens fill meanwhile."""
STORE_FILE = "log.db"
EXCHANGES = 20


def types_of(store: Path, after: int = 0) -> tuple[Counter[str], Counter[str], list[DenialsCounted]]:
    """How many events of each type, what the aggregates add up to, and these."""
    ledger = open_ledger(store)
    events = [decode(stored) for stored in ledger.recorder.read(after=after)]
    ledger.close()
    aggregates = [event for event in events if isinstance(event, DenialsCounted)]
    counts: Counter[str] = Counter()
    for aggregate in aggregates:
        counts.update(aggregate.counts)
    return Counter(event.TYPE for event in events), counts, aggregates


@pytest.mark.faults
def test_f20_five_times_what_it_can_do(tmp_path: Path) -> None:
    """What it answers is a token or 503 with Retry-After; the log knows each token once and the rest by number."""
    rounds = run(tmp_path, OverloadPlan(rounds=4, seconds=2.0))
    answered = sum(len(one.peak.latencies) + len(one.flood.answered) for one in rounds)
    shed = sum(len(one.flood.shed) for one in rounds)
    assert all(one.flood.due == len(one.flood.answered) + len(one.flood.shed) for one in rounds)
    assert all(one.flood.answered for one in rounds)
    assert shed > answered / 10
    assert rounds[-1].memory[1] - rounds[0].memory[0] < GROWN
    types, counts, aggregates = types_of(tmp_path / STORE_FILE)
    assert counts.keys() <= {"overloaded", "late"}
    assert sum(counts.values()) == shed + sum(one.peak.refused for one in rounds)
    # Late is late: an append that had begun was finished, without anybody to receive the token.
    exchanged = types[TokenExchanged.TYPE]
    assert answered <= exchanged <= answered + counts["late"] + 1000 * 4
    assert len(aggregates) < 30


@pytest.mark.faults
def test_f21_a_flood_of_strangers(tmp_path: Path) -> None:
    """Wrong secrets, unknown names, forms that are none: the log grows by aggregates, and clients are served."""
    world = embedded_world(tmp_path)
    tokens = world.mint(EXCHANGES)[:EXCHANGES]
    with Server(_serve(world, port := free_port()), port, "/readyz") as server:
        before = _position(world)
        resident = server.resident_megabytes()
        with (
            closing(Load(port, 64)) as load,
            ThreadPoolExecutor(1) as beside,
            httpx.Client(base_url=f"http://127.0.0.1:{port}") as client,
        ):
            flood = beside.submit(load.run, _strangers(), 8.0)
            served = [_exchange(client, exchange) for exchange in world.exchanges(tokens)]
            strangers = flood.result()
        assert served == [True] * EXCHANGES
        assert strangers.refused > EXCHANGES
        assert strangers.latencies == ()
        assert server.resident_megabytes() - resident < GROWN
    types, counts, aggregates = types_of(world.store, before)
    assert types.keys() == {TokenExchanged.TYPE, DenialsCounted.TYPE}
    assert types[TokenExchanged.TYPE] == EXCHANGES
    assert counts.keys() <= {"invalid_client", "invalid_request", "invalid_token", "overloaded", "late"}
    assert {aggregate.client for aggregate in aggregates} == {None}
    assert len(aggregates) < 10


def _serve(world: World, port: int) -> list[str]:
    return ["-m", "api.cli", "serve", "--store", str(world.store), "--port", str(port)]


def _position(world: World) -> int:
    ledger = open_ledger(world.store)
    position = ledger.recorder.last_position()
    ledger.close()
    return position


def _strangers() -> Iterator[bytes]:
    """Each different from the one before."""
    for number in itertools.count():
        name = base64.b64encode(f"nobody{number}:x".encode()).decode()
        yield request_bytes("/oauth/token", b"grant_type=client_credentials", f"Basic {name}")
        wrong = base64.b64encode(b"hr-service:wrong").decode()
        yield request_bytes("/oauth/introspect", b"token=x", f"Basic {wrong}")
        yield request_bytes("/oauth/revoke", b"token=x&token=y", "none")
        yield request_bytes("/admin/revoke", b"token=x", "Bearer eyJ")


def _exchange(client: httpx.Client, request: bytes) -> bool:
    """Ask as a client does that heeds 503; whether it got its token."""
    head, _, body = request.partition(b"\r\n\r\n")
    authorization = head.partition(b"Authorization: ")[2].partition(b"\r\n")[0].decode()
    form = {"Authorization": authorization, "Content-Type": "application/x-www-form-urlencoded"}
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        answer = client.post("/oauth/token", content=body, headers=form)
        if answer.status_code != 503:
            return answer.status_code == 200
        time.sleep(0.1)
    return False
