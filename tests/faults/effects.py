"""What became of requests, held against the log: nothing acknowledged is lost, nothing happened twice."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Sequence

from domain.events import Event
from tests.faults.cluster import Cluster
from tests.faults.steady_load import Answer

OK, UNAVAILABLE = 200, 503


def check_effects(cluster: Cluster, answers: Sequence[Answer]) -> int:
    """Each acknowledged token stands in the log once, each request that failed at most once; how many failed and
    are recorded all the same."""
    recorded: defaultdict[str | None, list[Event]] = defaultdict(list)
    for _, event in cluster.events():
        recorded[event.origin.trace].append(event)
    known = {trace: len(events) for trace, events in recorded.items()}
    for answer in answers:
        times = known.get(answer.trace, 0)
        if answer.jti is not None:
            jtis = [getattr(event, "jti", None) for event in recorded[answer.trace]]
            assert jtis == [answer.jti], f"{answer.jti} was acknowledged, and the log has {jtis}"
        assert times <= 1, f"one request has {times} events"
    return sum(known.get(answer.trace, 0) for answer in answers if answer.status != OK)


def tell(figures: str) -> None:
    """For whoever runs the test with `-s`."""
    sys.stdout.write(f"\n{figures}\n")


def check_outages(answers: Sequence[Answer]) -> Counter[int]:
    """Every answer is a yes or a 503 that says when to come again; how many there are of each."""
    statuses = Counter(answer.status for answer in answers)
    others = [(a.status, a.headers, a.body) for a in answers if a.status not in (OK, UNAVAILABLE)]
    assert not others, (statuses, others[:3])
    assert all("retry-after:" in answer.headers for answer in answers if answer.status == UNAVAILABLE)
    return statuses
